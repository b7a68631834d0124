"""The status board: a counsellor sees what became of each referral. Works without scripts."""

from fastapi import APIRouter, Response

from bridge.gate import ReleasedFollowUps
from bridge.gate.riding import notice_of
from bridge.portal.status_words import STATUS_WORDS
from bridge.portal.visits import StaffOf, Visit

router = APIRouter(prefix="/portal")


@router.get("/board")
def board(visit: StaffOf) -> Response:
    """Show the referrals of the signed-in person's district and what became of them."""
    return board_page(visit.bridge.gate.follow_up(visit.staff), visit)


def board_page(released: ReleasedFollowUps, visit: Visit) -> Response:
    """Return the board's page; takes only what the gate released."""
    waiting = sum(row.status == "sent" for row in released.rows)
    told = [notice_of(each) for each in released.notices]
    rows, words = released.rows, STATUS_WORDS
    return visit.page("board.html", rows=rows, words=words, waiting=waiting, notices=told)
