"""Which of those that wait in line are answered together, and by whom."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from sqlalchemy import Engine, event

LONGEST_WAIT: Final = 0.001
"""Seconds that one may wait for others who were answered a moment ago and ask again."""
MOST_AT_ONCE: Final = 64

T = TypeVar("T")


class Line(Generic[T]):
    """Those who wait, answered in batches by a thread of its own, begun when the first comes.

    Whoever comes while a batch is under way waits for the next one, which takes all that wait.
    """

    def __init__(
        self,
        named: tuple[str, Engine],
        answer: Callable[[list[T]], None],
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """Make a line.

        Args:
            named: what the thread is called, and the engine with which it ends.
            answer: answers a batch; what it raises would end the line.
            ended: called by the thread at its end.
        """
        (self._name, self._engine), self._answer, self._ended = named, answer, ended
        self._waiting: Waiting[T] = Waiting()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    def join(self, waiting: T) -> None:
        """Put somebody in line."""
        if self._thread is None:
            self._begin()
        self._waiting.put(waiting)

    def close(self) -> None:
        """Answer who waits, and end."""
        with self._guard:
            if self._thread is not None:
                self._waiting.end()
                self._thread.join(timeout=20)
                self._thread = None

    def _begin(self) -> None:
        with self._guard:
            if self._thread is None:
                event.listen(self._engine, "engine_disposed", lambda _: self.close(), once=True)
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        wanted = 1
        while batch := self._waiting.take(wanted):
            self._answer(batch)
            wanted = len(batch) + len(self._waiting)
        self._ended()


class Waiting(Generic[T]):
    """Those who wait; one thread takes them, others put them there.

    The thread that takes them is woken for the first and then once enough are there: woken for each
    it would take the interpreter from whoever puts them there, each time, and give it back.

    INVARIANT: whoever was put there is taken. ``_enough`` is set while the thread sleeps and nobody
    has woken it; who makes the line long enough unsets it and rings once, and the ring is heard.
    """

    def __init__(self) -> None:
        self._line: deque[T] = deque()
        self._guard, self._bell = threading.Lock(), threading.Lock()
        self._enough, self._ended = 0, False
        self._bell.acquire()

    def __len__(self) -> int:
        return len(self._line)

    def put(self, one: T) -> None:
        """Put somebody there."""
        with self._guard:
            self._line.append(one)
            if 0 < self._enough <= len(self._line):
                self._ring()

    def end(self) -> None:
        """Let who is there be the last, up to whoever is put there after they were taken."""
        with self._guard:
            self._ended = True
            if self._enough:
                self._ring()

    def take(self, wanted: int, most: int = MOST_AT_ONCE) -> list[T]:
        """Return who waits, in order, once there is anybody; none at the end.

        Two halves that take turns would each pay for a wait for the disk; so where several asked at
        once a moment ago, the first waits a little for as many. Who asks alone never waits.

        Args:
            wanted: how many to wait for.
            most: how many to take at most.
        """
        self._sleep(1, -1)
        self._sleep(min(wanted, most), LONGEST_WAIT)
        with self._guard:
            taken = [self._line.popleft() for _ in range(min(len(self._line), most))]
            self._ended = self._ended and bool(taken)
            return taken

    def _sleep(self, enough: int, seconds: float) -> None:
        """Sleep until so many are there or it ends, at most so long (-1: however long)."""
        with self._guard:
            if self._ended or len(self._line) >= enough:
                return
            self._enough = enough
        if self._bell.acquire(timeout=seconds):
            return
        with self._guard:
            slept, self._enough = self._enough, 0
        if not slept:  # it was rung just now
            self._bell.acquire()

    def _ring(self) -> None:
        self._enough = 0
        self._bell.release()
