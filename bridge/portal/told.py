"""Pages that only tell: help, and why a page is not shown."""

import re
from typing import Final

from fastapi import APIRouter, FastAPI, Request, Response

from bridge.context import bridge_of
from bridge.portal.languages import say
from bridge.portal.refusals import FromElsewhere, NotSignedIn, PageError, TooMuchSent
from bridge.portal.visits import EitherOf, Visit, keep_cookie, visit_of

router = APIRouter(prefix="/portal")

BACK: Final = "schoolbridge_back"
_HOUR: Final = 3600
_OURS: Final = re.compile(r"/portal/[A-Za-z0-9/_-]{1,200}")


@router.get("/help")
def help_page(visit: EitherOf) -> Response:
    """Tell whom to ask; the same for everybody."""
    return visit.page("help.html")


def install(app: FastAPI) -> None:
    """Answer what ends a request for a page early."""
    app.add_exception_handler(PageError, _told)


def way_back(request: Request) -> str:
    """Return the page a person was on when the session ended; the board where that is not known."""
    kept = request.cookies.get(BACK, "")
    return kept if _OURS.fullmatch(kept) else "/portal/board"


def _told(request: Request, error: Exception) -> Response:
    visit = visit_of(request, bridge_of(request))
    if isinstance(error, NotSignedIn):
        return _to_sign_in(visit)
    if isinstance(error, FromElsewhere):
        return elsewhere_page(visit)
    if isinstance(error, TooMuchSent):
        text = say("What was sent is too large. Choose a smaller file.")
        return visit.page("told.html", 413, title=say("That is too large"), text=text)
    text = say("There is no such page, or your role may not see it.")
    return visit.page("told.html", 404, title=say("Page not found"), text=text)


def elsewhere_page(visit: Visit) -> Response:
    """Say that a form was not taken."""
    text = say(
        "That request came from another page and was not carried out. Go back and try again."
    )
    return visit.page("told.html", 403, title=say("Not carried out"), text=text)


def _to_sign_in(visit: Visit) -> Response:
    answer = visit.go("/portal/sign-in")
    # A script's question how long the session lasts is no page to come back to.
    page = visit.path != "/portal/session" and _OURS.fullmatch(visit.path)
    if visit.session and page:
        keep_cookie(answer, visit.bridge, BACK, visit.path, _HOUR)
    return answer
