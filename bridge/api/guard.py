"""What holds for every request and answer, as plain ASGI: fast, and before any route runs."""

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = structlog.get_logger("bridge.access")

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


class Guard:
    """Adds security headers and writes one log line a request.

    INVARIANT: the log line holds method, route template and status. No path, query or header value:
    an address may hold an identifier.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in SECURITY_HEADERS if pair[0] not in present),
                ]
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        finally:
            _log.info("request", method=scope["method"], route=_template(scope), status=status)


def _template(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "unknown"))
