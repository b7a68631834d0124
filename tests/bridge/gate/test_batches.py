"""Reads wait for others only where others asked a moment ago, and never for long."""

from collections.abc import Callable
from threading import Thread, Timer
from time import monotonic

import pytest

from bridge.gate.hot import batches
from bridge.gate.hot.batches import LONGEST_WAIT, Waiting

MOST = 64


def line(*waiting: int) -> Waiting[int]:
    made: Waiting[int] = Waiting()
    for each in waiting:
        made.put(each)
    return made


def test_who_stands_in_line_is_taken_in_order_and_at_most_so_many() -> None:
    waiting = line(*range(1, 10))
    assert waiting.take(1, 5) == [1, 2, 3, 4, 5]
    assert waiting.take(1, 2) == [6, 7]


def test_at_the_end_who_is_there_is_taken_and_then_none() -> None:
    waiting = line(1, 2)
    waiting.end()
    assert waiting.take(MOST) == [1, 2]
    assert waiting.take(MOST) == []


def test_a_line_that_ended_can_be_joined_again() -> None:
    waiting = line()
    waiting.end()
    assert waiting.take(1) == []
    waiting.put(1)
    assert waiting.take(1) == [1]


def test_who_asks_alone_does_not_wait() -> None:
    began = monotonic()
    for _ in range(100):
        assert line(1).take(1) == [1]
    assert monotonic() - began < 100 * LONGEST_WAIT


def test_who_was_not_alone_a_moment_ago_waits_a_little() -> None:
    began = monotonic()
    assert line(1).take(2) == [1]
    assert monotonic() - began >= LONGEST_WAIT


def test_who_comes_meanwhile_is_taken() -> None:
    found = list[int]()
    for _ in range(200):  # a busy machine may be late
        waiting = line(1)
        later = Timer(0, waiting.put, (2,))
        later.start()
        found = waiting.take(2)
        later.join()
        if len(found) == 2:
            break
    assert found == [1, 2]


@pytest.mark.parametrize("wakes", [lambda waiting: waiting.put(1), Waiting.end])
def test_who_sleeps_until_somebody_comes_is_woken(wakes: Callable[[Waiting[int]], None]) -> None:
    waiting, found = line(), list[list[int]]()
    sleeper = Thread(target=lambda: found.append(waiting.take(1)))
    sleeper.start()
    while not waiting._enough:
        pass
    wakes(waiting)
    sleeper.join(5)
    assert found in ([[1]], [[]])


def test_nobody_is_lost_however_many_come_at_once() -> None:
    waiting, found, each = line(), list[int](), 2000
    senders = [
        Thread(target=lambda n=n: [waiting.put(n * each + m) for m in range(each)])
        for n in range(4)
    ]
    taker = Thread(target=lambda: _take_all(waiting, found))
    for thread in (taker, *senders):
        thread.start()
    for thread in senders:
        thread.join()
    waiting.end()
    taker.join(20)
    assert sorted(found) == list(range(4 * each))


class Counted(Waiting[int]):
    """Counts how often who takes is woken."""

    rung = 0

    def _ring(self) -> None:
        self.rung += 1
        super()._ring()


def test_the_thread_that_takes_them_is_woken_twice_for_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "LONGEST_WAIT", 20)
    waiting, found = Counted(), list[int]()
    taker = Thread(target=lambda: found.extend(waiting.take(8)))
    taker.start()
    for enough, last in ((1, 1), (8, 7)):
        while waiting._enough != enough:
            pass
        for n in range(enough // 8, last):
            waiting.put(n)
        assert waiting.rung == 1
    waiting.put(7)
    taker.join(5)
    assert (found, waiting.rung) == (list(range(8)), 2)


def _take_all(waiting: Waiting[int], found: list[int]) -> None:
    wanted = 1
    while taken := waiting.take(wanted):
        found += taken
        wanted = len(taken) + len(waiting)
