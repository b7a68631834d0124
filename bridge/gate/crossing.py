"""What a provider's answer to a referral passed on may say on the way back, from hop to hop.

The school reads the first Task, which the provider did not write. What the second says gets into it
where both hops' agreements and releases tell the school as much at that moment: every role and
purpose that the first hop lets read the status, the second lets too. Who reads the first Task then
is decided again, under the first hop's agreement, when it is read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from bridge.gate.agreements import CompiledAgreement, agreements_of
from bridge.gate.authorise import PART2_RECORD, PART2_ROW, Viewer
from bridge.gate.decisions import RecordDecision, decide_as
from bridge.gate.disclosures import Disclosure, entered_as
from bridge.gate.duties.owing import owe
from bridge.gate.projection import sealed
from bridge.ledger.append import append
from bridge.parts import HasParts
from bridge.store.facts.evidence import evidence_of, lock_students, not_before_known
from bridge.store.referrals import lea_of
from bridge.store.vault import Stored, named
from consent.minimise import load_projection, minimise
from mappings.fhir.fixed import fixed
from mappings.fhir.task_states import FOLLOW_UP, NEEDS_REASON, follow_up_code, state_of
from mappings.loop import STATES, State, moves_between

_STATUS: Final = "referral.status"
_REASON: Final = "close.reason"
_UNSAID: Final = fixed({"text": "The provider gave a reason; it is not passed back"})
_OUTCOME: Final = fixed({"text": "The provider recorded an outcome; it is not passed back"})


@dataclass(frozen=True, slots=True)
class Crossed:
    """What the second Task says to the first.

    Attributes:
        task_id, request_id: the first Task, and the order it is of.
        permitted: whether the status may be told at all.
        changes: what changes of the first Task; empty where it says as much already.
    """

    task_id: str
    request_id: str
    permitted: bool
    changes: Mapping[str, Any] = field(default_factory=dict, repr=False)


def cross_back(connection: Connection, parts: HasParts, task_id: str) -> Crossed | None:
    """Return what a Task says to the one it is part of; None where it is part of none.

    What changes it is entered in the ledger of the second hop as told to the school.
    """
    second = next(iter(named(connection, "Task", [task_id])), None)
    part_of = (second.resource().get("partOf") or [{}])[0] if second else {}
    first_id = str(part_of.get("reference", "")).partition("/")[2]
    first = next(iter(named(connection, "Task", [first_id])), None)
    if second is None or first is None:
        return None
    lock_students(connection, {second.student_id}, share=True)
    told = _told(connection, parts, (first, second))
    if told is None:
        return Crossed(first.id, first.referral_id, permitted=False)
    changes = _changes(first, told.body)
    if changes:
        entry = entered_as(told.viewer, told.disclosure, parts.identifiers, "")
        append(connection, [entry] if entry else [], parts.clock)
        owe(connection, parts.identifiers, told.viewer, [told.disclosure], parts.clock)
    return Crossed(first.id, first.referral_id, permitted=True, changes=changes)


@dataclass(frozen=True, slots=True)
class _Told:
    viewer: Viewer
    disclosure: Disclosure
    body: dict[str, Any]


def _told(connection: Connection, parts: HasParts, tasks: tuple[Stored, Stored]) -> _Told | None:
    """Decide for everyone who may read the first Task's status; None where one of them may not."""
    lea = lea_of(connection, tasks[1].student_id)
    known = {each.id: each for each in agreements_of(connection, "lea", lea)}
    first, second = (known.get(each.agreement_id) for each in tasks)
    if first is None or second is None:
        return None
    decisions = list(_decided(connection, parts, (first, second), tasks))
    if not decisions or any(not each.permitted for _, each in decisions):
        return None
    permitted = frozenset.intersection(
        *(frozenset(e.slice.element for e in each.permitted) for _, each in decisions)
    )
    view = load_projection("to-school", second.agreement.effective.tz)
    body = minimise(tasks[1].resource(), permitted, view)
    if body is None:
        return None
    viewer, decided = decisions[0]
    released = sealed(viewer, tasks[1], body, parts.identifiers)
    return _Told(viewer, Disclosure(tasks[1], decided, released), body)


def _decided(
    connection: Connection,
    parts: HasParts,
    hops: tuple[CompiledAgreement, CompiledAgreement],
    tasks: tuple[Stored, Stored],
) -> Iterator[tuple[Viewer, RecordDecision]]:
    """Decide the second status for each role and purpose that may read the first one now."""
    (first, second), student = hops, {tasks[1].student_id}
    now = not_before_known(connection, student, parts.clock.now())
    known = (evidence_of(connection, student, now), now)
    status = PART2_RECORD if tasks[1].element == PART2_ROW else _STATUS
    for role, purpose in _readers(first):
        reads = Viewer("lea", first.entry.lea, role, (purpose,), (first,))
        if not decide_as("provider", reads, first, (tasks[0], (_STATUS,)), known).permitted:
            continue
        there = _elements(second, role, purpose)
        wanted = tuple(each for each in (status, _REASON) if each in there)
        viewer = Viewer("lea", second.entry.lea, role, (purpose,), (second,))
        decided = decide_as("provider", viewer, second, (tasks[1], wanted), known)
        told = any(e.slice.element == status for e in decided.permitted)
        yield viewer, decided if told else RecordDecision(second, decided.view, ())


def _readers(agreement: CompiledAgreement) -> Iterator[tuple[str, str]]:
    """Yield the roles and purposes of the school that may ever read a status."""
    for role in agreement.template.roles["lea"].staff:
        for purpose in agreement.template.purposes:
            if _STATUS in _elements(agreement, role, purpose):
                yield role, purpose


def _elements(agreement: CompiledAgreement, role: str, purpose: str) -> tuple[str, ...]:
    template = agreement.template
    if role not in template.roles["lea"].staff or purpose not in template.purposes:
        return ()
    return agreement.table.elements("provider", "lea", role, purpose)


def _changes(first: Stored, said: dict[str, Any]) -> dict[str, Any]:
    """Return what changes of the first Task: nothing that it says already, or may not say now."""
    task = first.resource()
    before = state_of(task)
    after = State(str(said["status"]), follow_up_code(said))
    after = after if after in STATES else State(after.status)
    if after.status == "requested" or after == before:
        return {}
    ended = before in STATES and STATES[before].end
    if ended and not moves_between(before, after, "target", requested=True):
        return {}
    changes: dict[str, Any] = {"status": after.status, "statusReason": None, "output": None}
    code = after.business
    changes["businessStatus"] = {"coding": [FOLLOW_UP.codings[code]]} if code else None
    if after.status in NEEDS_REASON:
        changes["statusReason"] = said.get("statusReason", _UNSAID)
    if after.status == "completed":
        changes["output"] = [{"type": _OUTCOME, "valueReference": task["focus"]}]
    return changes
