"""A real HTTP server on loopback that answers as a test tells it to."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from tests.support.background import in_background

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a whole HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Documents:
    """The server: what it says, and what it was asked.

    Attributes:
        said: the bytes of its answer; ``pause`` seconds pass after each of ``step`` bytes.
        asked: the requests, whole.
    """

    port: int
    said: bytes = OK
    step: int = 1_000_000
    pause: float = 0.0
    asked: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks.json"


@contextmanager
def serving() -> Iterator[Documents]:
    """Run a server for as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Documents(listener.getsockname()[1])
        listener.settimeout(0.05)
        with in_background(partial(_serve, listener, made)):
            yield made


def _serve(listener: socket.socket, made: Documents, ended: threading.Event) -> None:
    while not ended.is_set():
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        with connection, suppress(OSError):
            connection.settimeout(2)
            made.asked.append(connection.recv(65_536))
            for at in range(0, len(made.said), made.step):
                if ended.is_set():
                    break
                connection.sendall(made.said[at : at + made.step])
                time.sleep(made.pause)
