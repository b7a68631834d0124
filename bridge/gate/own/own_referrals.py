"""A district's own referrals, given back to it: what it sent, and nothing anybody made of it.

The records are the district's education records; a school official who may learn what became of
referrals is given them as they were sent (34 CFR 99.31(a)(1), 99.32(d): no disclosure, no entry).
Who may not learn of the status under the agreement gets nothing here either.

INVARIANT: only what the district wrote is read. No answer of a provider, no session, no status, no
version and no date or order of changes is part of it: it is the same whatever was done since.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from bridge.errors import GateError
from bridge.gate.agreements import CompiledAgreement
from bridge.gate.authorise import Viewer, of_agreement
from bridge.gate.released import GATE_MARK, OwnReferral, ReleasedReferrals
from bridge.gate.viewers import present_viewer
from bridge.identifiers import Identifiers
from bridge.identity import Caller
from bridge.parts import HasParts
from bridge.store.by_student import of_students
from bridge.store.database.engine import write
from bridge.store.directory import organizations
from bridge.store.vault import Query, Stored, find
from mappings.fhir.cancellation_task import is_cancellation

STATUS = "referral.status"
_ALL = 1_000_000
_OF_REFERRAL = ("Consent", "Observation", "Task")
_KINDS = ("Patient", "RelatedPerson", "ServiceRequest", *_OF_REFERRAL)
# The school's own part of a Task; the provider writes the rest.
_TASK = ("resourceType", "id", "input")


def release_own_referrals(
    parts: HasParts, caller: Caller, students: Collection[str] | None = None
) -> ReleasedReferrals:
    """Release to a district the referrals whose status the caller may learn.

    ``students`` are the ids of those it asks about; None for every student's.

    Raises:
        GateError: the caller is no district.
    """
    if caller.party != "lea":
        raise GateError("a district's own referrals are for the district")
    with write(parts.engine) as connection:
        viewer = present_viewer(connection, caller, parts.clock)
        names = {o.key: o.name for o in organizations(connection).values()}
        found = (
            referral
            for agreement in viewer.agreements
            if may_learn(viewer, agreement)
            for referral in _of(
                _sent(connection, agreement, students), agreement, parts.identifiers, names
            )
        )
        return ReleasedReferrals(tuple(found), GATE_MARK)


def may_learn(viewer: Viewer, agreement: CompiledAgreement) -> bool:
    """Return whether somebody of a district may ever learn the status of its referrals."""
    asked = ("provider", viewer.party, viewer.role)
    return any(STATUS in agreement.table.elements(*asked, each) for each in viewer.purposes)


def _of(
    sent: Mapping[str, list[Stored]],
    agreement: CompiledAgreement,
    identifiers: Identifiers,
    names: Mapping[str, str],
) -> Iterator[OwnReferral]:
    lea, provider = agreement.entry.lea, agreement.entry.provider
    patients = {p.student_id: p for p in sent["Patient"]}
    people = _grouped(sent["RelatedPerson"], "student_id")
    parts = {kind: _grouped(sent[kind], "referral_id") for kind in _OF_REFERRAL}
    for request in sent["ServiceRequest"]:
        own = [patients[request.student_id]] if request.student_id in patients else []
        order = _order(identifiers, (lea, provider), own)
        known = people.get(request.student_id, [])
        named = sorted(known, key=lambda person: order.get(person.id, len(order)))
        more = (each for kind in _OF_REFERRAL for each in parts[kind].get(request.id, ()))
        records = (request, *own, *named, *more)
        yield OwnReferral(names[provider], tuple(_as_sent(each) for each in records))


def _sent(
    connection: Connection, agreement: CompiledAgreement, students: Collection[str] | None
) -> dict[str, list[Stored]]:
    """Return what a district sent under an agreement by type, in the order of day and number.

    Not in that of change: a form that is the provider's, of a minor's own, moves that as well.
    """
    if students is None:
        own = of_agreement(agreement.id, agreement.entry.lea)
        every = [r for kind in _KINDS for r in find(connection, Query(kind, limit=_ALL), own)[0]]
    else:
        known, sender = of_students(connection, _KINDS, students), agreement.entry.lea
        every = [r for r in known if (r.agreement_id, r.custodian) == (agreement.id, sender)]
    sent: dict[str, list[Stored]] = {kind: [] for kind in _KINDS}
    for each in every:
        if each.type != "Task" or not is_cancellation(each.resource()):
            sent[each.type].append(each)
    sent["ServiceRequest"].sort(key=_made)
    return sent


def _made(request: Stored) -> tuple[str, tuple[int, str], str]:
    """Return what puts referrals in order: the day they were made, and the district's number."""
    content = request.resource()
    number = str(content["identifier"][0]["value"])
    return str(content["authoredOn"]), (len(number), number), request.id


def _grouped(records: Iterable[Stored], by: str) -> dict[str, list[Stored]]:
    found: dict[str, list[Stored]] = {}
    for record in records:
        found.setdefault(getattr(record, by), []).append(record)
    return found


def _order(
    identifiers: Identifiers, parties: tuple[str, str], patients: Iterable[Stored]
) -> dict[str, int]:
    """Return the place of each person of a student by id: as the district named them.

    A person who was renewed is stored later; the ids are made from the student's number and theirs.
    """
    keys = [str(each["value"]) for p in patients for each in p.resource()["identifier"]]
    made = (f"{key}/{n}" if n > 1 else key for n in range(1, 10) for key in keys)
    ids = (identifiers.issue(*parties, "RelatedPerson", key) for key in made)
    return {each: place for place, each in enumerate(ids)}


def _as_sent(stored: Stored) -> dict[str, Any]:
    resource = stored.resource()
    if stored.type == "Task":
        return {name: resource[name] for name in _TASK if name in resource}
    return {name: value for name, value in resource.items() if name != "meta"}
