"""The status board: a counsellor sees what became of each referral. Works without scripts.

The address holds the choice of rows and the page, and nothing about a person.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from bridge.gate import FollowUp, ReleasedFollowUps
from bridge.gate.riding import notice_of
from bridge.journeys.export_follow_up import follow_up_table, follow_up_workbook
from bridge.journeys.note_look import LEADS
from bridge.journeys.work_list import Placed, placed
from bridge.portal.languages import say
from bridge.portal.status_words import DUE_WORDS, words_of
from bridge.portal.visits import StaffOf, Visit

router = APIRouter(prefix="/portal")

ROWS: Final = 50
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _due(*rules: str) -> Callable[[Placed], bool]:
    return lambda one: any(each.rule in rules for each in one.due)


def needs_something(one: Placed) -> bool:
    """Tell whether somebody has something to do about a referral."""
    return bool(one.due) or one.unserved


@dataclass(frozen=True, slots=True)
class Preset:
    """One choice of rows: what it is called, and which rows it keeps."""

    label: str
    keeps: Callable[[Placed], bool]


PRESETS: Final[Mapping[str, Preset]] = {
    "all": Preset(say("All"), lambda _: True),
    "act": Preset(say("Something to do"), needs_something),
    "signature": Preset(
        say("Waiting for a signature"), lambda one: one.status == "awaiting-signature"
    ),
    "unanswered": Preset(say("No answer for 2 days"), _due("unanswered", "unanswered-long")),
    "unanswered-long": Preset(say("No answer for 14 days"), _due("unanswered-long")),
    "no-show": Preset(say("First visit missed"), lambda one: one.status == "intake-missed"),
    "wait-list": Preset(say("Waiting list"), lambda one: one.status == "waitlisted"),
    "expiring": Preset(say("Signed form ends within 30 days"), _due("consent-expiring")),
}
Show = Annotated[str, Query(max_length=20)]
Page = Annotated[int, Query(ge=1, le=100_000)]


@router.get("/board")
def board(visit: StaffOf, show: Show = "all", page: Page = 1) -> Response:
    """Show the referrals of the signed-in person's district and what became of them."""
    return board_page(visit.bridge.gate.follow_up(visit.staff), visit, show, page)


@router.get("/board.csv")
def board_csv(visit: StaffOf) -> Response:
    """Give the rows of the board as a file no spreadsheet program reads as formulas."""
    visit.note_look()
    table = follow_up_table(visit.bridge.gate.follow_up(visit.staff))
    headers = {"Content-Disposition": 'attachment; filename="referrals.csv"'}
    return Response(table, headers=headers, media_type="text/csv; charset=utf-8")


@router.get("/board.xlsx")
def board_xlsx(visit: StaffOf) -> Response:
    """Give the rows of the board as a workbook in which every cell is text."""
    visit.note_look()
    book = follow_up_workbook(visit.bridge.gate.follow_up(visit.staff))
    headers = {"Content-Disposition": 'attachment; filename="referrals.xlsx"'}
    return Response(book, headers=headers, media_type=_XLSX)


def board_page(
    released: ReleasedFollowUps, visit: Visit, show: str = "all", page: int = 1
) -> Response:
    """Return the board's page; takes only what the gate released."""
    every = in_order(places_of(released, visit))
    chosen = show if show in PRESETS else "all"
    kept = [one for one in every if PRESETS[chosen].keeps(one)]
    first = (page - 1) * ROWS
    shown = kept[first : first + ROWS]
    notices = {each for one in shown for each in one.row.notices}
    presets = [
        (name, preset.label, sum(preset.keeps(one) for one in every))
        for name, preset in PRESETS.items()
    ]
    return visit.page(
        "board.html",
        presets=presets,
        chosen=chosen,
        count=len(kept),
        rows=[(one, key_of(visit, one.row)) for one in shown],
        pages=(page, -(-len(kept) // ROWS)),
        leads=visit.staff.role in LEADS,
        words_of=words_of,
        due_words=DUE_WORDS,
        notices=[notice_of(each) for each in released.notices if each in notices],
    )


def places_of(released: ReleasedFollowUps, visit: Visit) -> list[Placed]:
    """Return each released referral with what is due for it."""
    if not released.rows:
        return []  # a district whose agreement is not in use yet has no calendar either
    folder = visit.bridge.settings.calendars_folder
    return placed(visit.bridge, folder, visit.staff.organization, released)


def in_order(every: Sequence[Placed]) -> list[Placed]:
    """Return what needs something first, the longest due before the others, then the oldest."""

    def rank(one: Placed) -> tuple[bool, date, str]:
        row = one.row
        said = date.fromisoformat(row.status_on or row.sent_on)
        since = one.due[0].due_on if one.due else said
        return not needs_something(one), since, row.referral

    return sorted(every, key=rank)


def key_of(visit: Visit, row: FollowUp) -> str:
    """Return what stands for a referral in an address: it tells nobody which it is."""
    own = visit.staff.organization
    return visit.bridge.identifiers.seal("referral page", own, row.provider, row.referral)
