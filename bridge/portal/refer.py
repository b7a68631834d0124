"""A school refers a student: one topic a page, a page that says what leaves, and sent once.

The address names a draft, which is opaque and its owner's alone.
"""

import json
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response

from bridge.journeys.referrals.enter_referral import (
    BY_GUARDIAN,
    KIND,
    next_step,
    number_of,
    providers_of,
    rehearse,
    send,
    sites_of,
)
from bridge.journeys.referrals.keep_drafts import (
    Draft,
    draft_of,
    forget_draft,
    keep_draft,
    new_draft,
    open_drafts,
)
from bridge.journeys.referrals.known_student import known_student
from bridge.journeys.referrals.note_look import note_look
from bridge.journeys.referrals.work_list import district_calendar
from bridge.portal import refer_questions as asked
from bridge.portal.forms import Filled, Questions
from bridge.portal.languages import say
from bridge.portal.leaving_words import leaving
from bridge.portal.pdf import pdf_of
from bridge.portal.posted import FormOf
from bridge.portal.provider_choice import CHOICES, Asked, asked_for, offer
from bridge.portal.refusals import NotHere
from bridge.portal.visits import StaffOf, Visit, environment

router = APIRouter(prefix="/portal/refer")

STEPS: Final = ("find", "student", "family", "why", "urgency", "provider", "release")
# What stands for it in the list of who looked: a student by the register's own key.
LOOKED_UP: Final = "/portal/refer/found/"
SINGLE: Final = asked.WHY_SINGLE.name
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{10,40}$")]
Step = Annotated[str, Path(pattern=f"^({'|'.join(STEPS)})$")]


@router.get("")
def start(visit: StaffOf) -> Response:
    """Say what to do in danger, before anything is asked."""
    begun = open_drafts(visit.parts, visit.staff, KIND)
    return visit.page("refer-start.html", begun=[(each, next_page(each)) for each in begun])


@router.post("")
def begin(visit: StaffOf, _form: FormOf) -> Response:
    """Begin a referral."""
    draft = new_draft(KIND)
    keep_draft(visit.parts, visit.staff, draft)
    return visit.go(f"/portal/refer/{draft.id}/find")


@router.get("/{draft_id}/check")
def check(visit: StaffOf, draft_id: Id) -> Response:
    """Show what leaves, to whom, under which release and until when."""
    draft = _draft(visit, draft_id)
    if (step := next_page(draft)) != "check":
        return visit.go(f"/portal/refer/{draft_id}/{step}")
    return _check(visit, draft)


@router.post("/{draft_id}/check")
def check_post(visit: StaffOf, form: FormOf, draft_id: Id) -> Response:
    """Send the referral as it was shown; again: the same page, and nothing happens."""
    draft = draft_of(visit.parts, visit.staff, KIND, draft_id)
    if draft is None:
        raise NotHere
    if not draft.became and next_page(draft) != "check":
        return visit.go(f"/portal/refer/{draft_id}/{next_page(draft)}")
    if form.language:
        return _check(visit.speaking(form.language), draft)
    if not draft.became and form.one("shown") != _as_shown(visit, draft):
        return _check(visit, draft, changed=True)
    _, problems = send(visit.bridge, visit.staff, draft, _why_single(visit, draft))
    if problems:
        return _check(visit, draft)
    return visit.go(f"/portal/refer/{draft_id}/sent")


@router.get("/{draft_id}/sent")
def sent(visit: StaffOf, draft_id: Id) -> Response:
    """Say under which number it went and what comes next; again at any time."""
    number, days = _made(visit, draft_id)
    return visit.page("refer-sent.html", number=number, days=days, draft_id=draft_id)


@router.get("/{draft_id}/paper")
def paper(visit: StaffOf, draft_id: Id) -> Response:
    """Give the same as a PDF to keep; it names nobody."""
    number, days = _made(visit, draft_id)
    visit.note_look()
    page = environment(visit.lang).get_template("refer-paper.html")
    made = pdf_of(page.render(visit=visit, number=number, days=days))
    headers = {"Content-Disposition": 'attachment; filename="referral.pdf"'}
    return Response(made, headers=headers, media_type="application/pdf")


def _made(visit: Visit, draft_id: str) -> tuple[str, dict[str, date]]:
    """Return the number of what was sent, and when to look for what comes next.

    Raises:
        NotHere: this person sent no such draft.
    """
    draft = draft_of(visit.parts, visit.staff, KIND, draft_id)
    if draft is None or not draft.became:
        raise NotHere
    lea, folder = visit.staff.organization, visit.bridge.settings.calendars_folder
    answer, signature = (
        next_step(visit.bridge, folder, lea, signed=signed) for signed in (True, False)
    )
    return draft.became, {"answer": answer, "signature": signature}


@router.post("/{draft_id}/forget")
def forget(visit: StaffOf, _form: FormOf, draft_id: Id) -> Response:
    """Throw a draft away."""
    forget_draft(visit.parts, visit.staff, draft_id)
    return visit.go("/portal/refer")


@router.get("/{draft_id}/{step}")
def step_page(visit: StaffOf, draft_id: Id, step: Step) -> Response:
    """Ask one topic."""
    draft = _draft(visit, draft_id)
    wanted = asked_for(lambda name: dict(visit.query).get(name, ""))
    return _asked(visit, (draft, wanted), step, Filled(dict(draft.values)))


@router.post("/{draft_id}/{step}")
def step_post(visit: StaffOf, form: FormOf, draft_id: Id, step: Step) -> Response:
    """Take the answers to one topic and go on; what is wrong is said and nothing is lost."""
    draft = _draft(visit, draft_id)
    of = (draft, asked_for(form.one))
    filled = _questions(visit, of, step).read(form)
    if form.language:
        return _asked(visit.speaking(form.language), of, step, Filled(filled.values))
    if filled.problems:
        return _asked(visit, of, step, filled)
    values = {**_before(visit, draft, step, filled), **filled.values, f"done-{step}": "yes"}
    if step == STEPS[-1]:
        values.setdefault("authored_on", _today(visit))
    after = replace(draft, values=values)
    keep_draft(visit.parts, visit.staff, after)
    return visit.go(f"/portal/refer/{draft_id}/{next_page(after)}")


def _before(visit: Visit, draft: Draft, step: str, filled: Filled) -> dict[str, Any]:
    """Return what was answered before and holds still where a page is answered anew."""
    said = dict(draft.values)
    if step == "find" and said.get("local_id") != filled.text("local_id"):
        # Another student: nothing that was said of one may be said of the other.
        return _looked_up(visit, filled.text("local_id"))
    if step == "family" and said.get(BY_GUARDIAN) and said["guardian"] != filled.text("guardian"):
        # Another guardian: that this one signed was said by nobody.
        del said[BY_GUARDIAN], said["done-release"]
    if step == "provider":
        said.pop(SINGLE, None)
    return said


def _looked_up(visit: Visit, local_id: str) -> dict[str, Any]:
    """Return what is known of a student, and keep who asked it."""
    found = known_student(visit.bridge, visit.staff, local_id)
    if found:
        student = visit.parts.identifiers.issue("student", visit.staff.organization, local_id)
        note_look(visit.bridge, visit.staff, f"{LOOKED_UP}{student}")
    return dict(found)


def _draft(visit: Visit, draft_id: str) -> Draft:
    """Return a draft that can still be changed.

    Raises:
        NotHere: there is none of this person's, or it was sent.
    """
    draft = draft_of(visit.parts, visit.staff, KIND, draft_id)
    if draft is None or draft.became:
        raise NotHere
    return draft


def next_page(draft: Draft) -> str:
    """Return the first page that has not been answered; ``check`` where all have."""
    return next((step for step in STEPS if f"done-{step}" not in draft.values), "check")


def _why_single(visit: Visit, draft: Draft) -> str:
    """Return why a single provider was offered, as the school notes it; "" where more were."""
    why = str(draft.values.get(SINGLE, ""))
    return why and visit.say(say("Why only one provider was offered: %(why)s")) % {"why": why}


def _questions(visit: Visit, of: tuple[Draft, Asked], step: str) -> Questions:
    draft, wanted = of
    if step == "student":
        return asked.student(sites_of(visit.parts, visit.staff.organization))
    if step == "provider":
        options = offer(visit, draft, wanted, date.fromisoformat(_today(visit))).options
        return asked.provider(options, single=len(options) == 1)
    if step == "release":
        return asked.release(_today(visit), str(draft.values.get("guardian", "")))
    fixed = {"find": asked.FIND, "family": asked.FAMILY, "why": asked.WHY}
    return fixed.get(step, asked.URGENCY)


def _asked(visit: Visit, of: tuple[Draft, Asked], step: str, filled: Filled) -> Response:
    (draft, wanted), place = of, STEPS.index(step)
    before = f"/portal/refer/{draft.id}/{STEPS[place - 1]}" if place else "/portal/refer"
    told = visit.say(say("Page {0} of {1}")).format(place + 1, len(STEPS) + 1)
    told_too: dict[str, object] = {}
    if step == "provider":
        left_out = offer(visit, draft, wanted, date.fromisoformat(_today(visit))).left_out
        told_too = {"choices": CHOICES, "asked": wanted, "left_out": left_out}
    return visit.page(
        "refer-provider.html" if told_too else "question.html",
        422 if filled.problems else 200,
        questions=_questions(visit, of, step),
        filled=filled,
        back=before,
        button=visit.say(say("Save and continue")),
        step=told,
        **told_too,
    )


def _as_shown(visit: Visit, draft: Draft) -> str:
    """Return what stands for the answers that a page shows: another window may change them."""
    said = json.dumps(dict(draft.values), sort_keys=True)
    return visit.parts.identifiers.seal("referral as shown", draft.id, said)


def _check(visit: Visit, draft: Draft, *, changed: bool = False) -> Response:
    rehearsal = rehearse(visit.parts, visit.staff, draft)
    names = {o.key: o.name for o in providers_of(visit.parts, visit.staff.organization)}
    return visit.page(
        "refer-check.html",
        409 if rehearsal.problems or changed else 200,
        draft=draft,
        number=number_of(visit.parts, visit.staff, draft.id),
        provider=names[draft.values["provider"]],
        leaves=leaving(rehearsal.sent),
        problems=rehearsal.problems,
        changed=changed,
        shown=_as_shown(visit, draft),
        answers=_answers(visit, draft, names),
    )


def _answers(visit: Visit, draft: Draft, names: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return step, question and answer of everything that was answered, in words."""
    found = []
    for step in STEPS:
        questions = _asked_before(visit, draft, step)
        single = [asked.WHY_SINGLE] if step == "provider" and SINGLE in draft.values else []
        for field in [*(f for f in questions.fields if f.name != SINGLE), *single]:
            words = {o.value: visit.say(o.label) for o in field.options} | names
            value = draft.values.get(field.name, "")
            given = value if isinstance(value, list) else [value]
            if field.kind == "day" and value:
                given = [visit.day(str(value))]
            text = ", ".join(words.get(str(each), str(each)) for each in given if each)
            found.append((step, field.label, text))
    return found


def _asked_before(visit: Visit, draft: Draft, step: str) -> Questions:
    # The provider's name is known already: what all of them say of themselves is not asked again.
    return asked.provider(()) if step == "provider" else _questions(visit, (draft, {}), step)


def _today(visit: Visit) -> str:
    lea, folder = visit.staff.organization, visit.bridge.settings.calendars_folder
    calendar = district_calendar(visit.bridge, lea, folder)
    return calendar.today(visit.bridge.clock.now()).isoformat()
