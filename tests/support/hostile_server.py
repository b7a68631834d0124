"""A server on loopback that does what a partner's server should not, on real sockets."""

import gzip
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from tests.support.background import in_background

OK = b"HTTP/1.1 200 OK\r\n"
BIG = 200_000_000
Act = Callable[[socket.socket], None]


@dataclass
class Hostile:
    """The server: where it listens, and how many came."""

    port: int
    act: Act
    tls: ssl.SSLContext | None = None
    connects: int = 0


@contextmanager
def hostile(act: Act, tls: ssl.SSLContext | None = None) -> Iterator[Hostile]:
    """Run a server for as long as the block lasts; each connection has a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Hostile(listener.getsockname()[1], act, tls)
        listener.settimeout(0.05)
        with in_background(partial(_serve, listener, made)):
            yield made


def _serve(listener: socket.socket, made: Hostile, ended: threading.Event) -> None:
    while not ended.is_set():
        with suppress(TimeoutError):
            connection, _ = listener.accept()
            made.connects += 1
            threading.Thread(target=_one, args=(connection, made), daemon=True).start()


def _one(connection: socket.socket, made: Hostile) -> None:
    with suppress(OSError), connection:
        connection.settimeout(30)
        if made.tls:
            connection = made.tls.wrap_socket(connection, server_side=True)
        made.act(connection)
        connection.close()


def heard(act: Act) -> Act:
    """Wait for the request's head before acting."""

    def act_then(connection: socket.socket) -> None:
        connection.recv(65_536)
        act(connection)

    return act_then


def says(*parts: bytes, pause: float = 0.0) -> Act:
    """Send parts and close."""

    def act(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)

    return heard(act)


def drips(head: bytes, drop: bytes) -> Act:
    """Send a head, then one drop after the other, for ever."""

    def act(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(drop)
            time.sleep(0.05)

    return heard(act)


def pours(head: bytes, part: bytes) -> Act:
    """Send a head, then the same part as fast as it goes, for ever."""

    def act(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(part)

    return heard(act)


def waits(connection: socket.socket) -> None:
    """Take the connection, read nothing and say nothing."""
    time.sleep(30)
    connection.close()


def packed(size: int) -> bytes:
    """Return an answer that unpacks to ``size`` spaces."""
    body = b"".join(_packed(size))
    return OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def _packed(size: int) -> Iterator[bytes]:
    # Members follow each other; a reader that takes several unpacks them all.
    yield from itertools.repeat(gzip.compress(b" " * 1_000_000, 9), 1)
    rest = gzip.compress(b" " * min(size, 20_000_000), 9)
    yield from itertools.repeat(rest, max(1, size // 20_000_000))


ACTS: dict[str, Act] = {
    "says nothing and reads nothing": waits,
    "drips its head": drips(OK, b"X: y\r\n"),
    "drips its body": drips(OK + b"Content-Length: 100000\r\n\r\n", b"{"),
    "drips chunks": drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
    "says for ever to go on": pours(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "has a head without end": pours(OK, b"X: " + b"y" * 1000 + b"\r\n"),
    "has a line of its head without end": pours(OK + b"X: ", b"y" * 10_000),
    "has a body without end": pours(OK + b"\r\n", b"{}\n" * 10_000),
    "has a body without a line's end": pours(OK + b"\r\n", b"{" * 30_000),
    "has chunks without end": pours(
        OK + b"Transfer-Encoding: chunked\r\n\r\n", b"2710\r\n" + b"\n" * 10_000 + b"\r\n"
    ),
    "sends a bomb": says(packed(BIG)),
    "sends what is not packed as packed": says(OK + b"Content-Encoding: gzip\r\n\r\n{}"),
    "sends brotli": says(OK + b"Content-Encoding: br\r\n\r\n{}"),
    "closes at once": lambda connection: connection.close(),
    "says less than it promised": says(OK + b"Content-Length: 9\r\n\r\n{}"),
    "speaks another language": says(b"220 smtp ready\r\n"),
}
