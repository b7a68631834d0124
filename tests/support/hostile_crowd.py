"""Subscribers that never answer, in a process of their own, as they are in life.

Beside what is measured they would take their turns of its interpreter, and be measured with it.
"""

import itertools
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tests.support.hostile_server import OK, Act, drips, hostile, says, waits

SLOW: Final = (waits, drips(OK, b"X: y\r\n"), drips(OK + b"Content-Length: 99999\r\n\r\n", b"{"))
"""Those that cost time; what costs memory or bytes would burn the receiver's own time as well."""
_ROOT: Final = Path(__file__).parents[2]


@contextmanager
def crowd(of_each: int) -> Iterator[list[int]]:
    """Run so many of each kind for as long as the block lasts; returns their ports."""
    program = [sys.executable, "-m", __name__, str(of_each)]
    with subprocess.Popen(  # noqa: S603 - this file
        program, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            yield [int(each) for each in process.stdout.readline().split()]
        finally:
            assert process.stdin
            process.stdin.close()  # which it waits for


def welcoming(act: Act) -> Act:
    """Take the handshake, then act."""
    greeted = itertools.count()

    def acts(connection: socket.socket) -> None:
        (says(OK + b"Content-Length: 0\r\n\r\n") if next(greeted) == 0 else act)(connection)

    return acts


def _serve(of_each: int) -> None:
    with ExitStack() as stack:
        made = [stack.enter_context(hostile(welcoming(act))) for act in SLOW * of_each]
        print(*(each.port for each in made), flush=True)  # noqa: T201 - read above
        sys.stdin.read()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
