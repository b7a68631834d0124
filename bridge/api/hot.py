"""The requests that come most often, answered without the framework: plain ASGI before the routes.

A read of one resource with nothing but its address and a token, a search by GET, and new sessions.
Anything else, and everything this does not know, goes on to the routes; what both answer is the
same, byte for byte (a test compares).
"""

import asyncio
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.api.hot_writes import Recording, Sending
from bridge.api.interactions import (
    Interaction,
    Understood,
    offered,
    read_reply,
    require_search,
    search_reply,
    understood,
)
from bridge.api.offered import SESSIONS
from bridge.api.problems import answer_to
from bridge.api.recalls import PREFIX
from bridge.api.replies import Reply
from bridge.context import MAX_BODY, Bridge, Call, bearer_in
from bridge.errors import NotFoundError, UnauthorizedError
from bridge.gate import Query, Released, ReleasedResource
from bridge.gate.asked import Asked
from bridge.gate.together import Together
from bridge.identity import Caller

_PLACE: Final = re.compile(r"/fhir/([A-Z][A-Za-z]{1,63})(?:/([A-Za-z0-9.\-]{1,64}))?")
_NEGOTIATED: Final = (b"accept", b"range", b"prefer")
_PLAIN: Final = (b"*/*", b"application/fhir+json", b"application/json")
_CREATES: Final = {"/fhir": "", **{f"/fhir/{kind}": kind for kind in SESSIONS}}
_OF_CREATES: Final = (b"content-type", b"if-none-exist")
_CONDITIONS: Final = (b"if-none-match", b"if-modified-since")
# Counts release nothing, and what "about" means depends on when it is asked.
_ELSEWHERE: Final = re.compile(rb"%00|_summary|_count=0|(?<!_page)=ap")
_MOST_SEARCHES: Final = 1000


class HotLane:
    """Answers plain reads and searches; passes everything else on."""

    def __init__(self, app: ASGIApp, bridge: Bridge) -> None:
        self._app, self._bridge = app, bridge
        self._together = Together(bridge.gate, bridge, bridge.tokens)
        self._recording = Recording(bridge, _resolve)
        self._understood: dict[tuple[str, ...], Understood] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if (creates := _creates(scope)) is not None:
            await self._create(scope, receive, send, creates)
            return
        kind, record_id = _named(scope)
        if not kind:
            await self._app(scope, receive, send)
            return
        scope["route"] = _READ_ROUTE if record_id else _SEARCH_ROUTE
        bearer = _bearer(scope)
        if not bearer:
            reply = answer_to(UnauthorizedError())
        elif record_id:
            reply = await self._read(scope, bearer, (kind, record_id))
        else:
            reply = await self._search(scope, bearer, kind)
        await _send(reply, send)

    async def _create(self, scope: Scope, receive: Receive, send: Send, kind: str) -> None:
        """Keep new sessions; what is refused, or something else after all, is passed on."""
        came = await _received(receive)
        sending = Sending(
            _bearer(scope),
            kind,
            {n.decode(): v.decode("latin-1") for n, v in scope["headers"] if n in _OF_CREATES},
            b"".join(message.get("body", b"") for message in came),
            asyncio.get_running_loop().create_future(),
        )
        if len(sending.body) <= MAX_BODY and came[-1]["type"] == "http.request":
            self._recording.ask(sending)
            await sending.waiting
        if sending.error is None and sending.reply is None:
            await self._app(scope, _again(came, receive), send)
            return
        scope["route"] = _SEARCH_ROUTE if kind else _BUNDLE_ROUTE
        await _send(sending.reply or answer_to(sending.error or NotFoundError()), send)

    async def _read(self, scope: Scope, bearer: str, named: tuple[str, str]) -> Reply:
        asked = Asked(bearer, *named, request=self._id(), answered=_resolve, waiting=None)
        await self._answered(asked)
        if asked.error is not None:
            return answer_to(asked.error)
        if not isinstance(asked.found, ReleasedResource):
            return answer_to(NotFoundError())
        return _reply(asked.found, self._bridge.settings.fhir_base, scope)

    async def _search(self, scope: Scope, bearer: str, kind: str) -> Reply:
        search = _Search(self._bridge, kind, scope["query_string"], self._understood)
        asked = Asked(bearer, kind, "", self._id(), _resolve, None, search)
        await self._answered(asked)
        if asked.error is not None or not isinstance(asked.found, Released):
            return answer_to(asked.error or NotFoundError())
        return search_reply(asked.found, self._bridge.settings.fhir_base, search.understood)

    def _id(self) -> str:
        return _request_id(self._bridge.clock.real_now())

    async def _answered(self, asked: Asked) -> None:
        asked.waiting = asyncio.get_running_loop().create_future()
        self._together.ask(asked)
        await asked.waiting


class _Search:
    """One search, which is understood once it is known who asks."""

    understood: Understood

    def __init__(
        self, bridge: Bridge, kind: str, query: bytes, known: dict[tuple[str, ...], Understood]
    ) -> None:
        self._bridge, self._kind, self._query, self._known = bridge, kind, query.decode(), known

    def __call__(self, caller: Caller) -> tuple[Query, tuple[str, ...]]:
        """Return what to look for.

        Raises:
            RefusedError: it is not understood, or not allowed.
        """
        call = Call(self._bridge, caller, "")
        self.understood = require_search(call, self._kind, lambda: self._read(call))
        _, request = self.understood
        return request.query, request.includes

    def _read(self, call: Call) -> Understood:
        key = (call.caller.client_id, call.caller.party, self._kind, self._query)
        found = self._known.get(key)
        if found is None:
            given = parse_qsl(self._query, keep_blank_values=True)
            found = understood(call, Interaction("GET", self._kind, "", given, {}))
            if len(self._known) >= _MOST_SEARCHES:
                self._known.clear()
            self._known[key] = found
        return found


def _request_id(now: datetime) -> str:
    # In the order of time: entries of the ledger are looked up by it, and one that stood anywhere
    # in that index would cost a page of its own.
    return f"{int(now.timestamp() * 1000):012x}{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True)
class _Route:
    """The route of the log's line."""

    path: str


_READ_ROUTE: Final = _Route("/fhir/{kind}/{record_id}")
_SEARCH_ROUTE: Final = _Route("/fhir/{kind}")
_BUNDLE_ROUTE: Final = _Route("/fhir")


def _creates(scope: Scope) -> str | None:
    """Return the type of which something is created, "" for what may be a transaction; or None."""
    if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
        return None
    if any(name in _NEGOTIATED and value not in _PLAIN for name, value in scope["headers"]):
        return None
    kind = _CREATES.get(scope["path"])
    typed = any(
        n == b"content-type" and v.partition(b";")[0] in _PLAIN[1:] for n, v in scope["headers"]
    )
    return kind if typed and _bearer(scope) else None


async def _received(receive: Receive) -> list[Message]:
    """Return what came of a request: its whole body, or as much of it as is taken at most."""
    came, size = [await receive()], 0
    while came[-1].get("more_body", False):
        size += len(came[-1].get("body", b""))
        if size > MAX_BODY:
            break
        came.append(await receive())
    return came


def _again(came: Sequence[Message], receive: Receive) -> Receive:
    """Return what gives once more what came already, and then what comes."""
    first = iter(came)

    async def received() -> Message:
        return next(first, None) or await receive()

    return received


def _named(scope: Scope) -> tuple[str, str]:
    """Return type and id of a plain read, the type of a search; nothing for anything else."""
    nothing = ("", "")
    if scope["type"] != "http" or scope["method"] != "GET":
        return nothing
    if any(name in _NEGOTIATED and value not in _PLAIN for name, value in scope["headers"]):
        return nothing
    found, query = _PLACE.fullmatch(scope["path"]), scope["query_string"]
    if found is None:
        return nothing
    kind, record_id = found[1], found[2] or ""
    if record_id:
        # A recall is a Task with a route of its own.
        elsewhere = query or record_id.startswith(PREFIX) or not offered(kind, "read")
        return nothing if elsewhere else (kind, record_id)
    elsewhere = not query.isascii() or _ELSEWHERE.search(query)
    return nothing if elsewhere or not offered(kind, "search-type") else (kind, "")


def _bearer(scope: Scope) -> str:
    written = next((v for n, v in scope["headers"] if n == b"authorization"), b"")
    return bearer_in(written.decode("latin-1"))


async def _send(reply: Reply, send: Send) -> None:
    headers = _headers(reply)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def _resolve(answered: Sequence[Asked | Sending]) -> None:
    """Wake who waits; called in the thread of the batch, once for all of it."""
    loops = {each.waiting.get_loop(): None for each in answered}  # one, unless a process has more
    for loop in loops:
        waiting = [each for each in answered if each.waiting.get_loop() is loop]
        # Nobody waits in a loop that has ended; the thread of the batch goes on for the others.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_wake, waiting)


def _wake(answered: Sequence[Asked | Sending]) -> None:
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
    return [*written, (b"content-length", b"%d" % len(reply.body))]  # where the framework has it


@lru_cache(maxsize=4096)
def _written(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[bytes, bytes], ...]:
    every = {"Content-Type": "application/fhir+json; charset=utf-8", **dict(headers)}
    return tuple((n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in every.items())
