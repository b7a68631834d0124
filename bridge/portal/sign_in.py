"""Signing in to the portal: at the district's own directory, or with a code; and signing out."""

from typing import Annotated, Final
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse

from bridge.context import BodyOf
from bridge.identity import SignedIn, SignInRefused, sign_in, sign_out
from bridge.journeys.running.sign_in_staff import DirectorySignIn
from bridge.portal.forms import Field, Filled, Problem, Questions
from bridge.portal.languages import say
from bridge.portal.posted import FormOf, from_elsewhere
from bridge.portal.told import BACK, elsewhere_page, way_back
from bridge.portal.visits import COOKIE, AnyoneOf, Visit, keep_cookie
from bridge.store.database.engine import write

router = APIRouter(prefix="/portal")

UNDER_WAY = "schoolbridge_signing_in"
_SECONDS = 600
_log = structlog.get_logger("bridge.identity")
District = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
_WRONG: Final = say("That code does not work. Ask your administrator for a new one.")
CODE: Final = Questions(
    say("Sign in"),
    (
        Field(
            "code",
            say("Sign-in code"),
            hint=say("The code your administrator gave you. It works once, for ten minutes."),
            missing=_WRONG,
            autocomplete="one-time-code",
        ),
    ),
)


@router.get("/sign-in")
def sign_in_page(request: Request, visit: AnyoneOf) -> Response:
    """Offer the districts' directories, and ask for a sign-in code."""
    return _asked(visit, ended=BACK in request.cookies)


@router.post("/sign-in")
def sign_in_post(request: Request, visit: AnyoneOf, body: BodyOf) -> Response:
    """Exchange a code for a session."""
    if from_elsewhere(request, visit.bridge):
        return elsewhere_page(visit)
    given = parse_qs(body.decode("utf-8", "replace"))
    if "language" in given:
        return _asked(visit.speaking(given["language"][-1]))
    with write(visit.bridge.engine) as connection:
        session = sign_in(connection, given.get("code", [""])[0], visit.bridge.clock)
    if session is None:
        return _asked(visit, 422, filled=Filled({}, {"code": Problem(_WRONG)}))
    return _signed_in(request, visit, session)


@router.get("/sign-in/{district}")
def begin(district: District, request: Request, visit: AnyoneOf) -> Response:
    """Send the browser to a district's directory."""
    try:
        begun = _directories(request).begin(district)
    except SignInRefused as refused:
        return _not_in(visit, refused)
    answer = RedirectResponse(begun.url, 303)
    keep_cookie(answer, visit.bridge, UNDER_WAY, begun.cookie, _SECONDS)
    return answer


@router.get("/callback")
def callback(request: Request, visit: AnyoneOf) -> Response:
    """Take the directory's answer and open a session."""
    given = request.query_params.multi_items()
    cookie = request.cookies.get(UNDER_WAY, "")
    # RFC 6749 3.1: parameters are sent once; of a second one nobody could say which counts.
    answered = dict(given) if len(dict(given)) == len(given) else {}
    try:
        session = _directories(request).complete(answered, cookie)
    except SignInRefused as refused:
        return _not_in(visit, refused)
    answer = _signed_in(request, visit, session)
    answer.delete_cookie(UNDER_WAY, path="/portal")
    return answer


@router.post("/sign-out")
def sign_out_post(visit: AnyoneOf, _form: FormOf) -> Response:
    """End the session, if its own page asks for that."""
    with write(visit.bridge.engine) as connection:
        sign_out(connection, visit.session)
    answer = visit.go("/portal/sign-in")
    answer.delete_cookie(COOKIE, path="/portal")
    # What the browser kept of the pages goes too: the next person may use the back button.
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def _directories(request: Request) -> DirectorySignIn:
    found: DirectorySignIn = request.app.state.directories
    return found


def _asked(visit: Visit, status: int = 200, **told: object) -> Response:
    districts = [directory.name for directory in visit.bridge.settings.directories]
    told = {"filled": Filled({}), "refused": False, "ended": False} | told
    return visit.page("sign-in.html", status, questions=CODE, districts=districts, **told)


def _not_in(visit: Visit, refused: SignInRefused) -> Response:
    _log.info("sign-in refused", reason=str(refused))
    answer = _asked(visit, 403, refused=True)
    answer.delete_cookie(UNDER_WAY, path="/portal")
    return answer


def _signed_in(request: Request, visit: Visit, session: SignedIn) -> Response:
    home = "/portal/work" if session.caller.party == "provider" else way_back(request)
    answer = visit.go(home)
    keep_cookie(answer, visit.bridge, COOKIE, session.token)
    answer.delete_cookie(BACK, path="/portal")
    return answer
