"""The state machine of a referral's Task (SDOH Clinical Care 3.0.0, Checking Task Status).

``sdohcc_task_transitions.csv`` holds the edges of the guide's state diagram and who may set each.
Reasons and outputs: the profile requires ``statusReason.text`` where a reason is given, the guide
asks for one on the four statuses below, and refer-9 for an output on completion.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

from mappings.canonical import Modality
from mappings.fhir.elements import Json
from mappings.fhir.issues import Issue
from mappings.fhir.sessions_in import modality_of
from mappings.fhir.task import parse
from mappings.fhir.terminology import table

Actor = Literal["requester", "target"]
NEW: Final = "(new)"
"""The state before a Task exists: ``may_move(NEW, "requested", "requester")``."""

NEEDS_REASON: Final = frozenset({"rejected", "cancelled", "on-hold", "failed"})
_FOLLOW_UP: Final = table("follow-up")
_PLAIN: Final = {
    "rejected": "declined-by-provider",
    "failed": "unable-to-contact",
    "completed": "discharged",
    # Only the one who asked may withdraw without a reason of its own; others say theirs in
    # businessStatus (declined-by-family, transferred).
    "cancelled": "withdrawn-by-school",
    "entered-in-error": "withdrawn-by-school",
}


@cache
def _moves() -> dict[tuple[str, str], frozenset[str]]:
    text = (files(__package__) / "sdohcc_task_transitions.csv").read_text(encoding="utf-8")
    return {
        (row["from_status"], row["to_status"]): frozenset(row["may_set_to_status"].split(" or "))
        for row in csv.DictReader(text.splitlines())
    }


def may_move(from_status: str, to_status: str, actor: Actor) -> bool:
    """Say whether an actor may move a Task from one status to another."""
    moves = _moves()
    listed = moves.get((from_status, to_status), frozenset())
    anywhere = moves.get(("*", to_status), frozenset()) if from_status != NEW else frozenset()
    return actor in listed | anywhere


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
    answer = parse(task)
    stated = answer.business_code
    if stated is not None and _agrees(_FOLLOW_UP.rows[stated]["task_status"], answer.status):
        return stated
    return _derived(answer.status, sorted(visits, key=_begins))


def _agrees(expected: str, status: str) -> bool:
    # BSeR schedules straight from ``accepted``, so what belongs to in-progress is believed there.
    return expected == status or (status == "accepted" and expected == "in-progress")


def _derived(status: str, visits: Sequence[Json]) -> str:
    match status:
        case "on-hold":
            return "services-paused" if any(map(_attended, visits)) else "waitlisted"
        case "accepted" | "in-progress":
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
