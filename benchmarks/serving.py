"""A server in a process of its own, on loopback."""

import http.client
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Server:
    """A server process on loopback."""

    process: subprocess.Popen[bytes]
    port: int

    def stop(self) -> None:
        """End it, kindly."""
        self.process.terminate()
        self.process.wait(timeout=20)


def free_port() -> int:
    """Return a port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(
    command: Sequence[str], port: int, environment: Mapping[str, str] | None = None
) -> Server:
    """Start a server, in our environment unless told, and wait until it accepts connections.

    Raises:
        RuntimeError: it ended, or did not listen within 30 seconds.
    """
    process = subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603 - a program of ours
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return Server(process, port)
    process.kill()
    raise RuntimeError("the server did not start")


def get(server: Server, paths: Sequence[str], headers: dict[str, str]) -> Iterator[bytes]:
    """Yield the body behind each path, all over one connection.

    Raises:
        RuntimeError: an answer other than 200.
    """
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    with closing(connection):
        for path in paths:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise RuntimeError(f"status {response.status}")
            yield body
