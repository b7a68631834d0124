"""The Task of a referral as it is to be after an event that a provider's file tells of.

Which event may follow which state is :mod:`mappings.loop`'s, as for a Task sent over the API.
"""

from typing import Any, Final

from mappings.canonical import ReferralAnswer
from mappings.fhir.canonicals import CARE_CONSENT
from mappings.fhir.elements import Json
from mappings.fhir.errors import FhirError
from mappings.fhir.status_reasons import WITHDRAWN, reason
from mappings.fhir.task_states import FOLLOW_UP, NEEDS_REASON, state_of
from mappings.language.codes import EVENTS
from mappings.loop import State, legal_moves, next_state

_CONFIRMS: Final = "confirm-cancellation"


def answered_task(task: Json, answer: ReferralAnswer, *, requested: bool) -> Json:
    """Return a Task as it is to be sent, with what an answer says of it.

    A decline without a reason confirms what the school asked for, where it asked to stop: HL7's
    order status CA is both.

    Args:
        task: the Task as the provider is shown it.
        answer: what happened.
        requested: whether a request of the school to cancel stands.

    Raises:
        FhirError: the event cannot follow, and which can; or it needs a reason.
    """
    before, event = state_of(task), answer.event
    given = _reason(answer)
    if event == "decline" and requested and not given:
        event = _CONFIRMS
    after = next_state(before, event, "target", requested=requested)
    if after is None:
        raise FhirError("Task.status", _refusal(before, requested=requested))
    changes: dict[str, Any] = {"status": after.status}
    if after != before:
        changes |= _said(after, WITHDRAWN if event == _CONFIRMS else given)
    if after.status == "completed":
        changes["output"] = closed(task)
    if answer.consent:
        changes["extension"] = _consented(task, answer.consent)
    return {name: value for name, value in {**task, **changes}.items() if value is not None}


def closed(task: Json) -> list[Json]:
    """Return the output of a Task that was completed by hand (refer-9 of SDOHCC asks for one)."""
    return [{"type": {"text": "Closed"}, "valueReference": task["focus"]}]


def _said(after: State, given: Json | None) -> Json:
    if after.status in NEEDS_REASON and given is None:
        raise FhirError("Task.statusReason", "this answer needs a reason, as a code or in words")
    code = after.business
    said = {"coding": [FOLLOW_UP.codings[code]]} if code else None
    return {"businessStatus": said, "statusReason": given}


def _reason(answer: ReferralAnswer) -> Json | None:
    text = (answer.reason_text or "").strip()
    if answer.reason:
        return reason(answer.reason, text)
    return {"text": text} if text else None


def _consented(task: Json, consent: str) -> list[Json]:
    others = [each for each in task.get("extension", ()) if each.get("url") != CARE_CONSENT]
    return [*others, {"url": CARE_CONSENT, "valueCode": consent}]


def _refusal(before: State, *, requested: bool) -> str:
    known = {move.event for move in legal_moves(before, "target", requested=requested)}
    told = [event for event in EVENTS if event in known]
    return (
        "this answer cannot follow what the referral's state is by now; these can: "
        f"{', '.join(told) or 'none'}"
    )
