"""Every error becomes an OperationOutcome (or an OAuth error) with fixed texts.

One of the two places that may catch ``Exception``: whatever went wrong, the caller learns only that
something did, and the log gets the exception's type and place, never its message (which may quote
a record).
"""

import re
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from bridge.api.guard import SECURITY_HEADERS
from bridge.api.offered import methods_of
from bridge.api.replies import Reply, outcome, outcome_reply
from bridge.errors import Finding, NotFoundError, NotOfferedError, RefusedError
from bridge.identity import OAuthError
from bridge.ledger.errors import ClockDoubted, LedgerHalted
from bridge.store.database.outages import OUTAGES, is_outage
from bridge.store.search.index import PARAMETERS

_OF_TYPES: Final = re.compile(r"/fhir/(?P<kind>[A-Za-z]+)(?P<one>/[A-Za-z0-9.\-]+)?")
# The last names of paths that stand where an id or a type would, and what they offer.
_FIXED: Final = {
    "_search": ("POST", "OPTIONS"),
    "$validate": ("POST", "OPTIONS"),
    "metadata": ("GET", "HEAD", "OPTIONS"),
    "openapi.json": ("GET", "HEAD", "OPTIONS"),
}
_log = structlog.get_logger("bridge.problems")

# PostgreSQL recovers from a killed process in about three seconds here.
RETRY_SECONDS = "5"
# A person has to bring the ledger up to what others know of it.
HALTED_SECONDS = "3600"


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(RequestValidationError, _not_found)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OAuthError, _oauth)
    app.add_exception_handler(LedgerHalted, _halted)
    for kind in OUTAGES:
        app.add_exception_handler(kind, _outage)
    app.add_exception_handler(Exception, _unexpected)


def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    return outcome_reply(error).response()


def _not_found(request: Request, _error: Exception) -> Response:
    # A path that does not parse names nothing; the framework's own text would echo it.
    if offered := _FIXED.get(request.url.path.rpartition("/")[2]):
        text = "This method is not offered here."
        return outcome_reply(NotOfferedError(405, text, offered)).response()
    return outcome_reply(NotFoundError()).response()


def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return outcome_reply(NotFoundError()).response()
    headers = {"Allow": _allowed(request, error)} if status == 405 else {}
    if status == 405 and request.method == "OPTIONS":
        return Reply(204, b"", headers).response()
    finding = Finding("not-supported", "This is not offered here.")
    return Reply(status, outcome([finding]), headers).response()


def _allowed(request: Request, error: Exception) -> str:
    """Return what a path offers (RFC 9110 15.5.6); the routes of one path are several objects."""
    found = _OF_TYPES.fullmatch(request.url.path)
    if found and found["kind"] in PARAMETERS:
        return ", ".join(methods_of(found["kind"], one=found["one"] is not None))
    methods = str(dict(getattr(error, "headers", None) or {}).get("Allow", "GET"))
    offered = {method.strip() for method in methods.split(",")}
    more = {"HEAD"} if "GET" in offered else set()
    return ", ".join(sorted(offered | more | {"OPTIONS"}))


def _oauth(_request: Request, error: Exception) -> Response:
    if not isinstance(error, OAuthError):
        raise error
    _log.info("token refused", code=error.code, reason=str(error.reason or ""))
    body = orjson.dumps(error.body())
    return Response(body, error.status, media_type="application/json")


def _halted(_request: Request, error: Exception) -> Response:
    return answer_to(error).response()


def _outage(_request: Request, error: Exception) -> Response:
    if not is_outage(error):
        raise error
    return answer_to(error).response()


def answer_of(make: Callable[[], Reply | None]) -> Reply | None:
    """Return an answer as it is made, or the answer to what went wrong while it was."""
    try:
        return make()
    except Exception as error:  # noqa: BLE001 - one of the two places
        return answer_to(error)


def answer_to(error: Exception) -> Reply:
    """Return the answer to an error, for who answers without the framework."""
    if isinstance(error, RefusedError):
        return outcome_reply(error)
    if isinstance(error, LedgerHalted):
        _log.error(_said(error))
        return _later("The server releases nothing for now. Ask again later.", HALTED_SECONDS)
    if is_outage(error):
        _log.error("the database cannot answer now", kind=type(error).__name__)
        text = "The server cannot answer now; nothing was released. Ask again."
        return _later(text, RETRY_SECONDS)
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""
    _log.error("unexpected", kind=type(error).__name__, place=place)
    finding = Finding("exception", "Something went wrong here; nothing was released or changed.")
    return Reply(500, outcome([finding]))


def _said(error: LedgerHalted) -> str:
    if isinstance(error, ClockDoubted):
        return str(error)
    return "the ledger is halted: schoolbridge ledger head, then ledger remember or resume"


def _later(text: str, seconds: str) -> Reply:
    return Reply(503, outcome([Finding("transient", text)]), {"Retry-After": seconds})


def _unexpected(_request: Request, error: Exception) -> Response:
    # This answer is made outside of the guard, so it carries the guard's headers itself.
    headers = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}
    return replace(answer_to(error), headers=headers).response()
