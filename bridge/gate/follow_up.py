"""What a school may learn back about its referrals.

The school's own record says who was referred and when. What became of it is the provider's
treatment record: ``referral.status`` flows back only where the agreement, the law and the person's
own releases permit it. Where they do not, the row reads ``sent``, exactly as if the provider had
not answered yet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_

from bridge.clock import Clock
from bridge.gate.agreements import CompiledAgreement
from bridge.gate.authorise import (
    PART2_RECORD,
    PART2_ROW,
    SESSION_TYPES,
    Authorised,
    Viewer,
)
from bridge.gate.decisions import RecordDecision, decide_as
from bridge.gate.disclosures import Disclosure, entry_of
from bridge.gate.projection import sealed
from bridge.gate.released import FollowUp
from bridge.identifiers import Identifiers
from bridge.ledger.entry import Entry
from bridge.store.conditions import RECORD
from bridge.store.directory import organizations
from bridge.store.evidence import EvidenceView, evidence_of, lock_students
from bridge.store.vault import Query, Stored, find
from consent.minimise import load_projection, minimise
from mappings.fhir.task_states import follow_up_code

_ELEMENT = "referral.status"
_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class _District:
    """One district's records of one kind each, by referral; its own, so read whole."""

    tasks: dict[str, Stored]
    requests: dict[str, Stored]
    patients: dict[str, Stored]
    visits: dict[str, list[Stored]]


def follow_ups(
    connection: Connection, viewer: Viewer, clock: Clock, identifiers: Identifiers
) -> tuple[list[FollowUp], list[Entry]]:
    """Return the follow-up rows of a school, and the ledger entries of what they tell."""
    names = {o.id: o.name for o in organizations(connection).values()}
    rows: list[FollowUp] = []
    entries: list[Entry] = []
    for agreement in viewer.agreements:
        district = _read(connection, agreement)
        students = {task.student_id for task in district.tasks.values()}
        lock_students(connection, students, share=True)
        evidence = evidence_of(connection, students, clock.now())
        teller = _Teller(viewer, agreement, evidence, clock, identifiers)
        for request_id, task in district.tasks.items():
            told, entry = teller.tell(task, district.visits.get(request_id, ()))
            rows.append(_row(district, task, told, names))
            entries.extend(entry)
    rows.sort(key=lambda row: (row.sent_on, row.referral))
    return rows, entries


def _read(connection: Connection, agreement: CompiledAgreement) -> _District:
    of_agreement = RECORD.c.agreement_id == agreement.id
    own = and_(of_agreement, RECORD.c.custodian == agreement.entry.lea)

    def records(kind: str, condition: Any) -> list[Stored]:  # noqa: ANN401 - a SQL condition
        return find(connection, Query(kind, limit=_ALL), Authorised(condition, {}))[0]

    visits: dict[str, list[Stored]] = {}
    for kind in SESSION_TYPES:
        for visit in records(kind, of_agreement):
            visits.setdefault(visit.referral_id, []).append(visit)
    return _District(
        tasks={r.referral_id: r for r in records("Task", own)},
        requests={r.id: r for r in records("ServiceRequest", own)},
        patients={r.student_id: r for r in records("Patient", own)},
        visits=visits,
    )


@dataclass(frozen=True, slots=True)
class _Teller:
    """Decides what may be told under one agreement, on evidence read under lock."""

    viewer: Viewer
    agreement: CompiledAgreement
    evidence: EvidenceView
    clock: Clock
    identifiers: Identifiers

    def tell(self, task: Stored, visits: Iterable[Stored]) -> tuple[dict[str, str], list[Entry]]:
        """Return status and its day, and the entry; the school's own ``sent`` where none may."""
        decided = self._decided(task)
        resource = _permitted(task, decided)
        if resource is None or resource["status"] == "requested":
            return {"status": "sent", "status_on": ""}, []
        told = [visit for visit in visits if self._decided(visit).permitted]
        status = follow_up_code(resource, [visit.resource() for visit in told])
        released = sealed(self.viewer, task, resource, self.identifiers)
        disclosure = Disclosure(task, decided, released)
        entry = entry_of(self.viewer, disclosure, self.identifiers, "")
        day = str(resource.get("lastModified", ""))[:10]
        return {"status": status, "status_on": day}, [entry] if entry else []

    def _decided(self, stored: Stored) -> RecordDecision:
        """Decide the status as the provider's record, whoever keeps the resource it stands in.

        A session under 42 CFR Part 2 says nothing unless it may be told of itself.
        """
        known = (self.evidence, self.clock.now())
        asked = (stored, (PART2_RECORD if stored.element == PART2_ROW else _ELEMENT,))
        return decide_as("provider", self.viewer, self.agreement, asked, known)


def _permitted(task: Stored, decided: RecordDecision) -> dict[str, Any] | None:
    permitted = {e.slice.element for e in decided.permitted}
    agreement = decided.agreement
    tz = agreement.agreement.effective.tz if agreement else "UTC"
    return minimise(task.resource(), permitted, load_projection("to-school", tz))


def _row(
    district: _District, task: Stored, told: dict[str, str], names: dict[str, str]
) -> FollowUp:
    request = district.requests[task.referral_id].resource()
    patient = district.patients[task.student_id].resource()
    return FollowUp(
        referral=request["identifier"][0]["value"],
        student=_full_name(patient["name"]),
        school=_organization(names, patient.get("managingOrganization")),
        sent_on=str(request["authoredOn"])[:10],
        provider=_organization(names, task.resource().get("owner")),
        **told,
    )


def _full_name(names: Sequence[dict[str, Any]]) -> str:
    return " ".join([*names[0].get("given", ()), names[0].get("family", "")]).strip()


def _organization(names: dict[str, str], link: dict[str, Any] | None) -> str:
    return names.get(str((link or {}).get("reference", "")).partition("/")[2], "")
