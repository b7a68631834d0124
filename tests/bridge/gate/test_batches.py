"""Reads wait for others only where others asked a moment ago, and never for long."""

from queue import SimpleQueue
from threading import Timer
from time import monotonic

from bridge.gate.hot.batches import LONGEST_WAIT, gathered

MOST = 64


def line(*waiting: int | None) -> "SimpleQueue[int | None]":
    made: SimpleQueue[int | None] = SimpleQueue()
    for each in waiting:
        made.put(each)
    return made


def test_who_stands_in_line_is_taken_in_order_and_at_most_so_many() -> None:
    waiting = line(*range(2, 10))
    assert gathered(1, waiting, (1, 5)) == [1, 2, 3, 4, 5]
    assert waiting.get() == 6


def test_the_end_of_the_line_stays_in_it() -> None:
    waiting = line(2, None)
    assert gathered(1, waiting, (MOST, MOST)) == [1, 2]
    assert waiting.get() is None


def test_who_asks_alone_does_not_wait() -> None:
    began = monotonic()
    for _ in range(100):
        assert gathered(1, line(), (1, MOST)) == [1]
    assert monotonic() - began < 100 * LONGEST_WAIT


def test_who_was_not_alone_a_moment_ago_waits_a_little() -> None:
    began = monotonic()
    assert gathered(1, line(), (2, MOST)) == [1]
    assert monotonic() - began >= LONGEST_WAIT


def test_who_comes_meanwhile_is_taken() -> None:
    waiting, found = line(), list[int]()
    for _ in range(200):  # a busy machine may be late
        later = Timer(0, waiting.put, (2,))
        later.start()
        found = gathered(1, waiting, (2, MOST))
        later.join()
        if len(found) == 2:
            break
    assert found == [1, 2]
