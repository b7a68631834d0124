"""The state of a referral's Task, and what a school may be told of it.

The moves are :mod:`mappings.loop`'s. Reasons and outputs: the profile of SDOH Clinical Care 3.0.0
requires ``statusReason.text`` where a reason is given, the guide asks for one on the four statuses
below, and refer-9 for an output on completion.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from mappings.canonical import Modality
from mappings.fhir.elements import Json
from mappings.fhir.issues import Issue
from mappings.fhir.sessions_in import modality_of
from mappings.fhir.task import parse
from mappings.fhir.terminology import table
from mappings.loop import STATES, State

NEEDS_REASON: Final = frozenset({"rejected", "cancelled", "on-hold", "failed"})
FOLLOW_UP: Final = table("follow-up")
_UNDER_WAY: Final = ("accepted", "in-progress")
_PLAIN: Final = {
    "rejected": "declined-by-provider",
    # Whoever gave it back without a code said no more than that it will not be done. The school's
    # own withdrawal always says so in businessStatus.
    "failed": "declined-by-provider",
    "cancelled": "declined-by-provider",
    "completed": "discharged",
    "entered-in-error": "withdrawn-by-school",
}


def ended_by(code: str) -> str:
    """Return who ended a referral with a follow-up code: ``school``, ``family``, ``provider``.

    "" where it has not ended, or the code does not say (services that have ended, a child that was
    in care already).
    """
    return FOLLOW_UP.rows[code]["ended_by"] if code in FOLLOW_UP.rows else ""


def state_of(task: Json) -> State:
    """Return the state a Task says it is in; a businessStatus left behind by the status is none.

    Raises:
        ParseError: the Task has no status.
    """
    answer = parse(task)
    state = State(answer.status, answer.business_code or "")
    return state if state in STATES else State(answer.status)


def broken_task_rules(task: Json) -> Iterator[Issue]:
    """Yield what a Task's status requires of its other elements and does not find."""
    answer = parse(task)
    if answer.status in NEEDS_REASON and not (answer.reason or "").strip():
        yield Issue("Task.statusReason.text", "required", "say why in statusReason.text")
    if answer.status == "completed" and answer.outputs == 0:
        yield Issue("Task.output", "required", "add at least one output to a completed Task")


def follow_up_code(task: Json, visits: Iterable[Json] = ()) -> str:
    """Return the follow-up code of a referral, one of ``terminology/follow-up.csv``.

    The provider's own ``businessStatus`` counts when it agrees with ``Task.status``; one left
    behind by a later status does not. Otherwise the status decides, helped by ``visits``.

    Args:
        task: the Task of the referral.
        visits: its Encounters and Appointments. The caller leaves out those that may not be told.

    Raises:
        ParseError: the Task has no status.
    """
    state = state_of(task)
    if state.business:
        return STATES[state].follow_up
    return _derived(state.status, sorted(visits, key=_begins))


def hangs_on_visits(task: Json) -> bool:
    """Return whether the follow-up code of a referral depends on its visits at all.

    Raises:
        ParseError: the Task has no status.
    """
    state = state_of(task)
    return not state.business and state.status in ("on-hold", *_UNDER_WAY)


def settles(task: Json, visit: Json) -> bool:
    """Return whether one visit decides such a code, whatever other visits there are.

    Raises:
        ParseError: the Task has no status.
    """
    if not (hangs_on_visits(task) and _attended(visit)):
        return False
    return state_of(task).status == "on-hold" or modality_of(visit) is not Modality.INTAKE


def _derived(status: str, visits: Sequence[Json]) -> str:
    match status:
        case "on-hold":
            return "services-paused" if any(map(_attended, visits)) else "waitlisted"
        case _ if status in _UNDER_WAY:
            return _from_visits(visits)
        case _:
            return _PLAIN.get(status, "sent")


def _from_visits(visits: Sequence[Json]) -> str:
    attended = [visit for visit in visits if _attended(visit)]
    if any(modality_of(visit) is not Modality.INTAKE for visit in attended):
        return "services-started"
    if attended:
        return "intake-done"
    told = [visit for visit in visits if visit.get("status") in ("booked", "noshow")]
    if not told:
        return "accepted"
    return "intake-scheduled" if told[-1]["status"] == "booked" else "intake-missed"


def _attended(visit: Json) -> bool:
    return visit.get("status") in ("finished", "fulfilled")


def _begins(visit: Json) -> str:
    start: Any = visit.get("start") or visit.get("period", {}).get("start")
    return str(start or "")
