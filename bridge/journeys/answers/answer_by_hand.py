"""A provider without an API of its own answers on a page: the same moves, through the same gate.

INVARIANT: what is shown is what the gate releases to the provider's role, and every look is in the
ledger. On whose consent care is given is said here, by the provider, and never on a school's page.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from bridge.errors import BridgeError, NotFoundError
from bridge.gate.people.sent_pages import OPEN, Sent, place_of
from bridge.identity import Caller, Party, Standing, read_scopes
from bridge.journeys.answers.answer_referral import TaskAnswer, answer_referral
from bridge.journeys.referrals.work_list import HasGate
from bridge.parts import parts_of
from mappings.fhir.answered_task import closed
from mappings.fhir.cancellation_task import is_cancellation
from mappings.fhir.canonicals import CARE_CONSENT
from mappings.fhir.status_reasons import DECLINES, outcome_of, reason
from mappings.fhir.terminology import table

_READS: Final = "system/Task.rus system/ServiceRequest.rs system/Patient.rs"
MOVES: Final[Mapping[str, tuple[str, ...]]] = {
    "requested": ("accept", "decline"),
    "received": ("accept", "decline"),
    "accepted": ("schedule", "start", "decline"),
    "in-progress": ("schedule", "missed", "done", "close", "decline"),
}
"""What may be done next by hand, by Task.status; the state machine has the last word."""
_STATUS: Final = {"accept": "accepted", "close": "completed"}
_SAYS: Final = {"schedule": "intake-scheduled", "missed": "intake-missed", "done": "intake-done"}
ROWS: Final = 25
"""So many Tasks are on a page of the list: each is decided and entered in the ledger as it is."""
_EARLY: Final = ("requested", "received")
_ENDS: Final = {"declined-by-family": "cancelled", "unable-to-contact": "failed"}


@dataclass(frozen=True, slots=True)
class Waiting:
    """One referral as its provider sees it in the list."""

    task_id: str
    number: str
    status: str
    sent_on: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One referral as its provider sees it: what the gate released, and the moves there are."""

    task: Mapping[str, Any] = field(repr=False)
    version: str
    request: Mapping[str, Any] = field(repr=False)
    patient: Mapping[str, Any] = field(repr=False)
    moves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HandAnswer:
    """What a person of a provider decided.

    Attributes:
        move: one of :data:`MOVES`.
        reason: why, where it is declined, in words; ``why``: as a code of status-reasons.csv.
        consent: ``guardian`` or ``minor``: on whose consent care is given; "" where not said.
        version: of the referral as it was shown.
    """

    move: str
    version: str
    reason: str = field(default="", repr=False)
    consent: str = ""
    why: str = field(default="", repr=False)


def clinic_caller(staff: Caller) -> Caller:
    """Return who asks for a provider's signed-in person: the same person, with a page's scopes."""
    standing = Standing(
        Party.PROVIDER, staff.organization, "", staff.role, ("refer",), read_scopes(_READS)
    )
    return Caller(staff.client_id, standing)


def referrals_waiting(
    whole: HasGate, staff: Caller, choice: str = OPEN, page: int = 1
) -> tuple[list[Waiting], int]:
    """Return a page of the referrals sent to a provider, the longest waiting first.

    Args:
        whole: the bridge.
        staff: the signed-in person.
        choice: one of :data:`bridge.gate.people.sent_pages.CHOICES`.
        page: its number, from 1.

    Returns:
        The page, and how many there are in all.
    """
    wanted = Sent(choice, (page - 1) * ROWS, ROWS)
    found = whole.gate.sent_page(clinic_caller(staff), wanted)
    tasks = [orjson.loads(each.body) for each in found.matches]
    return [Waiting(t["id"], place_of(t)[1], t["status"], place_of(t)[0]) for t in tasks], (
        found.total or 0
    )


def numbers_of(whole: HasGate, staff: Caller, task_ids: Collection[str]) -> dict[str, str]:
    """Return the numbers of some referrals by the Task's id, of those that the list shows."""
    if not task_ids:
        return {}
    wanted = Sent(ids=tuple(sorted(task_ids)))
    found = whole.gate.sent_page(clinic_caller(staff), wanted).matches
    return {task["id"]: place_of(task)[1] for task in (orjson.loads(each.body) for each in found)}


def referral_shown(whole: HasGate, staff: Caller, task_id: str) -> Shown:
    """Return one referral as the gate releases it.

    Raises:
        NotFoundError: there is none for this provider.
    """
    caller = clinic_caller(staff)
    released = whole.gate.read(caller, "Task", task_id)
    if released is None:
        raise NotFoundError
    task = orjson.loads(released.body)
    request = _read(whole, caller, task.get("focus"))
    patient = _read(whole, caller, task.get("for"))
    moves = () if is_cancellation(task) else MOVES.get(str(task["status"]), ())
    return Shown(task, released.version, request, patient, moves)


def answer_by_hand(whole: HasGate, staff: Caller, task_id: str, answer: HandAnswer) -> None:
    """Carry out a move.

    Raises:
        NotFoundError: there is no such referral for this provider.
        ConflictError: it has changed since it was shown.
        UnprocessableError: the state machine has no such move.
        BridgeError: the move is not offered, or declines without a reason there is.
    """
    shown = referral_shown(whole, staff, task_id)
    if answer.move not in shown.moves:
        raise BridgeError("this referral cannot be moved like that now")
    if answer.move == "decline" and not answer.reason.strip() and not answer.why:
        raise BridgeError("say why it is declined")
    if answer.why and answer.why not in reasons_of(str(shown.task["status"])):
        raise BridgeError("there is no such reason to decline")
    sent = TaskAnswer(task_id, _sent(shown, answer), f'W/"{answer.version}"')
    answer_referral(parts_of(whole), whole.gate, clinic_caller(staff), sent)


def _sent(shown: Shown, answer: HandAnswer) -> dict[str, Any]:
    task = dict(shown.task)
    if answer.move == "decline":
        more = _declined(str(task["status"]), answer)
    else:
        more = {"status": _STATUS.get(answer.move, "in-progress")}
    if answer.move in _SAYS:
        more["businessStatus"] = _said(_SAYS[answer.move])
    if answer.move == "close":
        more["output"] = closed(task)
    if answer.consent:
        more["extension"] = [{"url": CARE_CONSENT, "valueCode": answer.consent}]
    return {**task, **more}


def reasons_of(status: str) -> tuple[str, ...]:
    """Return the reasons, of status-reasons.csv, for which a referral may be given back by hand."""
    return (*DECLINES, "family-declined", *(() if status in _EARLY else ("not-reached",)))


def _declined(status: str, answer: HandAnswer) -> dict[str, Any]:
    """Return what a Task says that is given back: by the provider, or because of the family."""
    code = outcome_of(answer.why).business if answer.why else ""
    if code in _ENDS:
        return {
            "status": _ENDS[code],
            "businessStatus": _said(code),
            "statusReason": _reason(answer),
        }
    status = "rejected" if status in _EARLY else "failed"
    return {"status": status, "statusReason": _reason(answer)}


def _said(code: str) -> dict[str, Any]:
    return {"coding": [{"system": table("follow-up").system, "code": code}]}


def _reason(answer: HandAnswer) -> Mapping[str, Any]:
    text = answer.reason.strip()
    return reason(answer.why, text) if answer.why else {"text": text}


def _read(whole: HasGate, caller: Caller, link: object) -> Mapping[str, Any]:
    reference = str(link.get("reference", "")) if isinstance(link, Mapping) else ""
    kind, _, record_id = reference.partition("/")
    released = whole.gate.read(caller, kind, record_id) if record_id else None
    found: dict[str, Any] = orjson.loads(released.body) if released else {}
    return found
