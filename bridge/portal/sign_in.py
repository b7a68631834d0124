"""Signing in to the portal: at the district's own directory, or with a code; and signing out."""

from typing import Annotated
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Cookie, Path, Request, Response
from fastapi.responses import RedirectResponse

from bridge.context import BodyOf, Bridge, BridgeOf
from bridge.identity import SignedIn, SignInRefused, form_token, sign_in, sign_out
from bridge.journeys.sign_in_staff import DirectorySignIn
from bridge.portal.pages import COOKIE, from_elsewhere, is_secure, page
from bridge.store.engine import write

router = APIRouter(prefix="/portal")

UNDER_WAY = "schoolbridge_signing_in"
_SECONDS = 600
_log = structlog.get_logger("bridge.identity")
SessionCookie = Annotated[str | None, Cookie(alias=COOKIE)]
District = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,60}$")]


@router.get("/sign-in")
def sign_in_page(bridge: BridgeOf) -> Response:
    """Offer the districts' directories, and ask for a sign-in code."""
    return _asked(bridge)


@router.post("/sign-in")
def sign_in_post(request: Request, bridge: BridgeOf, body: BodyOf) -> Response:
    """Exchange a code for a session."""
    if from_elsewhere(request, bridge):
        return _asked(bridge, 403, elsewhere=True)
    code = parse_qs(body.decode("utf-8", "replace")).get("code", [""])[0]
    with write(bridge.engine) as connection:
        session = sign_in(connection, code, bridge.clock)
    if session is None:
        return _asked(bridge, 422, wrong=True)
    return _signed_in(bridge, session)


@router.get("/sign-in/{district}")
def begin(district: District, request: Request, bridge: BridgeOf) -> Response:
    """Send the browser to a district's directory."""
    try:
        begun = _directories(request).begin(district)
    except SignInRefused as refused:
        return _not_in(bridge, refused)
    answer = RedirectResponse(begun.url, 303)
    _keep(answer, bridge, UNDER_WAY, begun.cookie)
    return answer


@router.get("/callback")
def callback(request: Request, bridge: BridgeOf) -> Response:
    """Take the directory's answer and open a session."""
    given = request.query_params.multi_items()
    cookie = request.cookies.get(UNDER_WAY, "")
    # RFC 6749 3.1: parameters are sent once; of a second one nobody could say which counts.
    answered = dict(given) if len(dict(given)) == len(given) else {}
    try:
        session = _directories(request).complete(answered, cookie)
    except SignInRefused as refused:
        return _not_in(bridge, refused)
    answer = _signed_in(bridge, session)
    answer.delete_cookie(UNDER_WAY, path="/portal")
    return answer


@router.post("/sign-out")
def sign_out_post(
    request: Request, bridge: BridgeOf, body: BodyOf, session: SessionCookie = None
) -> Response:
    """End the session, if its own page asks for that."""
    sent = parse_qs(body.decode("utf-8", "replace")).get("form", [""])[0]
    if from_elsewhere(request, bridge) or sent != form_token(session or ""):
        return _asked(bridge, 403, elsewhere=True)
    with write(bridge.engine) as connection:
        sign_out(connection, session or "")
    answer = RedirectResponse("/portal/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/portal")
    return answer


def _directories(request: Request) -> DirectorySignIn:
    found: DirectorySignIn = request.app.state.directories
    return found


def _asked(bridge: Bridge, status: int = 200, **told: bool) -> Response:
    districts = [directory.name for directory in bridge.settings.directories]
    return page("sign-in.html", status, districts=districts, **told)


def _not_in(bridge: Bridge, refused: SignInRefused) -> Response:
    _log.info("sign-in refused", reason=str(refused))
    answer = _asked(bridge, 403, refused=True)
    answer.delete_cookie(UNDER_WAY, path="/portal")
    return answer


def _signed_in(bridge: Bridge, session: SignedIn) -> Response:
    answer = RedirectResponse("/portal/board", 303)
    _keep(answer, bridge, COOKIE, session.token)
    return answer


def _keep(answer: Response, bridge: Bridge, name: str, value: str) -> None:
    # Lax: the way back from a directory begins at another site, and must find the session.
    answer.set_cookie(
        name,
        value,
        max_age=_SECONDS if name == UNDER_WAY else None,
        httponly=True,
        samesite="lax",
        secure=is_secure(bridge),
        path="/portal",
    )
