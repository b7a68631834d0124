"""Which of those that wait in line are answered together, and by whom."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import monotonic
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
        self._waiting: SimpleQueue[T | None] = SimpleQueue()
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
                self._waiting.put(None)
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
        while (first := self._waiting.get()) is not None:
            batch = gathered(first, self._waiting, (wanted, MOST_AT_ONCE))
            self._answer(batch)
            wanted = len(batch) + self._waiting.qsize()
        self._ended()


def gathered(first: T, line: "SimpleQueue[T | None]", sizes: tuple[int, int]) -> list[T]:
    """Return the first and who stands behind it, up to the mark that ends the line.

    Two halves that take turns would each pay for a wait for the disk; so where several asked at
    once a moment ago, the first waits a little for as many. Who asks alone never waits.

    Args:
        first: who was taken from the line.
        line: the rest; None in it is the end, which stays in it.
        sizes: how many to wait for, and how many to take at most.
    """
    (wanted, most), batch = sizes, [first]
    until = monotonic() + LONGEST_WAIT
    while len(batch) < most:
        patience = until - monotonic() if len(batch) < wanted else 0
        try:
            more = line.get(timeout=patience) if patience > 0 else line.get_nowait()
        except Empty:
            break
        if more is None:
            line.put(None)
            break
        batch.append(more)
    return batch
