"""One document of another party, fetched within limits: where from, how long, how much.

For key sets of clients and what a district's sign-in publishes. The other side is not trusted: no
redirects, no proxy variables, no compression, one deadline for everything (a timeout for each read
would let a byte every few seconds go on for ever), a cap on the bytes, and the address that was
looked at is the one connected to (:mod:`bridge.outbound.addresses`).
"""

import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore

from bridge.outbound.addresses import is_loopback_name, resolved
from bridge.outbound.errors import OutboundBusyError, OutboundError

DEADLINE_SECONDS: Final = 5.0
MAX_BYTES: Final = 65_536
AT_ONCE: Final = 4
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer of status 200: its headers by small names (the last of each), and its body."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Fetching:
    """Fetches documents for one process; a few at once, so that a slow partner holds up few."""

    def __init__(self, deadline: float = DEADLINE_SECONDS, at_once: int = AT_ONCE) -> None:
        self._deadline = deadline
        self._free = threading.BoundedSemaphore(at_once)

    def get(self, url: str) -> Fetched:
        """Fetch a document.

        Raises:
            OutboundError: it cannot be had within the limits; the text names the step, never the
                address.
        """
        return self._fetched("GET", url, {}, b"")

    def post_form(self, url: str, form: bytes, headers: Mapping[str, str]) -> Fetched:
        """Send a form, with headers of its own, and return the answer.

        Raises:
            OutboundError: as for :meth:`get`.
        """
        return self._fetched("POST", url, {"Content-Type": _FORM, **headers}, form)

    def _fetched(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Fetched:
        check_protected(url)
        if not self._free.acquire(blocking=False):
            raise OutboundBusyError("too many calls are under way")
        try:
            return self._asked(method, url, headers, body)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise OutboundError(f"no answer: {type(error).__name__}") from None
        except (OSError, ssl.SSLError, ValueError) as error:
            raise OutboundError(f"no connection: {type(error).__name__}") from None
        finally:
            self._free.release()

    def _asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Fetched:
        until = time.monotonic() + self._deadline
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        with (
            httpcore.ConnectionPool(
                ssl_context=ssl.create_default_context(), network_backend=_Within(until)
            ) as pool,
            pool.stream(method, url, headers=list(sent.items()), content=body) as answer,
        ):
            if answer.status != 200:
                raise OutboundError(f"refused: status {answer.status}")
            told = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in answer.headers}
            if told.get("content-encoding", "identity").lower() != "identity":
                raise OutboundError("the answer is compressed")
            return Fetched(told, _read(answer.iter_stream()))


def check_protected(url: str) -> None:
    """Refuse an address that is neither https nor on this machine.

    Raises:
        OutboundError: it is not.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise OutboundError("not an address") from None
    protected = parts.scheme == "https" or (parts.scheme == "http" and is_loopback_name(host))
    if not host or not protected or "@" in parts.netloc:
        raise OutboundError("an address begins with https://")


def _read(parts: Iterable[bytes]) -> bytes:
    read = bytearray()
    for part in parts:
        read += part
        if len(read) > MAX_BYTES:
            raise OutboundError("the answer is too long")
    return bytes(read)


class _Within(httpcore.NetworkBackend):
    """Connects to the address that was looked at, and gives every step what is left of the time."""

    def __init__(self, until: float) -> None:
        self._until = until
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline stands in its place
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect, to a public address or to this machine."""
        place, left = resolved(host, port), _left(self._until)
        stream = self._backend.connect_tcp(place, port, left, local_address, socket_options)
        return _Stream(stream, self._until)


class _Stream(httpcore.NetworkStream):
    """A connection of which every step ends at the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        """Read what there is."""
        return self._stream.read(max_bytes, _left(self._until))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        """Write it all."""
        self._stream.write(buffer, _left(self._until))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """Go on under TLS, with the certificate of the name that was asked for."""
        left = _left(self._until)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._until)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        """Return what the connection knows of itself."""
        return self._stream.get_extra_info(info)


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the deadline has passed")
    return left
