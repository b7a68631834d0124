"""The requests that come most often, answered without the framework: plain ASGI before the routes.

A read of one resource with nothing but its address and a token, a search by GET, and new sessions.
Anything else, and everything this does not know, goes on to the routes; what both answer is the
same, byte for byte (a test compares).
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol
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
from bridge.api.request_ids import RequestIds
from bridge.context import MAX_BODY, Bridge, Call, bearer_in
from bridge.errors import NotFoundError, UnauthorizedError
from bridge.gate import Query, Released, ReleasedResource
from bridge.gate.hot.asked import Asked
from bridge.gate.hot.together import Together
from bridge.identity import Caller
from bridge.logs import written_together
from bridge.measures import Measures

_PLACE: Final = re.compile(r"/fhir/([A-Z][A-Za-z]{1,63})(?:/([A-Za-z0-9.\-]{1,64}))?")
_NEGOTIATED: Final = (b"accept", b"range", b"prefer")
_PLAIN: Final = (b"*/*", b"application/fhir+json", b"application/json")
_CREATES: Final = {"/fhir": "", **{f"/fhir/{kind}": kind for kind in SESSIONS}}
_OF_CREATES: Final = (b"content-type", b"if-none-exist")
_CONDITIONS: Final = (b"if-none-match", b"if-modified-since")
# Counts release nothing, and what "about" means depends on when it is asked.
_ELSEWHERE: Final = re.compile(rb"%00|_summary|_count=0|(?<!_page)=ap")
_MOST_SEARCHES: Final = 1000


class Waiting(Protocol):
    """Who waits for an answer; a future is one."""

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop it waits in."""

    def done(self) -> bool:
        """Tell whether it waits no more."""

    def set_result(self, result: None, /) -> None:
        """Tell it, in its loop, that the answer is there."""


PASSED_ON: Final = "schoolbridge.passed_on"
"""In the scope of a request that was looked at here already, and is for the routes."""

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Told:
    """What the headers of a request say of what it wants; the next of a client says the same.

    Attributes:
        plain: whether it takes what is given to whoever asks for nothing in particular.
        typed: whether it comes with a body of a type that is kept here.
        bearer: the token it comes with; "" if with none.
    """

    plain: bool
    typed: bool
    bearer: str = field(repr=False)

    @classmethod
    def by(cls, headers: Headers) -> "Told":
        """Read headers."""
        plain, typed, bearers = True, False, list[str]()
        for name, value in headers:
            if name in _NEGOTIATED and value not in _PLAIN:
                plain = False
            elif name == b"content-type":
                typed = typed or value.partition(b";")[0] in _PLAIN[1:]
            elif name == b"authorization":
                bearers.append(bearer_in(value.decode("latin-1")))
        return cls(plain, typed, bearers[0] if bearers else "")


@dataclass(slots=True, eq=False)
class Wanted:
    """What a request wants that is answered here.

    Attributes:
        kind: the type; of what creates, "" where it may be a transaction.
        record_id: what to read; "" for a search, and for what creates.
        creates: whether it creates sessions.
        bearer: the token it comes with; "" if with none.
    """

    kind: str
    record_id: str = ""
    query: bytes = b""
    creates: bool = False
    bearer: str = field(default="", repr=False)

    @property
    def route(self) -> "_Route":
        """The route of the log's line."""
        if self.record_id:
            return _READ_ROUTE
        return _SEARCH_ROUTE if self.kind else _BUNDLE_ROUTE


class Lane:
    """The lines such requests stand in, of one bridge, whichever way they come."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge, self._base = bridge, bridge.settings.fhir_base
        self._together = Together(bridge.gate, bridge, bridge.tokens)
        self._recording = Recording(bridge, _resolve)
        self._understood: KnownSearches = {}
        self._requests = RequestIds()

    @property
    def measures(self) -> Measures | None:
        """What counts requests."""
        return self._bridge.measures

    def ask(
        self, wanted: Wanted, headers: Headers, body: bytes, waiting: Waiting
    ) -> Asked | Sending:
        """Put a request in line that brings a bearer token.

        Args:
            wanted: what it wants.
            headers: as they came.
            body: what it creates.
            waiting: is told in its loop once there is something to :meth:`reply`.
        """
        if wanted.creates:
            told = {n.decode(): v.decode("latin-1") for n, v in headers if n in _OF_CREATES}
            sending = Sending(wanted.bearer, wanted.kind, told, body, waiting)
            self._recording.ask(sending)
            return sending
        search, known = None, self._understood
        if not wanted.record_id:
            search = _Search(self._bridge, wanted.kind, wanted.query, known)
        request = self._requests.next(self._bridge.clock.real_now())
        of = (wanted.bearer, wanted.kind, wanted.record_id)
        asked = Asked(*of, request, _resolve, waiting, search)
        self._together.ask(asked)
        return asked

    def reply(self, asked: Asked | Sending, headers: Headers) -> Reply | None:
        """Return the answer to what was asked; None where the routes are to give it."""
        if asked.error is not None:
            return answer_to(asked.error)
        if isinstance(asked, Sending):
            return asked.reply
        base, found = self._base, asked.found
        if isinstance(asked.search, _Search) and isinstance(found, Released):
            return search_reply(found, base, asked.search.understood)
        if not isinstance(found, ReleasedResource):
            return answer_to(NotFoundError())
        conditions = {n.decode(): v.decode("latin-1") for n, v in headers if n in _CONDITIONS}
        return read_reply(found, conditions, base)


class HotLane:
    """Answers plain reads and searches, and keeps new sessions; passes everything else on."""

    def __init__(self, app: ASGIApp, lane: Lane) -> None:
        self._app, self._lane = app, lane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        wanted = None
        if scope["type"] == "http" and PASSED_ON not in scope:
            told = Told.by(scope["headers"])
            wanted = wanted_of(scope["method"], scope["path"], scope["query_string"], told)
        if wanted is None:
            await self._app(scope, receive, send)
        elif wanted.creates:
            await self._create(scope, receive, send, wanted)
        else:
            scope["route"] = wanted.route
            await _send(await self._answered(wanted, scope["headers"], b""), send)

    async def _create(self, scope: Scope, receive: Receive, send: Send, wanted: Wanted) -> None:
        """Keep new sessions; what is refused, or something else after all, is passed on."""
        came, reply = await _received(receive), None
        body = b"".join(message.get("body", b"") for message in came)
        if len(body) <= MAX_BODY and came[-1]["type"] == "http.request":
            reply = await self._answered(wanted, scope["headers"], body)
        if reply is None:
            await self._app(scope, _again(came, receive), send)
            return
        scope["route"] = wanted.route
        await _send(reply, send)

    async def _answered(self, wanted: Wanted, headers: Headers, body: bytes) -> Reply | None:
        if not wanted.bearer:
            return answer_to(UnauthorizedError())
        waiting = asyncio.get_running_loop().create_future()
        asked = self._lane.ask(wanted, headers, body, waiting)
        await waiting
        return self._lane.reply(asked, headers)


KnownSearches = dict[tuple[int, str, str], tuple[Caller, Understood]]
"""Searches that were understood and allowed: of whom, of which type, as they came."""


class _Search:
    """One search, which is understood once it is known who asks."""

    understood: Understood

    def __init__(self, bridge: Bridge, kind: str, query: bytes, known: KnownSearches) -> None:
        self._bridge, self._kind, self._query, self._known = bridge, kind, query.decode(), known

    def __call__(self, caller: Caller) -> tuple[Query, tuple[str, ...]]:
        """Return what to look for.

        Raises:
            RefusedError: it is not understood, or not allowed.
        """
        # The same token gives the same object for as long as it is remembered.
        key = (id(caller), self._kind, self._query)
        known = self._known.get(key)
        if known is None or known[0] is not caller:
            call = Call(self._bridge, caller, "")
            found = require_search(call, self._kind, lambda: self._read(call))
            if len(self._known) >= _MOST_SEARCHES:
                self._known.clear()
            known = self._known[key] = (caller, found)
        self.understood = known[1]
        _, request = self.understood
        return request.query, request.includes

    def _read(self, call: Call) -> Understood:
        given = parse_qsl(self._query, keep_blank_values=True)
        return understood(call, Interaction("GET", self._kind, "", given, {}))


@dataclass(frozen=True, slots=True)
class _Route:
    """The route of the log's line."""

    path: str


_READ_ROUTE: Final = _Route("/fhir/{kind}/{record_id}")
_SEARCH_ROUTE: Final = _Route("/fhir/{kind}")
_BUNDLE_ROUTE: Final = _Route("/fhir")


def wanted_of(method: str, path: str, query: bytes, told: Told) -> Wanted | None:
    """Return what a request wants that is answered here; None where it is for the routes."""
    if not told.plain:
        return None
    if method == "POST":
        kind = None if query or not told.typed or not told.bearer else _CREATES.get(path)
        return None if kind is None else Wanted(kind, creates=True, bearer=told.bearer)
    found = _PLACE.fullmatch(path) if method == "GET" else None
    if found is None:
        return None
    kind, record_id = found[1], found[2] or ""
    if record_id:
        # A recall is a Task with a route of its own.
        elsewhere = query or record_id.startswith(PREFIX) or not offered(kind, "read")
    else:
        elsewhere = not query.isascii() or _ELSEWHERE.search(query)
        elsewhere = elsewhere or not offered(kind, "search-type")
    return None if elsewhere else Wanted(kind, record_id, query, bearer=told.bearer)


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


async def _send(reply: Reply | None, send: Send) -> None:
    reply = reply or answer_to(NotFoundError())
    length = None if reply.status == 304 else len(reply.body)
    headers = headers_of(tuple(reply.headers.items()), length)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def _resolve(answered: Sequence[Asked | Sending]) -> None:
    """Wake who waits; called in the thread of the batch, once for all of it."""
    # One loop, unless a process has more.
    by_loop: dict[asyncio.AbstractEventLoop, list[Asked | Sending]] = {}
    for each in answered:
        by_loop.setdefault(each.waiting.get_loop(), []).append(each)
    for loop, waiting in by_loop.items():
        # Nobody waits in a loop that has ended; the thread of the batch goes on for the others.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_wake, waiting)


def _wake(answered: Sequence[Asked | Sending]) -> None:
    with written_together():
        for each in answered:
            if not each.waiting.done():  # the client may have gone
                each.waiting.set_result(None)


def headers_of(
    headers: tuple[tuple[str, str], ...], length: int | None
) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer, in the order in which the framework has them.

    Args:
        headers: those of the reply.
        length: of its body; None where it has none whose length could be told (RFC 9110 8.6).
    """
    every = {"Content-Type": "application/fhir+json; charset=utf-8", **dict(headers)}
    written = [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in every.items()]
    return written if length is None else [*written, (b"content-length", b"%d" % length)]
