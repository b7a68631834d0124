"""Connections that answer the most common requests at once, without a task for each.

The server's own connection starts a task for a request, which passes a stack of middleware on its
way in and again on its way out; that took longer than all that was done in between. What
:mod:`bridge.api.hot` answers is put in line by the connection itself, as soon as it has come, and
written when it is answered, in one piece. Everything else goes the server's own way.

INVARIANTS
* What is answered here is, byte for byte, what the server would have written (a test compares).
* Answers leave in the order of their requests: what comes while one is under way is queued behind
  it by the server's own connection, for which it is a request like any other.
"""

import asyncio
import re
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from bridge.api.guard import noted, secured
from bridge.api.hot import PASSED_ON, Lane, Told, Wanted, headers_of, wanted_of
from bridge.api.hot_writes import Sending
from bridge.api.problems import answer_of
from bridge.api.replies import Reply
from bridge.gate.hot.asked import Asked

# More is given to the server bit by bit, as it is asked for.
MOST_BODY: Final = 65_536
# What has a meaning for the connection itself.
_OF_CONNECTIONS: Final = (b"transfer-encoding", b"expect", b"upgrade", b"connection")
_KEEPING: Final = (b"connection", b"keep-alive")
_BREAKS: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class HotConnection(HttpToolsProtocol):
    """A connection of an application that has a :class:`~bridge.api.hot.Lane`."""

    def __init__(self, *args: Any, **more: Any) -> None:  # noqa: ANN401 - the server's
        super().__init__(*args, **more)
        self._lane = lane_of(self.config.loaded_app)
        self._head: tuple[tuple[tuple[bytes, bytes], ...], Told, int] = ((), Told.by(()), 0)

    def on_headers_complete(self) -> None:
        """Begin to answer a request."""
        wanted = self._wanted()
        if wanted is None or self._lane is None:
            super().on_headers_complete()
        else:
            self.cycle = Exchange(self, self._lane, wanted)

    cycle: Any  # the server's own, or an Exchange

    def on_message_complete(self) -> None:
        """Let a request begin that has come as a whole."""
        super().on_message_complete()
        if isinstance(self.cycle, Exchange):
            self.cycle.begin()

    def _wanted(self) -> Wanted | None:
        """Return what a request wants, where nothing about it is unusual."""
        under_way = self.cycle is not None and not self.cycle.response_complete
        if self._lane is None or under_way or self.flow.write_paused or self.root_path:
            return None
        raw, _, query = self.url.partition(b"?")
        method, path = self.parser.get_method().decode("latin-1"), raw.decode("latin-1")
        told, length = self._said()
        if not told.bearer or not 0 <= length <= (MOST_BODY if method == "POST" else 0):
            return None
        if not _is_plain(self.url, raw) or self.parser.get_http_version() != "1.1":
            return None
        wanted = wanted_of(method, path, query, told)
        if wanted is not None:
            self.scope["method"], self.scope["query_string"] = method, query
            self.scope["path"], self.scope["raw_path"] = path, raw
        return wanted

    def _said(self) -> tuple[Told, int]:
        """Return what the headers say, and :func:`_length_of` them."""
        head = tuple(self.headers)
        if head != self._head[0]:
            self._head = (head, Told.by(head), _length_of(head))
        return self._head[1:]

    def write(self, reply: Reply, *, last: bool) -> None:
        """Write an answer, and say that the connection ends with it if it is the last."""
        length = None if reply.status == 304 else len(reply.body)
        head = (
            STATUS_LINE[reply.status],
            _written(tuple(self.server_state.default_headers)),
            _told(tuple(reply.headers.items()), length),
            b"connection: close\r\n\r\n" if last else b"\r\n",
        )
        self.transport.write(b"".join((*head, reply.body)))
        if last:
            self.transport.close()

    def pass_on(self, exchange: "Exchange") -> None:
        """Let the application answer a request that came as a whole."""
        cycle = RequestResponseCycle(
            scope=exchange.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=exchange.keep_alive,
            on_response=self.on_response_complete,
        )
        exchange.scope[PASSED_ON] = True
        cycle.body, cycle.more_body = exchange.body, False
        cycle.message_event.set()
        if self.cycle is exchange:
            self.cycle = cycle
        self._start_asgi_task(cycle, self.app)


class Exchange:
    """One request and its answer: for the connection a cycle, for the line somebody who waits.

    Attributes:
        response_complete, disconnected, keep_alive, message_event, body, more_body: as of the
            server's own cycle.
        scope: what the application is told of the request, if it is passed on.
    """

    __slots__ = (
        *("_asked", "_began", "_connection", "_lane", "_wanted", "body", "disconnected"),
        *("keep_alive", "message_event", "more_body", "response_complete", "scope"),
    )

    def __init__(self, connection: HotConnection, lane: Lane, wanted: Wanted) -> None:
        self._connection, self._lane, self._wanted = connection, lane, wanted
        self._began = time.monotonic()
        self._asked: Asked | Sending | None = None
        self.body, self.more_body = bytearray(), True
        self.response_complete = self.disconnected = False
        self.keep_alive = True
        self.message_event = _NOBODY
        self.scope: Any = connection.scope

    def begin(self) -> None:
        """Put the request in line."""
        self._asked = self._lane.ask(self._wanted, self.scope["headers"], bytes(self.body), self)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop of the connection."""
        return self._connection.loop

    def done(self) -> bool:
        """Tell whether it was answered."""
        return self.response_complete

    def set_result(self, _: None, /) -> None:
        """Write the answer, which is there."""
        reply = answer_of(self._reply)
        if reply is None:
            self._connection.pass_on(self)
            return
        self.response_complete = True
        # It may close before it says so: to write to it would raise, and take with it whoever else
        # waits to be woken.
        if not self.disconnected and not self._connection.transport.is_closing():
            self._connection.write(reply, last=not self.keep_alive)
            self._connection.on_response_complete()
        of = (self.scope["method"], self._wanted.route.path, reply.status)
        noted(self._lane.measures, of, self._began)

    def _reply(self) -> Reply | None:
        # Each knows the other: left so, both would stay until the collector comes by.
        asked, self._asked = self._asked, None
        return None if asked is None else self._lane.reply(asked, self.scope["headers"])


class _Nobody:
    """Whom the connection tells that more has come of a request, where nobody waits for that."""

    def set(self) -> None:
        """Do nothing."""


_NOBODY: Final = _Nobody()


def lane_of(app: Any) -> Lane | None:  # noqa: ANN401 - whatever the server was given
    """Return the lane of an application, in whatever it is wrapped."""
    while app is not None and not hasattr(app, "state"):
        app = getattr(app, "app", None)
    return getattr(app.state, "lane", None) if app is not None else None


def _is_plain(url: bytes, path: bytes) -> bool:
    """Tell whether there is nothing in an address that is written differently in the scope."""
    return b"#" not in url and b"%" not in path and url.isascii()


def _length_of(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Return how many bytes a request comes with; -1 where it asks something of the connection."""
    length = 0
    for name, value in headers:
        if name in _OF_CONNECTIONS and (name, value.lower()) != _KEEPING:
            return -1
        if name == b"content-length":
            if not value.isdigit():
                return -1
            length = max(length, int(value[:9]))
    return length


@lru_cache(maxsize=4096)
def _told(headers: tuple[tuple[str, str], ...], length: int | None) -> bytes:
    """Return the headers of an answer as they are sent."""
    return _written(tuple(secured(headers_of(headers, length))))


@lru_cache(maxsize=64)
def _written(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Return headers as they are sent.

    Raises:
        ValueError: one has what no header may have.
    """
    if any(_BREAKS.search(name) or _BREAKS.search(value) for name, value in headers):
        raise ValueError("a header that breaks the line")
    return b"".join(b"%b: %b\r\n" % pair for pair in headers)
