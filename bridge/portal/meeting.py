"""The list for a team's meeting: what is new, what changed, what is late. It prints on paper.

A member sees what their own board shows, nothing more. Who takes a case, and by when, is written
by hand on the printed page: the bridge knows no owners.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from bridge.gate import ReleasedFollowUps
from bridge.journeys.work_list import Placed, district_calendar
from bridge.portal.board import in_order, key_of, needs_something, places_of
from bridge.portal.languages import say
from bridge.portal.status_words import DUE_WORDS, words_of
from bridge.portal.visits import StaffOf, Visit

router = APIRouter(prefix="/portal")

SPANS: Final = {"7": say("7 days"), "14": say("14 days"), "30": say("30 days")}
NAMES: Final = {"full": say("Names"), "short": say("Initials and number alone")}
Days = Annotated[str, Query(pattern="^(7|14|30)$")]
Names = Annotated[str, Query(pattern="^(full|short)$")]


@router.get("/meeting")
def meeting(visit: StaffOf, days: Days = "7", names: Names = "full") -> Response:
    """Show what a team talks about in its meeting."""
    return meeting_page(visit.bridge.gate.follow_up(visit.staff), visit, days, names)


def meeting_page(released: ReleasedFollowUps, visit: Visit, days: str, names: str) -> Response:
    """Return the page of a meeting; takes only what the gate released."""
    every = in_order(places_of(released, visit))
    today = _today(visit) if every else date.min + timedelta(days=30)
    since = (today - timedelta(days=int(days))).isoformat()
    new = _rows(visit, every, lambda one: one.row.sent_on >= since)
    changed = _rows(visit, every, lambda one: one.row.sent_on < since <= one.row.status_on)
    late = _rows(visit, every, needs_something)
    parts = [(say("New"), new), (say("Changed"), changed), (say("Something to do"), late)]
    return visit.page(
        "meeting.html",
        parts_of_it=parts,
        days=days,
        names=names,
        spans=SPANS,
        namings=NAMES,
        since=since if every else "",
        words_of=words_of,
        due_words=DUE_WORDS,
    )


def initials(name: str) -> str:
    """Return the first letters of a name: ``A. W.``."""
    return " ".join(f"{word[0]}." for word in name.split())


def _rows(
    visit: Visit, every: Sequence[Placed], keeps: Callable[[Placed], bool]
) -> list[tuple[Placed, str, str]]:
    return [(one, key_of(visit, one.row), initials(one.row.student)) for one in every if keeps(one)]


def _today(visit: Visit) -> date:
    lea, folder = visit.staff.organization, visit.bridge.settings.calendars_folder
    return district_calendar(visit.bridge, lea, folder).today(visit.bridge.clock.now())
