"""Who of the school follows up on a referral, and when: a small form of the school's own."""

from datetime import date
from typing import Final

from fastapi import APIRouter, Response

from bridge.gate import Placed
from bridge.journeys.referrals.own_follow_up import (
    give_follow_up,
    handle_of,
    may_follow_up,
    may_give,
)
from bridge.journeys.referrals.work_list import district_calendar
from bridge.portal.forms import Answers, Field, Filled, Kind, Option, Questions
from bridge.portal.languages import say
from bridge.portal.posted import FormOf
from bridge.portal.referral_page import Key, found, own_number
from bridge.portal.refusals import NotHere
from bridge.portal.role_words import role_words
from bridge.portal.visits import StaffOf, Visit

router = APIRouter(prefix="/portal/referral")

# No handle is written so.
NOBODY: Final = "-"


@router.get("/{key}/owner")
def owner(visit: StaffOf, key: Key) -> Response:
    """Ask who follows up, and when."""
    one = _given(visit, key)
    return _asked(visit, (key, one), Filled(_now(one, _today(visit))))


@router.post("/{key}/owner")
def owner_post(visit: StaffOf, form: FormOf, key: Key) -> Response:
    """Keep who follows up; doing it again changes nothing."""
    one = _given(visit, key)
    filled = _questions(visit, one).read(form)
    if form.language:
        return _asked(visit.speaking(form.language), (key, one), Filled(filled.values))
    if filled.problems:
        return _asked(visit, (key, one), filled)
    who = filled.text("owner").removeprefix(NOBODY)
    day = date.fromisoformat(said) if (said := filled.text("follow_up_on")) else None
    give_follow_up(visit.parts, visit.staff, own_number(visit, one.row), who, day)
    return visit.go(f"/portal/referral/{key}")


def _given(visit: Visit, key: str) -> Placed:
    """Return a referral that the signed-in person may give to somebody.

    Raises:
        NotHere: there is none.
    """
    one = found(visit, key)
    if not may_give(visit.staff, one.owner):
        raise NotHere
    return one


def _asked(visit: Visit, of: tuple[str, Placed], filled: Filled) -> Response:
    key, one = of
    return visit.page(
        "question.html",
        422 if filled.problems else 200,
        questions=_questions(visit, one),
        filled=filled,
        back=f"/portal/referral/{key}",
        button=visit.say(say("Save")),
        step="",
    )


def _questions(visit: Visit, one: Placed) -> Questions:
    own, today = handle_of(visit.staff), _today(visit)
    known = may_follow_up(visit.parts, visit.staff, one.owner)
    others = [
        Option(each, f"{each} ({visit.say(role_words(role))})" if role else each)
        for each, role in known.items()
    ]
    options = [Option(own, say("You")), *(each for each in others if each.value != own)]

    def together(answers: Answers) -> dict[str, str]:
        day = answers["follow_up_on"]
        over = day and str(day) <= today.isoformat()
        return {"follow_up_on": say("Enter a day that is still to come.")} if over else {}

    return Questions(
        say("Follow-up at the school"),
        (
            Field(
                "owner",
                say("Who follows up?"),
                Kind.SELECT,
                hint=say("Staff of your district who signed in lately."),
                options=(*options, Option(NOBODY, say("Nobody"))),
                missing=say("Choose who follows up."),
            ),
            Field(
                "follow_up_on",
                say("On which day?"),
                Kind.DAY,
                hint=say("From that day on the board says so. Leave it empty if there is none."),
            ),
        ),
        together,
    )


def _now(one: Placed, today: date) -> dict[str, str | list[str]]:
    """Return what holds, as answers; of a day that is over the next one is asked."""
    said: dict[str, str | list[str]] = {"owner": one.owner or NOBODY}
    if one.follow_on is not None and one.follow_on > today:
        year, month, day = one.follow_on.isoformat().split("-")
        parts = {"month": month, "day": day, "year": year}
        said |= {f"follow_up_on-{part}": text for part, text in parts.items()}
    return said


def _today(visit: Visit) -> date:
    lea, folder = visit.staff.organization, visit.bridge.settings.calendars_folder
    return district_calendar(visit.bridge, lea, folder).today(visit.bridge.clock.now())
