"""What holds for every request and answer, as plain ASGI: fast, and before any route runs."""

import time
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.clock import SystemClock
from bridge.logs import log_request
from bridge.measures import Measures

_CLOCK: Final = SystemClock()

SECURITY_HEADERS = [
    (b"cache-control", b"no-store"),
    (b"vary", b"Authorization, Cookie, Accept"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        (
            b"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
            b"base-uri 'none'; frame-ancestors 'none'"
        ),
    ),
]


# Making a file releases what is in it: not for somebody who asks for its length.
_STREAMS = "/fhir/bulk/"


class Guard:
    """Adds security headers, writes one log line a request, and lets it be counted.

    INVARIANT: the log line holds method, route template and status. No path, query or header value:
    an address may hold an identifier. No more than that and the time it took is counted.
    """

    def __init__(self, app: ASGIApp, measures: Measures | None = None) -> None:
        self._app, self._measures = app, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and watch its answer start."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = secured(message["headers"])
            if head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        method = scope["method"]
        # The same route answers HEAD as GET, so that neither can tell more than the other.
        head = method == "HEAD" and not scope["path"].startswith(_STREAMS)
        inner = {**scope, "method": "GET"} if head else scope
        began = time.monotonic()
        try:
            await self._app(inner, receive, guarded)
        finally:
            noted(self._measures, (method, _template(inner), status), began)


def secured(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with what each answer has."""
    there = list(headers)
    present = {name for name, _ in there}
    return [*there, *(pair for pair in SECURITY_HEADERS if pair[0] not in present)]


def noted(measures: Measures | None, of: tuple[str, str, int], began: float) -> None:
    """Write the line of a request, and count it.

    Args:
        measures: what counts; None where nothing is counted.
        of: its method, the template of its route, and the status of the answer.
        began: when it came, of the clock that never goes back.
    """
    method, route, status = of
    log_request(method, route, status, _CLOCK.real_now())
    if measures is not None:
        measures.answered(method, route, status, time.monotonic() - began)


def _template(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "unknown"))
