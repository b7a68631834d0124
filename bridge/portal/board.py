"""The status board: a counsellor sees what became of each referral. Works without scripts."""

from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Cookie, Response
from fastapi.responses import RedirectResponse

from bridge.context import BridgeOf
from bridge.gate import ReleasedFollowUps
from bridge.gate.riding import notice_of
from bridge.identity import form_token, staff_of, still_admitted
from bridge.portal.pages import COOKIE, page
from bridge.portal.status_words import STATUS_WORDS
from bridge.store.engine import write

router = APIRouter(prefix="/portal")

SessionCookie = Annotated[str | None, Cookie(alias=COOKIE)]


@router.get("/board")
def board(bridge: BridgeOf, session: SessionCookie = None) -> Response:
    """Show the referrals of the signed-in person's district and what became of them."""
    with write(bridge.engine) as connection:
        caller = staff_of(connection, session or "", bridge.clock)
    if caller is None or caller.party != "lea":
        return RedirectResponse("/portal/sign-in", 303)
    if not still_admitted(bridge.settings.directories, caller):
        return RedirectResponse("/portal/sign-in", 303)
    released = bridge.gate.follow_up(caller)
    return board_page(released, form_token(session or ""))


def board_page(released: ReleasedFollowUps, form: str = "") -> Response:
    """Return the board's page; takes only what the gate released, and what its form carries."""
    waiting = sum(row.status == "sent" for row in released.rows)
    told = [notice_of(each) for each in released.notices]
    rows, words = released.rows, STATUS_WORDS
    return page("board.html", form=form, rows=rows, words=words, waiting=waiting, notices=told)


@router.get("/style.css")
def style() -> Response:
    """Return the style sheet."""
    text = files("bridge.portal").joinpath("static/style.css").read_text(encoding="utf-8")
    return Response(text, media_type="text/css; charset=utf-8")
