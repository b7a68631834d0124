"""The list for a team's meeting: what is new, what changed, what is late. It prints on paper.

A member sees what their own board shows, nothing more. Who follows up, and when, stands beside
each; where nobody does there is room to write it by hand. On paper it is a tagged PDF.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response

from bridge.gate import Placed, ReleasedPage, Wanted
from bridge.gate.people.places import needs_something
from bridge.journeys.referrals.own_follow_up import handle_of
from bridge.portal.board import key_of, shown_of
from bridge.portal.languages import say
from bridge.portal.pdf import pdf_of
from bridge.portal.refusals import NotHere
from bridge.portal.status_words import DUE_WORDS, words_of
from bridge.portal.visits import StaffOf, Visit, environment

router = APIRouter(prefix="/portal")

SPANS: Final = {"7": say("7 days"), "14": say("14 days"), "30": say("30 days")}
NAMES: Final = {"full": say("Names"), "short": say("Initials and number alone")}
SIZES: Final = {"letter": say("Letter"), "A4": say("A4")}
MOST: Final = 50
"""Rows in each part: what a meeting can talk about; the board has the others."""
Days = Annotated[str, Query(pattern="^(7|14|30)$")]
Names = Annotated[str, Query(pattern="^(full|short)$")]
Size = Annotated[str, Query(pattern="^(letter|A4)$")]


@router.get("/meeting")
def meeting(visit: StaffOf, days: Days = "7", names: Names = "full") -> Response:
    """Show what a team talks about in its meeting."""
    return meeting_page(_released(visit, days), visit, days, names)


@router.get("/meeting/paper")
def paper(
    visit: StaffOf, days: Days = "7", names: Names = "full", size: Size = "letter"
) -> Response:
    """Give the same as a PDF to print.

    Raises:
        NotHere: the district refers nobody anywhere.
    """
    released = _released(visit, days)
    if released.today is None:
        raise NotHere
    visit.note_look()
    headers = {"Content-Disposition": 'attachment; filename="meeting.pdf"'}
    made = meeting_paper(released, visit, (days, names), size)
    return Response(made, headers=headers, media_type="application/pdf")


def meeting_page(released: ReleasedPage, visit: Visit, days: str, names: str) -> Response:
    """Return the page of a meeting; takes only what the gate released."""
    told = _told(released, visit, days, names)
    return visit.page("meeting.html", spans=SPANS, namings=NAMES, sizes=SIZES, **told)


def meeting_paper(released: ReleasedPage, visit: Visit, asked: tuple[str, str], size: str) -> bytes:
    """Return the list of a meeting as a PDF; takes only what the gate released."""
    page = environment(visit.lang).get_template("meeting-paper.html")
    return pdf_of(page.render(visit=visit, paper=size, **_told(released, visit, *asked)))


def _released(visit: Visit, days: str) -> ReleasedPage:
    return shown_of(visit, Wanted("act", most=MOST, since=int(days)))


def _told(released: ReleasedPage, visit: Visit, days: str, names: str) -> dict[str, Any]:
    since = (released.today - timedelta(days=int(days))).isoformat() if released.today else ""
    ways: list[tuple[str, str, Callable[[Placed], bool]]] = [
        (say("New"), "new", lambda one: one.row.sent_on >= since),
        (say("Changed"), "changed", lambda one: one.row.sent_on < since <= one.row.status_on),
        (say("Something to do"), "act", needs_something),
    ]
    parts = [
        (title, released.counts.get(count, 0), _rows(visit, released.rows, keeps)[:MOST])
        for title, count, keeps in ways
    ]
    return {
        "parts_of_it": parts,
        "days": days,
        "names": names,
        "since": since,
        "words_of": words_of,
        "due_words": DUE_WORDS,
        "own": handle_of(visit.staff),
    }


def initials(name: str) -> str:
    """Return the first letters of a name: ``A. W.``."""
    return " ".join(f"{word[0]}." for word in name.split())


def _rows(
    visit: Visit, every: Sequence[Placed], keeps: Callable[[Placed], bool]
) -> list[tuple[Placed, str, str]]:
    return [(one, key_of(visit, one.row), initials(one.row.student)) for one in every if keeps(one)]
