"""The requests that come most often, answered without the framework: plain ASGI before the routes.

A read of one resource with nothing but its address and a token. Anything else, and everything this
does not know, goes on to the routes; what both answer is the same, byte for byte (a test compares).
"""

import asyncio
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.api.interactions import read_reply, readable
from bridge.api.problems import answer_to
from bridge.api.recalls import PREFIX
from bridge.api.replies import Reply
from bridge.context import Bridge, bearer_in
from bridge.errors import NotFoundError, UnauthorizedError
from bridge.gate import ReleasedResource
from bridge.gate.together import Asked, Together

_READ: Final = re.compile(r"/fhir/([A-Z][A-Za-z]{1,63})/([A-Za-z0-9.\-]{1,64})")
_NEGOTIATED: Final = (b"accept", b"range", b"prefer")
_PLAIN: Final = (b"*/*", b"application/fhir+json", b"application/json")
_CONDITIONS: Final = (b"if-none-match", b"if-modified-since")
_ROUTE: Final = "/fhir/{kind}/{record_id}"


class HotLane:
    """Answers plain reads; passes everything else on."""

    def __init__(self, app: ASGIApp, bridge: Bridge) -> None:
        self._app, self._bridge = app, bridge
        self._together = Together(bridge.gate, bridge, bridge.tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        named = _named(scope)
        if named is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = _Route
        reply = await self._read(scope, named)
        await send({"type": "http.response.start", "status": reply.status,
                    "headers": _headers(reply)})  # fmt: skip
        await send({"type": "http.response.body", "body": reply.body})

    async def _read(self, scope: Scope, named: tuple[str, str]) -> Reply:
        bearer = _bearer(scope)
        if not bearer:
            return answer_to(UnauthorizedError())
        waiting = asyncio.get_running_loop().create_future()
        asked = Asked(
            bearer,
            *named,
            request=_request_id(self._bridge.clock.real_now()),
            answered=_resolve,
            waiting=waiting,
        )
        self._together.ask(asked)
        await waiting
        if asked.error is not None:
            return answer_to(asked.error)
        if asked.found is None:
            return answer_to(NotFoundError())
        return _reply(asked.found, self._bridge.settings.fhir_base, scope)


def _request_id(now: datetime) -> str:
    # In the order of time: entries of the ledger are looked up by it, and one that stood anywhere
    # in that index would cost a page of its own.
    return f"{int(now.timestamp() * 1000):012x}{secrets.token_hex(4)}"


class _Route:
    """The route of the log's line."""

    path: Final = _ROUTE


def _named(scope: Scope) -> tuple[str, str] | None:
    """Return type and id of a plain read; None for anything else."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
        return None
    if any(name in _NEGOTIATED and value not in _PLAIN for name, value in scope["headers"]):
        return None
    found = _READ.fullmatch(scope["path"])
    if found is None or not readable(found[1]) or found[2].startswith(PREFIX):
        return None  # a recall is a Task with a route of its own
    return found[1], found[2]


def _bearer(scope: Scope) -> str:
    written = next((v for n, v in scope["headers"] if n == b"authorization"), b"")
    return bearer_in(written.decode("latin-1"))


def _resolve(answered: Sequence[Asked]) -> None:
    """Wake who waits; called in the thread of the batch, once for all of it."""
    loop = answered[0].waiting.get_loop()
    # Nobody waits in a loop that has ended; the thread of the batch must go on for the others.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(_wake, answered)


def _wake(answered: Sequence[Asked]) -> None:
    for each in answered:
        if not each.waiting.done():  # the client may have gone
            each.waiting.set_result(None)


def _reply(found: ReleasedResource, base: str, scope: Scope) -> Reply:
    conditions = {n.decode(): v.decode("latin-1") for n, v in scope["headers"] if n in _CONDITIONS}
    return read_reply(found, conditions, base)


def _headers(reply: Reply) -> list[tuple[bytes, bytes]]:
    written = _written(tuple(reply.headers.items()))
    if reply.status == 304:  # it has no body whose length could be told (RFC 9110 8.6)
        return list(written)
    return [(b"content-length", b"%d" % len(reply.body)), *written]


@lru_cache(maxsize=4096)
def _written(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[bytes, bytes], ...]:
    every = {"Content-Type": "application/fhir+json; charset=utf-8", **dict(headers)}
    return tuple((n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in every.items())
