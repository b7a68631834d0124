"""The status board: a counsellor sees what became of each referral. Works without scripts.

The address holds the choice of rows and the page, and nothing about a person.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from bridge.gate import FollowUp, ReleasedFollowUps, ReleasedPage, Wanted
from bridge.gate.duties.riding import notice_of
from bridge.gate.people.places import MINE, OPENING, page_key
from bridge.journeys.files.export_follow_up import follow_up_lines, follow_up_workbook
from bridge.journeys.referrals.note_look import LEADS
from bridge.journeys.referrals.own_follow_up import handle_of
from bridge.journeys.referrals.work_list import page_of, parts_of_all
from bridge.portal.languages import say
from bridge.portal.staff_forms import may_see_forms
from bridge.portal.status_words import DUE_WORDS, words_of
from bridge.portal.visits import StaffOf, Visit, staff_visit

router = APIRouter(prefix="/portal")

ROWS: Final = 50
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Preset:
    """One choice of rows: what it is called, and its name in :mod:`bridge.gate.people.places`."""

    label: str
    choice: str


PRESETS: Final[Mapping[str, Preset]] = {
    "mine": Preset(say("Mine"), MINE),
    "all": Preset(say("All"), "all"),
    "act": Preset(say("Something to do"), "act"),
    "signature": Preset(say("Waiting for a signature"), "signature"),
    "unanswered": Preset(say("No answer for 2 days"), "unanswered"),
    "unanswered-long": Preset(say("No answer for 14 days"), "unanswered_long"),
    "no-show": Preset(say("First visit missed"), "no_show"),
    "wait-list": Preset(say("Waiting list"), "wait_list"),
    "expiring": Preset(say("Signed form ends within 30 days"), "expiring"),
    "no-owner": Preset(say("Nobody follows up"), "no_owner"),
}
Show = Annotated[str, Query(max_length=20)]
Page = Annotated[int, Query(ge=1, le=100_000)]


@router.get("/board")
def board(visit: StaffOf, show: Show = "", page: Page = 1) -> Response:
    """Show referrals of the signed-in person's district and what became of them.

    Those the person follows up on, where nothing else is asked for; all, where there are none.
    """
    choice = PRESETS[show].choice if show in PRESETS else OPENING
    wanted = Wanted(choice, (page - 1) * ROWS, ROWS, who=handle_of(visit.staff))
    released = shown_of(visit, wanted)
    opening = "mine" if released.counts[MINE] else "all"
    return board_page(released, visit, show if show in PRESETS else opening, page)


@router.get("/board.csv")
def board_csv(visit: StaffOf) -> Response:
    """Give the rows of the board as a file no spreadsheet program reads as formulas."""
    headers = {"Content-Disposition": 'attachment; filename="referrals.csv"'}
    table = follow_up_lines(_all_of_it(visit))
    return StreamingResponse(table, headers=headers, media_type="text/csv; charset=utf-8")


@router.get("/board.xlsx")
def board_xlsx(visit: StaffOf) -> Response:
    """Give the rows of the board as a workbook in which every cell is text."""
    headers = {"Content-Disposition": 'attachment; filename="referrals.xlsx"'}
    book = follow_up_workbook(_all_of_it(visit))
    return StreamingResponse(book, headers=headers, media_type=_XLSX)


def _all_of_it(visit: Visit) -> Iterator[ReleasedFollowUps]:
    """Return every row, part by part; the first is there when this returns.

    INVARIANT: who it is is asked again for each part, as for each page. An answer that ends early
    is no whole file: the browser says that the download failed.
    """
    visit.note_look()
    parts = parts_of_all(visit.bridge, visit.bridge.settings.calendars_folder, visit.staff)
    first = next(parts)

    def each() -> Iterator[ReleasedFollowUps]:
        part: ReleasedFollowUps | None = first
        while part is not None:
            yield part
            staff_visit(visit)
            part = next(parts, None)

    return each()


def board_page(
    released: ReleasedPage, visit: Visit, chosen: str = "all", page: int = 1
) -> Response:
    """Return the board's page; takes only what the gate released."""
    count = released.counts.get(PRESETS[chosen].choice, 0)
    presets = [
        (name, preset.label, released.counts.get(preset.choice, 0))
        for name, preset in PRESETS.items()
    ]
    return visit.page(
        "board.html",
        forms=may_see_forms(visit),
        presets=presets,
        chosen=chosen,
        count=count,
        rows=[(one, key_of(visit, one.row)) for one in released.rows],
        pages=(page, -(-count // ROWS)),
        nobodys=released.counts.get("no_owner", 0),
        leads=visit.staff.role in LEADS,
        words_of=words_of,
        due_words=DUE_WORDS,
        notices=[notice_of(each) for each in released.notices],
    )


def shown_of(visit: Visit, wanted: Wanted) -> ReleasedPage:
    """Return some referrals of the signed-in person's district, released to that person."""
    return page_of(visit.bridge, visit.bridge.settings.calendars_folder, visit.staff, wanted)


def key_of(visit: Visit, row: FollowUp) -> str:
    """Return what stands for a referral in an address: it tells nobody which it is."""
    return page_key(visit.bridge.identifiers, visit.staff.organization, row)
