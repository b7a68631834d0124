"""Every call that goes out. The other side is not trusted to be who, where or how it should be.

The name is looked up, every address is looked at (:mod:`bridge.outbound.addresses`), and one of
those is connected to; the name is not looked up again, and its certificate is the one asked for.
No redirect is followed, no proxy of the environment is used, no step outlasts the call's limits
(a timeout for each read would let a byte every few seconds go on for ever), and of one partner
only a few calls are under way at a time.
"""

import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import httpcore

from bridge.outbound.addresses import checked, host_of
from bridge.outbound.bodies import Budget, Limits, unpacked
from bridge.outbound.errors import (
    OutboundBusyError,
    OutboundError,
    OutboundUnreachedError,
)
from bridge.outbound.resolving import Lookups, Resolver, system_addresses

AT_ONCE: Final = 4
ALL_AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. The headers and the body may hold a token: neither is shown.

    Attributes:
        whose: the partner who named the address; "" where it stands for itself. Of one partner only
            a few names are looked up at a time.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    whose: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: its status, its headers by small names (the last of each), its body in parts."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: Iterator[bytes] = field(repr=False)


Signer = Callable[[Request], Mapping[str, str]]
"""Returns headers by which the receiver knows that a request is ours."""


class Outgoing:
    """Calls that go out from one process.

    Args:
        loopback: whether servers of this machine may be called, also without TLS. Only where the
            bridge itself is served to this machine alone.
        at_once: how many calls to one host may be under way.
        resolver: what looks names up.
        tls: whose certificates are trusted; the machine's store if none is given.
    """

    def __init__(
        self,
        *,
        loopback: bool,
        at_once: int = AT_ONCE,
        resolver: Resolver = system_addresses,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._loopback = loopback
        self._lookups = Lookups(resolver)
        self._tls = tls
        self._slots = _Slots(at_once)

    def host_of(self, url: str) -> str:
        """Return the host of an address that may be called, as far as its words tell.

        Raises:
            OutboundError: it may not be called.
        """
        return host_of(url, loopback=self._loopback)

    @contextmanager
    def calling(
        self, request: Request, limits: Limits, signer: Signer | None = None
    ) -> Iterator[Answer]:
        """Send a request; its answer can be read for as long as the block lasts.

        Raises:
            OutboundError: no answer within the limits; the text names the step, never the address.
                Reading the answer's body raises it too.
            OutboundUnreachedError: the same, and nothing of the request was sent.
            OutboundBusyError: too many calls are under way; this one was not made.
        """
        budget = Budget(limits)
        with _unreached_unless_sent(budget):
            host = self.host_of(request.url)
        packed = "gzip" if limits.max_unpacked else "identity"
        headers = {"Accept-Encoding": packed, "Connection": "close", **request.headers}
        headers |= signer(request) if signer else {}
        with ExitStack() as stack:
            stack.enter_context(self._slots.of(host))
            with _unreached_unless_sent(budget), _told_plainly():
                addresses = partial(self._lookups.addresses, whose=request.whose)
                way = _Within(budget, addresses, loopback=self._loopback)
                pool = httpcore.ConnectionPool(ssl_context=self._trusted(), network_backend=way)
                stack.enter_context(pool)
                came = stack.enter_context(
                    pool.stream(
                        request.method,
                        request.url,
                        headers=list(headers.items()),
                        content=request.body,
                    )
                )
                budget.answered()
                told = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in came.headers}
                encoding = told.get("content-encoding", "").lower()
                body = unpacked(came.iter_stream(), encoding, limits)
            yield Answer(came.status, told, _plain_parts(body))

    def _trusted(self) -> ssl.SSLContext:
        # Made when it is first needed, then kept: it reads every certificate of the machine.
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


class _Slots:
    """How many calls are under way, to one host and in all."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def of(self, host: str) -> Iterator[None]:
        with self._lock:
            full = self._under_way[host] >= self._at_once
            if full or self._under_way.total() >= ALL_AT_ONCE:
                raise OutboundBusyError("too many calls are under way")
            self._under_way[host] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[host] -= 1
                self._under_way += Counter()  # hosts without calls are forgotten


@contextmanager
def _unreached_unless_sent(budget: Budget) -> Iterator[None]:
    try:
        yield
    except OutboundError as error:
        if budget.sent or isinstance(error, OutboundBusyError):
            raise
        raise OutboundUnreachedError(str(error)) from None


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        raise OutboundError(f"no answer: {type(error).__name__}") from None
    except (OSError, ssl.SSLError, ValueError) as error:
        raise OutboundError(f"no connection: {type(error).__name__}") from None


def _plain_parts(parts: Iterator[bytes]) -> Iterator[bytes]:
    while True:
        # What the reader of the parts raises is its own.
        with _told_plainly():
            part = next(parts, None)
        if part is None:
            return
        yield part


class _Within(httpcore.NetworkBackend):
    """Connects to an address that was looked at, and keeps every step within the call's limits."""

    def __init__(
        self,
        budget: Budget,
        addresses: Callable[[str, int, float], Sequence[str]],
        *,
        loopback: bool,
    ) -> None:
        self._budget = budget
        self._addresses = addresses
        self._loopback = loopback
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the limits stand in its place
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect, to a public address or to this machine.

        INVARIANT: what was looked at is what is connected to; the name is not looked up again.
        """
        found = self._addresses(host, port, self._budget.wait())
        *others, last = checked(host, found, loopback=self._loopback)
        options = list(socket_options or ())
        for place in others[:2]:
            # An address that does not answer leaves time for the next one.
            part = self._budget.wait() / 3
            try:
                stream = self._backend.connect_tcp(place, port, part, local_address, options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
            return _Stream(stream, self._budget)
        left = self._budget.wait()
        stream = self._backend.connect_tcp(last, port, left, local_address, options)
        return _Stream(stream, self._budget)


class _Stream(httpcore.NetworkStream):
    """A connection of which every step keeps within the call's limits."""

    def __init__(self, stream: httpcore.NetworkStream, budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the limits
        """Read what there is."""
        left, began = self._budget.wait(), time.monotonic()
        part = self._stream.read(max_bytes, left)
        self._budget.take(len(part), time.monotonic() - began)
        return part

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the limits
        """Write it all; the time is looked at after each piece that the other side took."""
        self._budget.sent = True
        socket, rest = self._stream.get_extra_info("socket"), memoryview(buffer)
        while rest:
            socket.settimeout(self._budget.wait())
            try:
                rest = rest[socket.send(rest) :]
            except OSError as error:
                raise httpcore.WriteError(type(error).__name__) from None

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the limits
    ) -> httpcore.NetworkStream:
        """Go on under TLS, with the certificate of the name that was asked for."""
        left = self._budget.wait()
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._budget)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        """Return what the connection knows of itself."""
        return self._stream.get_extra_info(info)
