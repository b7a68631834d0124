"""A provider without an API of its own: what was sent to it, and its answers, on pages.

The same gate and the same state machine as over the API. On whose consent care is given is asked
here and nowhere else.
"""

import re
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from bridge.errors import BridgeError, ConflictError, NotFoundError
from bridge.gate.people.sent_pages import ENDED, OPEN
from bridge.identity import staff_of
from bridge.journeys.answers.answer_by_hand import (
    ROWS,
    HandAnswer,
    Shown,
    answer_by_hand,
    reasons_of,
    referral_shown,
    referrals_waiting,
)
from bridge.journeys.referrals.note_look import reads_looks
from bridge.journeys.referrals.write_note import notes_shared
from bridge.portal.forms import Answers, Field, Filled, Kind, Option, Problem, Questions
from bridge.portal.languages import say
from bridge.portal.posted import FormOf
from bridge.portal.refusals import NotHere, NotSignedIn
from bridge.portal.status_words import ENDED_BY
from bridge.portal.visits import AnyoneOf, Visit
from bridge.store.database.unwaited import write_unwaited
from mappings.fhir.task_states import ended_by, follow_up_code

router = APIRouter(prefix="/portal/work")

TaskId = Annotated[str, Path(pattern=r"^[A-Za-z0-9.-]{1,64}$")]
MOVES: Final = {
    "accept": say("Accept: we will take it up"),
    "decline": say("Decline: we cannot take it up"),
    "schedule": say("A first visit is arranged"),
    "missed": say("The visit was missed"),
    "done": say("The first visit took place"),
    "start": say("Services have started"),
    "close": say("Close: services have ended"),
}
STATES: Final = {
    "requested": say("Waits for your answer"),
    "received": say("Waits for your answer"),
    "accepted": say("Accepted"),
    "in-progress": say("In care"),
    "on-hold": say("Waiting list"),
    "completed": say("Closed"),
    "rejected": say("Declined"),
    "failed": say("Declined"),
    "cancelled": say("Withdrawn"),
}
SHOWN: Final = {
    "open": (say("Still to be done"), OPEN),
    "ended": (say("Closed, declined or withdrawn"), ENDED),
}
Show = Annotated[str, Query(pattern="^(open|ended)$")]
Page = Annotated[int, Query(ge=1, le=100_000)]
_DATE: Final = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
_REACHES: Final = re.compile(r"\d(?:[\s().+-]*\d){6}|\S@\S")
_CONTACT: Final = say("Write no phone number and no e-mail address here: the school may see this.")
REASONS: Final = {
    "no-place": say("No place is free"),
    "not-eligible": say("The student is not eligible for the service"),
    "outside-area": say("The student lives outside the area we serve"),
    "other-help": say("The student needs another kind of help"),
    "declined": say("Another reason"),
    "family-declined": say("The family does not want it"),
    "not-reached": say("We could not reach the family"),
}
_CHANGED: Final = say("It has changed since you opened it. Look at it again.")
_NOT_SO: Final = say("That step is not possible now. Choose another.")


def clinic_visit(visit: AnyoneOf) -> Visit:
    """Return the visit of a signed-in person of a provider, and keep the session awake.

    Raises:
        NotSignedIn: nobody is, or no longer, or not of a provider.
    """
    with write_unwaited(visit.bridge.engine) as connection:
        caller = staff_of(connection, visit.session, visit.bridge.clock)
    if caller is None or caller.party != "provider":
        raise NotSignedIn
    return replace(visit, caller=caller, room="provider")


ClinicOf = Annotated[Visit, Depends(clinic_visit)]


@router.get("")
def work(visit: ClinicOf, show: Show = "open", page: Page = 1) -> Response:
    """List what was sent to the provider, the longest waiting first."""
    rows, count = referrals_waiting(visit.bridge, visit.staff, SHOWN[show][1], page)
    return visit.page(
        "clinic-work.html",
        rows=rows,
        states=STATES,
        choices=[(name, words) for name, (words, _) in SHOWN.items()],
        chosen=show,
        count=count,
        leads=reads_looks(visit.staff),
        pages=(page, -(-count // ROWS)),
    )


@router.get("/{task_id}")
def referral(task_id: TaskId, visit: ClinicOf) -> Response:
    """Show one referral and what may be done next."""
    return _page(visit, _shown(visit, task_id))


@router.post("/{task_id}")
def answer(task_id: TaskId, visit: ClinicOf, sent: FormOf) -> Response:
    """Carry out what was decided."""
    shown = _shown(visit, task_id)
    visit = visit.speaking(sent.language)
    filled = _questions(shown).read(sent)
    if sent.language:
        return _page(visit, shown, 200, replace(filled, problems={}))
    if not filled.problems:
        said = HandAnswer(
            move=filled.text("move"),
            version=sent.one("version"),
            reason=filled.text("reason"),
            consent=filled.text("consent"),
            why=filled.text("why"),
        )
        try:
            answer_by_hand(visit.bridge, visit.staff, task_id, said)
        except (BridgeError, NotFoundError) as error:
            told = _CHANGED if isinstance(error, ConflictError) else _NOT_SO
            filled = replace(filled, problems={"move": Problem(told)})
    if filled.problems:
        return _page(visit, shown, 422, filled)
    return visit.go("/portal/work")


def _shown(visit: Visit, task_id: str) -> Shown:
    try:
        return referral_shown(visit.bridge, visit.staff, task_id)
    except NotFoundError:
        raise NotHere from None


def _page(visit: Visit, shown: Shown, status: int = 200, filled: Filled | None = None) -> Response:
    called: dict[str, Any] = next(iter(shown.patient.get("name", ())), {})
    reasons = [str(each.get("text", "")) for each in shown.request.get("reasonCode", ())]
    return visit.page(
        "clinic-referral.html",
        status,
        shown=shown,
        state=STATES.get(str(shown.task["status"]), ""),
        ended_by=ENDED_BY.get(ended_by(follow_up_code(dict(shown.task))), ""),
        number=str(shown.task["identifier"][0]["value"]),
        student=" ".join([*called.get("given", ()), str(called.get("family", ""))]).strip(),
        born=str(shown.patient.get("birthDate", "")),
        reasons=[each for each in reasons if each],
        notes=notes_shared(visit.bridge, visit.staff, str(shown.request.get("id", ""))),
        questions=_questions(shown),
        filled=filled or Filled({}),
    )


def _questions(shown: Shown) -> Questions:
    moves = tuple(Option(move, MOVES[move]) for move in shown.moves)
    fields = (
        Field(
            "move",
            say("What happens next?"),
            Kind.RADIOS,
            options=moves,
            missing=say("Choose what happens next."),
        ),
        *_reasons(str(shown.task["status"])),
        Field(
            "consent",
            say("On whose consent do you give care?"),
            Kind.RADIOS,
            hint=say(
                "Where the student alone agreed, the school and the family see nothing of it."
            ),
            options=(
                Option("guardian", say("A parent or guardian")),
                Option("minor", say("The student alone, as the law allows")),
            ),
        ),
    )
    return Questions(say("Your answer to the referral"), fields, _together)


def _no_contact(reason: str) -> str:
    # Of anybody: to refuse some numbers alone would tell whose they are.
    return _CONTACT if _REACHES.search(_DATE.sub("", reason)) else ""


def _reasons(status: str) -> tuple[Field, ...]:
    known = reasons_of(status)
    return (
        Field(
            "why",
            say("If you decline: what is the reason?"),
            Kind.RADIOS,
            options=tuple(Option(code, REASONS[code]) for code in known),
        ),
        Field(
            "reason",
            say("If you decline: why, in your words?"),
            Kind.TEXTAREA,
            hint=say("The school may see this. Write nothing about the student's health."),
            most=300,
            check=_no_contact,
        ),
    )


def _together(answers: Answers) -> dict[str, str]:
    if answers.get("move") == "decline" and not (answers.get("why") or answers.get("reason")):
        return {"why": say("Say why you decline.")}
    return {}
