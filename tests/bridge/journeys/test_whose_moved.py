"""Which subscribers something changed for, without a look for each of them."""

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, or_, select, text

from bridge.api.subscription_request import TOPICS
from bridge.app import deliveries_of
from bridge.journeys.partners.whose_moved import WhoseMoved
from bridge.store.database.engine import read, write
from bridge.store.facts.conditions import RECORD
from bridge.store.intake import next_changes
from bridge.store.partners.export_jobs import last_change
from bridge.store.partners.subscriptions import KINDS, Waiting, put_subscription
from tests.support.receiver import Receiver
from tests.support.subscribing import active
from tests.support.worlds import COVE, HARBOR, LEA, NOW, World, referral

ORGANIZATIONS = (HARBOR, COVE, LEA, "nobody")


def waiting(organization: str, kind: str, through: int) -> Waiting:
    key = f"{organization} {kind} {through}"
    return Waiting(key, organization, "", kind, "active", 1, 0, 0, 0, through, None, None)


def moved_for(connection: Connection, each: Waiting) -> bool:
    """Say by the records themselves whether one of an organisation's changed since then."""
    row, whose = RECORD.c, each.organization
    query = select(func.count()).where(
        row.type == each.kind,
        row.change > each.changed_through,
        or_(row.audience == whose, row.custodian == whose),
    )
    return bool(connection.scalar(query))


def told(connection: Connection, moved: WhoseMoved, asked: Sequence[Waiting]) -> list[bool]:
    moved.look(connection, last_change(connection), asked)
    return [moved.has(each) for each in asked]


@pytest.mark.parametrize("seed", [1, 2])
def test_whoever_something_changed_for_is_found_whenever_it_is_asked(
    world: World, seed: int
) -> None:
    world.refer(referral(n) for n in range(6))
    world.refer([referral(n) for n in range(6, 9)], provider=COVE)
    dice, moved = random.Random(seed), WhoseMoved()  # noqa: S311 - repeatable
    for _ in range(60):
        move(world, dice)
        with read(world.bridge.engine) as connection:
            top = last_change(connection)
            # Of those that are let go for a while, or come back, some stand far behind.
            asked = [
                waiting(each, kind, dice.randint(0, top))
                for each in ORGANIZATIONS
                for kind in KINDS
                if dice.random() < 0.5
            ]
            assert told(connection, moved, asked) == [moved_for(connection, a) for a in asked]


def test_who_comes_back_is_told_of_what_changed_before_this_worker_looked(world: World) -> None:
    world.refer([referral(1)], provider=COVE)
    moved = WhoseMoved()
    with read(world.bridge.engine) as connection:
        now = waiting(HARBOR, "Task", last_change(connection))
        assert told(connection, moved, [now]) == [False]
        back = waiting(COVE, "Task", 0)
        assert told(connection, moved, [now, back]) == [False, True]


def move(world: World, dice: random.Random) -> None:
    """Give some records of drawn types new numbers, as whatever changes them does."""
    with write(world.bridge.engine) as connection:
        row = RECORD.c
        some = connection.execute(select(row.type, row.id).order_by(row.type, row.id)).all()
        chosen = dice.sample(some, dice.randint(0, 2))
        first, _ = next_changes(connection, len(chosen), NOW) if chosen else (0, NOW)
        for n, (kind, record_id) in enumerate(chosen):
            given = {"change": first + n, "kind": kind, "id": record_id}
            sql = "UPDATE record SET change = :change WHERE type = :kind AND id = :id"
            connection.execute(text(sql), given)


def test_the_types_that_are_looked_at_are_those_with_a_topic() -> None:
    assert sorted(TOPICS.values()) == sorted(KINDS)


@pytest.mark.parametrize("subscribers", [1, 40])
def test_a_look_asks_no_more_however_many_subscribed(
    lite: World, receiver: Receiver, subscribers: int
) -> None:
    row = active(lite, receiver).row
    with write(lite.bridge.engine) as connection:
        for n in range(subscribers - 1):
            put_subscription(connection, replace(row, id=f"other-{n}", organization=f"of-{n}"))
    deliveries = deliveries_of(lite.bridge)
    with ThreadPoolExecutor(1) as pool:
        deliveries.begin(pool)
        lite.refer([referral(1)], provider=COVE)
        with asked(lite) as said:
            begun = deliveries.begin(pool)
    assert (begun, len([each for each in said if each.startswith("SELECT")])) == (0, 3), said


@contextmanager
def asked(world: World) -> Iterator[list[str]]:
    """Take down what the database is asked."""
    said = list[str]()

    def traced(raw: Any, *_: object) -> None:  # noqa: ANN401 - SQLite's connection
        raw.set_trace_callback(said.append)

    event.listen(world.bridge.engine, "checkout", traced)
    yield said
    event.remove(world.bridge.engine, "checkout", traced)
