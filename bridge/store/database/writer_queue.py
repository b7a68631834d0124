"""Who may write to a SQLite file next: first come, first served.

SQLite's own busy handler is a lottery in which one commit was seen to wait two seconds. Threads of
a process stand in a queue; the one whose turn it is locks a file beside the database, for which the
kernel lets processes queue.

INVARIANT: whoever writes holds that lock from before its ``BEGIN IMMEDIATE`` until after its
commit, and SQLite checkpoints inside the commit. So one connection at a time, of all processes,
writes or checkpoints, and readers do neither. (The lock is not what makes this safe, SQLite's own
locks are, from 3.51.3 on without the fault in which a write beside a checkpoint could corrupt the
log. It makes it fair, and keeps the two from ever meeting.)
"""

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Engine


class Seat:
    """A place in the queue.

    Attributes:
        joins: seats that follow each other with the same value may be served by the first of them;
            None for a writer that wants to be alone.
        served: whether an earlier one did what this one waited for.
        waited: seconds until its turn came; 0 before, and for one that was served.
    """

    __slots__ = ("_called", "joins", "served", "waited")

    def __init__(self, joins: object = None) -> None:
        self.joins = joins
        self.served = False
        self.waited = 0.0
        self._called = threading.Lock()
        self._called.acquire()

    def call(self) -> None:
        """Let the thread that sits here go on."""
        self._called.release()

    def wait(self) -> None:
        """Wait to be called."""
        self._called.acquire()


class WriterQueue:
    """One writer at a time, of all processes; within this one in the order they came."""

    def __init__(self, path: str) -> None:
        self._path = f"{path}-writers"
        self._file: int | None = None
        self._guard = threading.Lock()
        self._waiting: deque[Seat] = deque()
        self._owner: int | None = None

    @contextmanager
    def turn(self, seat: Seat) -> Iterator[None]:
        """Wait for the turn and hold it; or, if the seat was ``served``, only go on.

        Raises:
            RuntimeError: if this thread holds the turn already.
        """
        if self._owner == threading.get_ident():
            raise RuntimeError("write() inside write(): pass the connection on instead")
        began = time.monotonic()
        with self._guard:
            self._waiting.append(seat)
            if self._waiting[0] is seat:
                seat.call()
        try:
            seat.wait()
            if seat.served:
                yield
                return
            self._owner = threading.get_ident()
            with self._alone_of_all_processes():
                seat.waited = time.monotonic() - began
                yield
        finally:
            self._leave(seat)

    def next_to_join(self, seat: Seat) -> Seat | None:
        """Take the seat behind the one whose turn it is, if it may be served together with it.

        Whoever takes a seat serves it: sets ``served`` and calls it.
        """
        with self._guard:
            if len(self._waiting) < 2 or self._waiting[1].joins is not seat.joins:
                return None
            taken = self._waiting[1]
            del self._waiting[1]
            return taken

    @contextmanager
    def _alone_of_all_processes(self) -> Iterator[None]:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _leave(self, seat: Seat) -> None:
        # Also reached by a thread that was interrupted while it still waited.
        with self._guard:
            if not self._waiting or self._waiting[0] is not seat:
                if seat in self._waiting:
                    self._waiting.remove(seat)
                return
            self._owner = None
            self._waiting.popleft()
            if self._waiting:
                self._waiting[0].call()


_queues: Final[dict[str, WriterQueue]] = {}
_known: Final[dict[str, WriterQueue]] = {}  # by the path as an engine names it
_queues_guard: Final = threading.Lock()


def queue_of(engine: Engine) -> WriterQueue:
    """Return the queue of a SQLite engine's file, which all engines on that file share."""
    database = str(engine.url.database)
    with _queues_guard:
        found = _known.get(database)
        if found is None:
            # Asking the file system each time took as long as a small transaction.
            path = str(Path(database).resolve())
            found = _queues.setdefault(path, WriterQueue(path))
            if path == database:
                _known[database] = found
        return found
