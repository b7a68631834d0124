"""Pages that only tell: help, and why a page is not shown.

A browser gets a page for whatever goes wrong under ``/portal``, in the person's language. It says
what the API's answer says and no more: who asks for no page gets that answer.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final, cast

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import WebSocketRequestValidationError

from bridge.context import bridge_of
from bridge.portal.languages import say
from bridge.portal.refusals import (
    FromElsewhere,
    NotSignedIn,
    NotToldApart,
    PageError,
    TooMuchSent,
)
from bridge.portal.visits import EitherOf, Visit, keep_cookie, visit_of

router = APIRouter(prefix="/portal")

BACK: Final = "schoolbridge_back"
_HOUR: Final = 3600
_ABSENT: Final = (
    say("Page not found"),
    say("There is no such page, or your role may not see it."),
)
_WRONG: Final = (
    say("Something went wrong"),
    say("Something went wrong here. Try again, or ask for help."),
)
# It may have been carried out before something went wrong: nobody is told otherwise.
_WRONG_SENT: Final = (
    say("Something went wrong"),
    say(
        "Something went wrong here. What you sent may have been carried out: look before you send "
        "it again, or ask for help."
    ),
)
_TWO_OF_ONE_NAME: Final = (
    say("Two providers have one name"),
    say(
        "Both have a referral with this number, and nothing here tells them apart. Ask whoever "
        "runs schoolbridge for your district to give one provider another name."
    ),
)
_SAID: Final = {
    404: _ABSENT,
    405: (
        say("That is not possible here"),
        say("This page does not do that. Go back and try again."),
    ),
    503: (
        say("Not available now"),
        say("The page cannot be shown now. Try again later."),
    ),
}
# A page's own; its other headers are those of the answer it stands for.
_OWN: Final = frozenset({"content-type", "content-length", "content-security-policy"})
_OURS: Final = re.compile(r"/portal/[A-Za-z0-9/_-]{1,200}")


@router.get("/help")
def help_page(visit: EitherOf) -> Response:
    """Tell whom to ask; the same for everybody."""
    return visit.page("help.html")


Answering = Callable[[Request, Exception], Response]


def install(app: FastAPI) -> None:
    """Answer what ends a request for a page early; to browsers all errors, known so far, as pages.

    The answers to errors must be installed before.
    """
    for kind, answering in list(app.exception_handlers.items()):
        if kind is not WebSocketRequestValidationError:
            app.add_exception_handler(kind, _in_a_browser(cast("Answering", answering)))
    app.add_exception_handler(PageError, _told)


def way_back(request: Request) -> str:
    """Return the page a person was on when the session ended; the board where that is not known."""
    kept = request.cookies.get(BACK, "")
    return kept if _OURS.fullmatch(kept) else "/portal/board"


def _in_a_browser(answering: Answering) -> Answering:
    """Return what answers an error as before, and to a browser with a page that says the same."""

    def answer(request: Request, error: Exception) -> Response:
        plain = answering(request, error)
        if plain.status_code < 400 or not _wants_page(request):
            return plain
        wrong = _WRONG_SENT if request.method == "POST" else _WRONG
        title, text = _SAID.get(plain.status_code, wrong)
        visit = _in_its_room(replace(visit_of(request, bridge_of(request)), query=()))
        page = visit.page("told.html", plain.status_code, title=title, text=text)
        page.headers.update({k: v for k, v in plain.headers.items() if k not in _OWN})
        return page

    return answer


def _in_its_room(visit: Visit) -> Visit:
    """Return a visit with what the pages around offer: a family may leave at once there too."""
    area = visit.path.removeprefix("/portal/").partition("/")[0]
    return replace(visit, room={"family": "family", "work": "provider"}.get(area, "school"))


def _wants_page(request: Request) -> bool:
    ours = request.url.path == "/portal" or request.url.path.startswith("/portal/")
    return ours and "text/html" in request.headers.get("accept", "").lower()


def _told(request: Request, error: Exception) -> Response:
    visit = _in_its_room(visit_of(request, bridge_of(request)))
    if isinstance(error, NotSignedIn):
        return _to_sign_in(visit)
    if isinstance(error, FromElsewhere):
        return elsewhere_page(visit)
    if isinstance(error, TooMuchSent):
        text = say("What was sent is too large. Choose a smaller file.")
        return visit.page("told.html", 413, title=say("That is too large"), text=text)
    if isinstance(error, NotToldApart):
        title, text = _TWO_OF_ONE_NAME
        return visit.page("told.html", 409, title=title, text=text)
    title, text = _ABSENT
    return visit.page("told.html", 404, title=title, text=text)


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
