"""Subscribers that never answer, beside one that does: it is told as soon as before.

A shared machine is now quick and now slow, by more than what is looked for. So rounds without and
with the hostile ones take turns, in either order, and what counts is the median of the rounds; a
difference counts only where shuffling the rounds hardly ever makes one as large. What no machine
blurs is counted besides: how often the one that answers was due and found no room.
"""

import itertools
import os
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import pytest

from bridge.clock import SystemClock
from bridge.context import Bridge
from bridge.journeys.partners import deliver_notifications
from bridge.journeys.partners.deliver_notifications import Deliveries
from bridge.store.database.engine import write
from bridge.store.partners.subscriptions import Waiting, set_subscription
from tests.support.delivering import delivering
from tests.support.hostile_crowd import crowd
from tests.support.receiver import Json, Receiver, events_in, receiving
from tests.support.subscribing import BACKPORT, Subscribed, subscribed, subscription
from tests.support.worlds import COVE, HARBOR, World, make_world, referral

pytestmark = pytest.mark.faults
ROUNDS = int(os.environ.get("SCHOOLBRIDGE_ROUNDS") or 12)  # noqa: TID251 - how long to test
EVENTS = int(os.environ.get("SCHOOLBRIDGE_EVENTS") or 25)  # noqa: TID251 - how long to test
ALLOWED = 1.10
BY_CHANCE = 0.01
SECONDS = 2
BRIEF = {"url": f"{BACKPORT}backport-timeout", "valueUnsignedInt": SECONDS}


@dataclass
class Rounds:
    """What came of the rounds without the hostile ones, and of those with them.

    Attributes:
        alone, beside: of each round the longest of its delays, in seconds.
        every: every delay of the rounds alone, and of those beside.
        refused: how often the one that answers was due and found no room, of how often it was due.
    """

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)
    every: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    refused: int = 0
    due: int = 0

    def add(self, status: str, took: list[float]) -> None:
        (self.alone if status == "off" else self.beside).append(max(took))
        self.every[status != "off"].extend(took)

    @property
    def ratio(self) -> float:
        return median(self.beside) / median(self.alone)

    @property
    def one_in_a_hundred(self) -> tuple[float, float]:
        """The 99th percentiles of all delays, in seconds: alone, and beside."""
        alone, beside = (sorted(times)[int(len(times) * 0.99)] for times in self.every)
        return alone, beside

    @property
    def by_chance(self) -> float:
        """How often shuffled rounds are as far above the others as these are, by their ranks."""
        dice, both = random.Random(1), [*self.alone, *self.beside]  # noqa: S311 - repeatable
        ranks = [sorted(both).index(each) for each in both]
        mine, trials = sum(ranks[len(self.alone) :]), 2000
        as_far = 0
        for _ in range(trials):
            dice.shuffle(ranks)
            as_far += sum(ranks[len(self.alone) :]) >= mine
        return as_far / trials

    @property
    def slower(self) -> bool:
        return self.ratio > ALLOWED and self.by_chance < BY_CHANCE

    def __str__(self) -> str:
        before, after = (1e3 * median(times) for times in (self.alone, self.beside))
        one_in = [1e3 * each for each in self.one_in_a_hundred]
        return (
            f"median of {len(self.alone)} rounds of the longest of {EVENTS}: alone {before:.1f} ms,"
            f" beside hostile ones {after:.1f} ms, {self.ratio - 1:+.1%}, by chance "
            f"{self.by_chance}; p99 of all {one_in[0]:.1f} and {one_in[1]:.1f} ms, "
            f"{one_in[1] / one_in[0] - 1:+.1%}; "
            f"no room {self.refused} of {self.due} times"
        )


@contextmanager
def counting_room(found: Rounds) -> Iterator[None]:
    """Count how often the one that answers is due and finds room, or none."""
    usual = Deliveries._has_room

    def counted(self: Deliveries, each: Waiting) -> bool:
        has_room = usual(self, each)
        if each.organization == HARBOR:
            found.due, found.refused = found.due + 1, found.refused + (not has_room)
        return has_room

    setattr(Deliveries, "_has_room", counted)  # noqa: B010 - a method is replaced on purpose
    yield
    setattr(Deliveries, "_has_room", usual)  # noqa: B010 - as it was


def delays(world: World, receiver: Receiver, first: int) -> list[float]:
    """Return how long after its commit each change of a round is told of."""
    at: dict[str, float] = {}

    def answer(bundle: Json) -> tuple[int, dict[str, str]]:
        at.update(dict.fromkeys((place for _, place in events_in(bundle)), time.monotonic()))
        return 200, {}

    receiver.answer = answer
    took = []
    for number in range(first, first + EVENTS):
        world.refer([referral(number)])
        kept, place = time.monotonic(), f"Task/{world.id_of('Task', f'R-{number}')}"
        while place not in at:
            assert time.monotonic() - kept < 30
            time.sleep(0.001)
        took.append(at[place] - kept)
    return took


@contextmanager
def crowded(world: World, receiver: Receiver) -> Iterator[list[Subscribed]]:
    """Let some subscribe that never answer, each with an event that waits."""
    with crowd(of_each=4) as ports:
        until_active(subscribed(world, subscription(receiver.url)))
        made = []
        for port in ports:
            hook = f"http://localhost:{port}/"
            sent = subscription(hook, channel={"extension": [BRIEF]})
            made.append(subscribed(world, sent, "cove-ehr"))
            until_active(made[-1])
        world.refer([referral(5000)], provider=COVE)
        yield made


def turn(world: World, hostile: Sequence[Subscribed], status: str) -> None:
    """Let the hostile ones be called from now on as if none had failed yet, or not at all."""
    with write(world.bridge.engine) as connection:
        for one in hostile:
            values = {"status": status, "attempts": 0, "retry_at": None, "failing_since": None}
            set_subscription(connection, one.row.id, **values)
    # Those called last are called until then; those to be called are under way by then.
    time.sleep(SECONDS + 0.5 if status == "off" else 0.5)


def rounds_in(world: World, receiver: Receiver, rounds: int) -> Rounds:
    found, numbers = Rounds(), itertools.count(0, EVENTS)
    with crowded(world, receiver) as hostile, counting_room(found):
        for number in range(rounds):
            for status in ("off", "active") if number % 2 else ("active", "off"):
                turn(world, hostile, status)
                found.add(status, delays(world, receiver, next(numbers)))
        turn(world, hostile, "off")
    print(found)  # noqa: T201 - the figures
    return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path)
    yield made
    made.bridge.engine.dispose()


def moving(world: World) -> Bridge:
    """Return its bridge with a clock that goes on: what waits for it must be tried again."""
    return replace(world.bridge, clock=SystemClock())


def test_others_are_told_as_soon_while_some_do_not_answer(world: World) -> None:
    with receiving() as receiver, delivering(moving(world), 1, 0.01):
        found = rounds_in(world, receiver, ROUNDS)
    assert not found.slower, str(found)
    assert (found.refused, found.due >= ROUNDS * EVENTS) == (0, True), str(found)


def test_one_in_a_hundred_is_told_as_soon_at_the_pace_of_a_server(world: World) -> None:
    """The worker looks as seldom as it does beside a server, so this is what a receiver sees."""
    pause = deliver_notifications.PAUSE
    with receiving() as receiver, delivering(moving(world), 1, pause):
        found = rounds_in(world, receiver, ROUNDS)
    alone, beside = found.one_in_a_hundred
    assert alone > 0.8 * pause, str(found)  # each comes soon after a look
    assert beside <= ALLOWED * alone, str(found)


def test_a_worker_whose_threads_anybody_may_take_is_found_slow(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver_notifications, "AT_ONCE", 2)
    for bound in ("TO_ONE_HOST", "TO_ONE_PARTNER", "TO_FAILING"):
        monkeypatch.setattr(deliver_notifications, bound, 2)
    with receiving() as receiver, delivering(moving(world), 1, 0.01):
        found = rounds_in(world, receiver, 6)
    assert found.slower, str(found)
    assert found.refused > 0, str(found)


def until_active(one: Subscribed) -> None:
    end = time.monotonic() + 30
    while one.row.status != "active":
        assert time.monotonic() < end
        time.sleep(0.02)
