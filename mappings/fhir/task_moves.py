"""A move of a Task as a party sent it, judged by the state machine (:mod:`mappings.loop`).

What is said newly counts: a businessStatus repeated as it was read, with a status it does not go
with, is left behind and dropped. A code of BSeR is an event; our code is put beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from mappings.fhir.elements import Json
from mappings.fhir.issues import Issue
from mappings.fhir.status_reasons import judged_reason
from mappings.fhir.task_states import FOLLOW_UP, NEEDS_REASON, state_of
from mappings.loop import (
    STATES,
    TRANSITIONS,
    Actor,
    State,
    fits,
    legal_moves,
    moves_between,
    next_state,
)
from mappings.loop.bser import BSER_EVENTS, SYSTEM

_WHO: Final[Mapping[Actor, str]] = {
    "target": "The recipient of a referral",
    "requester": "The school",
}
_STATUS: Final = "Task.status"
_BUSINESS: Final = "Task.businessStatus"


@dataclass(frozen=True, slots=True)
class Moved:
    """What a Task is to say after a move, or why it may not be moved.

    Attributes:
        business: the businessStatus to keep; None for none.
        reason: the statusReason to keep, where it is another than was sent.
        issues: what is wrong; empty when the move is legal.
    """

    status: str
    business: Json | None = field(default=None, repr=False)
    issues: tuple[Issue, ...] = ()
    reason: Json | None = field(default=None, repr=False)


def moved_task(before: Json, sent: Json, actor: Actor, *, requested: bool = False) -> Moved:
    """Judge a Task as sent against the Task as it is.

    Args:
        before: the Task as the sender was shown it.
        sent: the Task as it is to be; it has passed :func:`mappings.fhir.check.check_resource`.
        actor: who sends it.
        requested: whether a request of the school to cancel stands.
    """
    moved = _moved(before, sent, actor, requested=requested)
    said = sent.get("statusReason")
    new = moved.status in NEEDS_REASON and said != before.get("statusReason")
    if moved.issues or not new or not isinstance(said, Mapping):
        return moved
    state = state_of({"status": moved.status, "businessStatus": moved.business or {}})
    kept, issues = judged_reason(dict(said), state)
    return replace(moved, issues=issues, reason=None if kept == said else kept)


def _moved(before: Json, sent: Json, actor: Actor, *, requested: bool) -> Moved:
    old, status = state_of(before), str(sent["status"])
    concept = sent.get("businessStatus")
    if concept is None and status == old.status:
        concept = before.get("businessStatus")
    said = _said(before, concept)
    if (issue := _unknown(said)) is not None:
        return Moved(status, issues=(issue,))
    if said and said[0].get("system") == SYSTEM:
        return _by_bser((old, status), said[0], actor, requested=requested)
    code = str(said[0]["code"]) if said else ""
    new = State(status, code)
    if code and concept == before.get("businessStatus") and new not in STATES:
        new, concept = State(status), None
    issue = _illegal(old, new, actor, requested=requested)
    return Moved(status, concept, (issue,) if issue else ())


def _said(before: Json, concept: Json | None) -> list[dict[str, Any]]:
    """Return the codings that count: what is new before what was there, ours before BSeR's."""
    known = (FOLLOW_UP.system, SYSTEM)
    there = before.get("businessStatus", {}).get("coding", ())
    codings = [c for c in (concept or {}).get("coding", ()) if c.get("system") in known]
    if not any(coding not in there for coding in codings):
        return [c for c in codings if c["system"] == FOLLOW_UP.system] or codings
    fresh = [coding for coding in codings if coding not in there]
    return sorted(fresh, key=lambda coding: known.index(coding["system"]))


def _unknown(said: Sequence[Mapping[str, Any]]) -> Issue | None:
    if not said:
        return None
    ours = [c.get("code") for c in said if c["system"] == FOLLOW_UP.system]
    if len(set(ours)) > 1:
        return Issue(_BUSINESS, "invalid", "Give one code of the follow-up system, not several.")
    if ours and ours[0] not in FOLLOW_UP.rows:
        text = f"Use a code of the follow-up system: {', '.join(FOLLOW_UP.rows)}."
        return Issue(_BUSINESS, "code-invalid", text)
    if not ours and said[0].get("code") not in BSER_EVENTS:
        text = f"A recipient may say with BSeR: {', '.join(BSER_EVENTS)}."
        return Issue(_BUSINESS, "code-invalid", text)
    return None


def _by_bser(
    asked: tuple[State, str], coding: Mapping[str, Any], actor: Actor, *, requested: bool
) -> Moved:
    old, status = asked
    event = BSER_EVENTS[str(coding["code"])]
    new = next_state(old, event.event, actor, requested=requested)
    if new is None or status not in (event.status, new.status):
        text = _refusal(old, actor, requested=requested)
        return Moved(status, issues=(Issue(_STATUS, "business-rule", text),))
    ours = [FOLLOW_UP.codings[new.business]] if new.business else []
    return Moved(new.status, {"coding": [*ours, dict(coding)]})


def _illegal(old: State, new: State, actor: Actor, *, requested: bool) -> Issue | None:
    if fits(new, old) or (fits(old, new) and _nameable(new, actor)):
        return None
    if moves_between(old, new, actor, requested=requested):
        return None
    whole = moves_between(old, State(new.status), actor, requested=requested)
    path = _BUSINESS if new.status == old.status or whole else _STATUS
    return Issue(path, "business-rule", _refusal(old, actor, requested=requested))


def _nameable(state: State, actor: Actor) -> bool:
    """Return whether an actor may say that what was left unsaid is this state."""
    return any(
        move.after == state and move.actor == actor and "request" not in move.needs
        for move in TRANSITIONS
    )


def _refusal(old: State, actor: Actor, *, requested: bool) -> str:
    ends: dict[str, list[str]] = {}
    for move in legal_moves(old, actor, requested=requested):
        codes = ends.setdefault(move.after.status, [])
        if move.after.business not in ("", *codes):
            codes.append(move.after.business)
    told = [f"{status} ({', '.join(codes)})" if codes else status for status, codes in ends.items()]
    return f"{_WHO[actor]} may move it from {old} to: {', '.join(told) or 'nothing else'}."
