"""Processes of the command line that are born with everything imported.

Importing takes a second and a half, and tests start the program some hundred times. Here one
process imports it once and waits; each process asked for is forked from it: the same program with
the same words, a process of its own with a pid of its own, to be looked at, signalled and killed.
"""

import atexit
import gc
import json
import os
import random
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from itertools import count
from pathlib import Path

KILLED = -signal.SIGKILL
_NUMBERS = count()
_NEEDED = (
    "anyio._backends._asyncio",
    "bridge.api.hot_connections",
    "bridge.app",
    "bridge.cli",
    "bridge.cli.running",
    "bridge.journeys.files.map_files",
    "bridge.journeys.running.let_be_seen",
    "bridge.journeys.running.make_ready",
    "bridge.logs",
    "encodings.idna",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)
"""What a process of the command line imports; none of it opens a file, a socket or a thread."""


def _readable(handle: int, timeout: float | None) -> bool:
    """Wait until there is something to read; select() knows no more than 1,024 files."""
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    return bool(waiting.poll(None if timeout is None else 1000 * timeout))


@dataclass
class Born:
    """One process, with the words of :class:`subprocess.Popen`.

    ``returncode`` is that of the program where it came to its end; else it was killed. What it
    took is known at its end: ``seconds`` of a processor and the most bytes of ``memory``.
    """

    pid: int
    ending: Path
    returncode: int | None = None
    seconds: float = 0.0
    memory: int = 0
    _handle: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            self._handle = os.pidfd_open(self.pid)
        except ProcessLookupError:  # it has ended already
            self._handle = -1

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        ended = self._ended(timeout)
        if ended is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return ended

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and (self._handle < 0 or _readable(self._handle, timeout)):
            if self._handle >= 0:
                os.close(self._handle)
            told = self.ending.read_text(encoding="utf-8") if self.ending.exists() else ""
            ended = json.loads(told) if told else (KILLED, 0.0, 0)
            self.returncode, self.seconds, self.memory = ended
        return self.returncode


def born(
    words: Sequence[str],
    out: Path,
    err: Path | None = None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Born:
    """Start the command line with these words; what it prints is added to files."""
    nursery = _nursery()
    ending = _endings() / str(next(_NUMBERS))
    order = {"words": list(words), "out": str(out), "err": str(err or out), "ending": str(ending)}
    order["cwd"] = str(cwd or Path.cwd())
    order["environment"] = json.dumps(dict(environment or {}))
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(json.dumps(order) + "\n")
    nursery.stdin.flush()
    return Born(int(nursery.stdout.readline()), ending)


@cache
def _endings() -> Path:
    """Where the ended tell how; gone when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="schoolbridge-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def _nursery() -> "subprocess.Popen[str]":
    program = [sys.executable, str(Path(__file__).resolve())]
    made = subprocess.Popen(  # noqa: S603 - this file
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    atexit.register(made.communicate)  # it ends with its input
    return made


def _live(order: dict[str, str]) -> None:
    """Be the program: never returns."""
    from bridge.cli import main  # noqa: PLC0415 - imported before the fork

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    random.seed()
    for name, numbers in (("out", (1,)), ("err", (2,))):
        opened = os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number in numbers:
            os.dup2(opened, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(order["cwd"])
    os.environ.update(json.loads(order["environment"]))  # noqa: TID251 - as a shell would set it
    sys.argv = ["schoolbridge", *order["words"]]
    code = 1
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        took = resource.getrusage(resource.RUSAGE_SELF)
        ended = (code, took.ru_utime + took.ru_stime, took.ru_maxrss * 1024)
        Path(order["ending"]).write_text(json.dumps(ended), encoding="utf-8")
        os._exit(code)


def _keep() -> None:
    """Import everything, then fork whatever is asked for."""
    for name in _NEEDED:
        import_module(name)
    # What is imported stays for good: no child's collector need walk it, which took most of a start
    # and copied every page of it.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the ended
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _live(json.loads(line))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _keep()
