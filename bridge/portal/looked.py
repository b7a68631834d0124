"""Who looked at which student's pages: for those who lead a school or its referrals.

INVARIANT: a name stands here only where the reader's own board shows it.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from bridge.gate import Wanted
from bridge.journeys.referrals.note_look import LEADS, who_looked
from bridge.journeys.referrals.work_list import district_calendar
from bridge.portal.board import key_of, shown_of
from bridge.portal.languages import say
from bridge.portal.refer import LOOKED_UP
from bridge.portal.refusals import NotHere
from bridge.portal.visits import StaffOf, Visit

router = APIRouter(prefix="/portal")

ROWS: Final = 50
_KEY: Final = re.compile(r"/portal/referral/([0-9a-f]{32})")
# The beginning of an address, and what stands behind it; the first that fits says it.
_PAGES: Final = (
    ("/portal/referral/", say("One referral")),
    (LOOKED_UP, say("A student, by number")),
    ("/portal/refer/", say("A referral being entered")),
    ("/portal/forms/", say("The forms of one student")),
    ("/portal/board.", say("The list of referrals, as a file")),
    ("/portal/board", say("The list of referrals")),
    ("/portal/close-out", say("The end of a year")),
    ("/portal/looked", say("Who looked")),
    ("/portal/import", say("A file of referrals")),
    ("/portal/same", say("Two records side by side")),
)
# What was done there, and is no page.
_DONE: Final = {
    "/approve": say("A file of referrals: approved"),
    "/cancel": say("A file of referrals: thrown away"),
}
_OTHER: Final = say("Another page")
Page = Annotated[int, Query(ge=1, le=100_000)]


@router.get("/looked")
def looked(visit: StaffOf, page: Page = 1) -> Response:
    """Show who looked at pages about students, the newest first.

    Raises:
        NotHere: the role leads neither a school nor its referrals.
    """
    if visit.staff.role not in LEADS:
        raise NotHere
    looks = who_looked(visit.bridge, visit.staff, (page - 1) * ROWS, ROWS + 1)
    names = _names(visit, (look.path for look in looks[:ROWS]))
    rows = [(look, _called(look.path), names.get(_key(look.path), "")) for look in looks[:ROWS]]
    more = len(looks) > ROWS
    return visit.page(
        "looked.html", rows=rows, number=page, more=more, zone=_zone(visit) if rows else "UTC"
    )


def _names(visit: Visit, paths: Iterable[str]) -> dict[str, str]:
    keys = tuple(sorted({_key(path) for path in paths} - {""}))
    rows = [one.row for one in shown_of(visit, Wanted(keys=keys)).rows]
    return {key_of(visit, row): f"{row.student}, {row.referral}" for row in rows}


def _key(path: str) -> str:
    found = _KEY.match(path)
    return found[1] if found else ""


def _called(path: str) -> str:
    found = next((words for start, words in _PAGES if path.startswith(start)), _OTHER)
    done = next((words for end, words in _DONE.items() if path.endswith(end)), found)
    return done if path.startswith("/portal/import/") else found


def _zone(visit: Visit) -> str:
    lea = visit.staff.organization
    return district_calendar(visit.bridge, lea, visit.bridge.settings.calendars_folder).tz
