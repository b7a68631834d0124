"""What a school may learn back about its referrals.

The school's own record says who was referred and when. What became of it is the provider's
treatment record: ``referral.status`` flows back only where the agreement, the law and the person's
own releases permit it. Where they do not, the row reads ``sent``, exactly as if the provider had
not answered yet.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from bridge.clock import Clock
from bridge.gate.agreements import CompiledAgreement
from bridge.gate.authorise import (
    PART2_RECORD,
    PART2_ROW,
    SESSION_TYPES,
    Authorised,
    Viewer,
    of_agreement,
)
from bridge.gate.consent_scopes import scopes_of
from bridge.gate.decisions import RecordDecision, decide_as
from bridge.gate.disclosures import Disclosure
from bridge.gate.projection import sealed
from bridge.gate.released import FollowUp
from bridge.gate.riding import codes_of, notice_of, riding
from bridge.identifiers import Identifiers
from bridge.store.directory import organizations
from bridge.store.evidence import EvidenceView, evidence_of, lock_students, not_before_known
from bridge.store.vault import Query, Stored, find
from consent.minimise import load_projection, minimise
from mappings.fhir.cancellation_task import is_cancellation
from mappings.fhir.task_states import follow_up_code, state_of

_ELEMENT = "referral.status"
WITHDRAWN = "withdrawn-by-school"
_ALL = 1_000_000


@dataclass(frozen=True, slots=True)
class _District:
    """One district's records of one kind each, by referral; its own, so read whole."""

    tasks: dict[str, Stored]
    requests: dict[str, Stored]
    patients: dict[str, Stored]
    visits: dict[str, list[Stored]]
    withdrawn: dict[str, str]


def follow_ups(
    connection: Connection, viewer: Viewer, clock: Clock, identifiers: Identifiers
) -> tuple[list[FollowUp], list[Disclosure]]:
    """Return the follow-up rows of a school, and the disclosures in them."""
    names = {o.id: o.name for o in organizations(connection).values()}
    rows: list[FollowUp] = []
    disclosures: list[Disclosure] = []
    for agreement in viewer.agreements:
        district = _read(connection, agreement)
        students = {task.student_id for task in district.tasks.values()}
        lock_students(connection, students, share=True)
        now = not_before_known(connection, students, clock.now())
        evidence = evidence_of(connection, students, now)
        teller = _Teller(viewer, agreement, (evidence, clock), connection, identifiers)
        for request_id, task in district.tasks.items():
            visited = district.visits.get(request_id, ())
            told, disclosure = teller.tell(task, visited, district.withdrawn.get(request_id, ""))
            rows.append(_row(district, task, told, names))
            disclosures.extend(disclosure)
    rows.sort(key=lambda row: (row.sent_on, row.referral))
    return rows, disclosures


def _read(connection: Connection, agreement: CompiledAgreement) -> _District:
    everything = of_agreement(agreement.id)
    own = of_agreement(agreement.id, agreement.entry.lea)

    def records(kind: str, condition: Authorised) -> list[Stored]:
        return find(connection, Query(kind, limit=_ALL), condition)[0]

    visits: dict[str, list[Stored]] = {}
    for kind in SESSION_TYPES:
        for visit in records(kind, everything):
            visits.setdefault(visit.referral_id, []).append(visit)
    every = [(r, r.resource()) for r in records("Task", own)]
    asked = [(r.referral_id, task) for r, task in every if is_cancellation(task)]
    return _District(
        tasks={r.referral_id: r for r, task in every if not is_cancellation(task)},
        requests={r.id: r for r in records("ServiceRequest", own)},
        patients={r.student_id: r for r in records("Patient", own)},
        visits=visits,
        withdrawn={request_id: str(task["authoredOn"])[:10] for request_id, task in asked},
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What a row tells of the provider's record, and what rides along."""

    status: str = "sent"
    day: str = ""
    notices: tuple[str, ...] = ()
    terms: str = ""


@dataclass(frozen=True, slots=True)
class _Teller:
    """Decides what may be told under one agreement, on evidence read under lock."""

    viewer: Viewer
    agreement: CompiledAgreement
    known: tuple[EvidenceView, Clock]
    connection: Connection
    identifiers: Identifiers

    def tell(
        self, task: Stored, visits: Iterable[Stored], withdrawn: str = ""
    ) -> tuple[_Told, list[Disclosure]]:
        """Return what is told, and the disclosure; the school's own part where none may.

        That is ``sent``, or from the day on which the school withdrew it, that it did.
        """
        decided = self._decided(task)
        resource = _permitted(task, decided)
        if resource is None or _of_the_school(resource, withdrawn):
            return (_Told(WITHDRAWN, withdrawn) if withdrawn else _Told()), []
        told = [(v, d) for v in visits if (d := self._decided(v)).permitted]
        status = follow_up_code(resource, [visit.resource() for visit, _ in told])
        protected = [d for visit, d in told if visit.element == PART2_ROW]
        whole = _with(decided, protected)
        rides = riding(codes_of(whole))
        (scopes,) = scopes_of(self.connection, self.viewer, [whole])
        released = sealed(self.viewer, task, resource, self.identifiers, (rides, scopes))
        day = str(resource.get("lastModified", ""))[:10]
        words = [*(notice_of(each).short for each in rides.notices), *map(str, scopes)]
        row = _Told(status, day, rides.notices, " ".join(words))
        return row, [Disclosure(task, whole, released)]

    def _decided(self, stored: Stored) -> RecordDecision:
        """Decide the status as the provider's record, whoever keeps the resource it stands in.

        A session under 42 CFR Part 2 says nothing unless it may be told of itself.
        """
        evidence, clock = self.known
        known = (evidence, clock.now())
        asked = (stored, (PART2_RECORD if stored.element == PART2_ROW else _ELEMENT,))
        return decide_as("provider", self.viewer, self.agreement, asked, known)


def _of_the_school(resource: dict[str, Any], withdrawn: str) -> bool:
    """Return whether a Task says no more than the school did: it sent it, or withdrew it."""
    if resource["status"] == "requested":
        return True
    return bool(withdrawn) and state_of(resource).business == WITHDRAWN


def _with(decided: RecordDecision, protected: Sequence[RecordDecision]) -> RecordDecision:
    """Return a decision with those on sessions under 42 CFR Part 2 that the status speaks of."""
    if not protected:
        return decided
    more = (each for one in protected for each in one.elements)
    return replace(decided, elements=tuple(dict.fromkeys((*decided.elements, *more))))


def _permitted(task: Stored, decided: RecordDecision) -> dict[str, Any] | None:
    permitted = {e.slice.element for e in decided.permitted}
    agreement = decided.agreement
    tz = agreement.agreement.effective.tz if agreement else "UTC"
    return minimise(task.resource(), permitted, load_projection("to-school", tz))


def _row(district: _District, task: Stored, told: _Told, names: dict[str, str]) -> FollowUp:
    request = district.requests[task.referral_id].resource()
    patient = district.patients[task.student_id].resource()
    return FollowUp(
        referral=request["identifier"][0]["value"],
        student=_full_name(patient["name"]),
        school=_organization(names, patient.get("managingOrganization")),
        sent_on=str(request["authoredOn"])[:10],
        provider=_organization(names, task.resource().get("owner")),
        status=told.status,
        status_on=told.day,
        notices=told.notices,
        terms=told.terms,
    )


def _full_name(names: Sequence[dict[str, Any]]) -> str:
    return " ".join([*names[0].get("given", ()), names[0].get("family", "")]).strip()


def _organization(names: dict[str, str], link: dict[str, Any] | None) -> str:
    return names.get(str((link or {}).get("reference", "")).partition("/")[2], "")
