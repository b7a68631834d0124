"""Which of those that wait in line are answered together."""

from queue import Empty, SimpleQueue
from time import monotonic
from typing import Final, TypeVar

LONGEST_WAIT: Final = 0.001
"""Seconds that one may wait for others who were answered a moment ago and ask again."""

T = TypeVar("T")


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
