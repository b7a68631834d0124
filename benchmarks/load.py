"""A client of several connections on plain sockets: its own CPU time is not counted anywhere."""

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Load:
    """What became of a number of requests: how many, in how many seconds, how many bytes."""

    requests: int
    seconds: float
    body_bytes: int


def request(path: str, headers: dict[str, str], method: str = "GET", body: bytes = b"") -> bytes:
    """Write an HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def send(port: int, requests: Sequence[bytes], expected: int = 200) -> Load:
    """Send requests over :data:`CONNECTIONS` connections, each waiting for its answer.

    Raises:
        RuntimeError: an answer had another status.
    """
    shares = [requests[n::CONNECTIONS] for n in range(CONNECTIONS)]
    clients = [_Client(port, share, expected) for share in shares]
    began = time.monotonic()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    seconds = time.monotonic() - began
    if wrong := [client.wrong for client in clients if client.wrong]:
        raise RuntimeError(f"an answer was not {expected}: {wrong[0]}")
    return Load(len(requests), seconds, sum(client.received for client in clients))


class _Client(threading.Thread):
    """One connection."""

    def __init__(self, port: int, requests: Sequence[bytes], expected: int) -> None:
        super().__init__(daemon=True)
        self._port, self._requests = port, requests
        self._start = f"HTTP/1.1 {expected} ".encode()
        self.received = 0
        self.wrong = ""

    def run(self) -> None:
        """Send each request and read its answer."""
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=60) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for each in self._requests:
                    connection.sendall(each)
                    self.received += self._answer(connection)
        except (OSError, ValueError) as error:
            self.wrong = type(error).__name__

    def _answer(self, connection: socket.socket) -> int:
        got = connection.recv(65536)
        while b"\r\n\r\n" not in got:
            got += connection.recv(65536) or self._ended()
        head, _, body = got.partition(b"\r\n\r\n")
        if not head.startswith(self._start):
            self.wrong = head[:12].decode("latin-1")
            raise ValueError("another status")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        left = length - len(body)
        while left > 0:
            left -= len(connection.recv(min(left, 262144)) or self._ended())
        return length

    @staticmethod
    def _ended() -> bytes:
        raise ValueError("the connection ended")
