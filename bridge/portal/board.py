"""The status board: a counsellor sees what became of each referral. Works without scripts."""

from functools import cache
from importlib.resources import files
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Cookie, Response
from fastapi.responses import RedirectResponse
from jinja2 import Environment, PackageLoader, select_autoescape

from bridge.context import BodyOf, BridgeOf
from bridge.gate import ReleasedFollowUps
from bridge.gate.riding import notice_of
from bridge.identity import sign_in, sign_out, staff_of
from bridge.portal.status_words import STATUS_WORDS
from bridge.store.engine import write

router = APIRouter(prefix="/portal")

COOKIE = "schoolbridge_session"
SessionCookie = Annotated[str | None, Cookie(alias=COOKIE)]


@cache
def _pages() -> Environment:
    return Environment(
        loader=PackageLoader("bridge.portal", "templates"), autoescape=select_autoescape()
    )


def _page(name: str, status: int = 200, **values: object) -> Response:
    html = _pages().get_template(name).render(**values)
    return Response(html, status, media_type="text/html; charset=utf-8")


@router.get("/sign-in")
def sign_in_page() -> Response:
    """Ask for the sign-in code the operator gave."""
    return _page("sign-in.html", wrong=False)


@router.post("/sign-in")
def sign_in_post(bridge: BridgeOf, body: BodyOf) -> Response:
    """Exchange a code for a session."""
    code = parse_qs(body.decode("utf-8", "replace")).get("code", [""])[0]
    with write(bridge.engine) as connection:
        session = sign_in(connection, code, bridge.clock)
    if session is None:
        return _page("sign-in.html", 422, wrong=True)
    answer = RedirectResponse("/portal/board", 303)
    answer.set_cookie(
        COOKIE,
        session.token,
        httponly=True,
        samesite="strict",
        secure=bridge.settings.base_url.startswith("https"),
        path="/portal",
    )
    return answer


@router.post("/sign-out")
def sign_out_post(bridge: BridgeOf, session: SessionCookie = None) -> Response:
    """End the session."""
    with write(bridge.engine) as connection:
        sign_out(connection, session or "")
    answer = RedirectResponse("/portal/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/portal")
    return answer


@router.get("/board")
def board(bridge: BridgeOf, session: SessionCookie = None) -> Response:
    """Show the referrals of the signed-in person's district and what became of them."""
    with write(bridge.engine) as connection:
        caller = staff_of(connection, session or "", bridge.clock)
    if caller is None or caller.party != "lea":
        return RedirectResponse("/portal/sign-in", 303)
    released = bridge.gate.follow_up(caller)
    return board_page(released)


def board_page(released: ReleasedFollowUps) -> Response:
    """Return the board's page; takes only what the gate released."""
    waiting = sum(row.status == "sent" for row in released.rows)
    told = [notice_of(each) for each in released.notices]
    rows, words = released.rows, STATUS_WORDS
    return _page("board.html", rows=rows, words=words, waiting=waiting, notices=told)


@router.get("/style.css")
def style() -> Response:
    """Return the style sheet."""
    text = files("bridge.portal").joinpath("static/style.css").read_text(encoding="utf-8")
    return Response(text, media_type="text/css; charset=utf-8")
