"""Who may write to a SQLite file next: first come, first served, within this process.

SQLite's own busy handler is a lottery in which one commit was seen to wait two seconds.
"""

import threading
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
    """

    __slots__ = ("_called", "joins", "served")

    def __init__(self, joins: object = None) -> None:
        self.joins = joins
        self.served = False
        self._called = threading.Lock()
        self._called.acquire()

    def call(self) -> None:
        """Let the thread that sits here go on."""
        self._called.release()

    def wait(self) -> None:
        """Wait to be called."""
        self._called.acquire()


class WriterQueue:
    """One writer at a time, in the order they came."""

    def __init__(self) -> None:
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
        with self._guard:
            self._waiting.append(seat)
            if self._waiting[0] is seat:
                seat.call()
        try:
            seat.wait()
            if not seat.served:
                self._owner = threading.get_ident()
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
_queues_guard: Final = threading.Lock()


def queue_of(engine: Engine) -> WriterQueue:
    """Return the queue of a SQLite engine's file, which all engines on that file share."""
    path = str(Path(str(engine.url.database)).resolve())
    with _queues_guard:
        return _queues.setdefault(path, WriterQueue())
