"""Nothing is released once the end of a client or of its token is acknowledged."""

import random
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, func, select

from bridge.errors import UnauthorizedError
from bridge.gate import Query
from bridge.identity import Caller, caller_of, disable_client, enable_client, revoke
from bridge.ledger.tables import ENTRY
from bridge.store.database.engine import read, write
from tests.support.worlds import World, referral

RACES = 60
Take = Callable[[Connection, World, str], None]


def shut_out(connection: Connection, _world: World, _token: str) -> None:
    disable_client(connection, "harbor-ehr")


def end_token(connection: Connection, world: World, token: str) -> None:
    revoke(connection, "harbor-ehr", token, world.clock)


def entries(world: World) -> int:
    with read(world.bridge.engine) as connection:
        return int(connection.scalar(select(func.count()).select_from(ENTRY)) or 0)


def race(world: World, take: Take, wait: float) -> tuple[int, int]:
    """Search for ever while the right to is taken; returns releases in all, and after the ack."""
    token = world.web().token
    with read(world.bridge.engine) as connection:
        caller = caller_of(connection, token, world.clock)
    assert caller is not None
    done, before = list[int](), entries(world)
    searching = threading.Thread(target=_search, args=(world, caller, done))
    searching.start()
    time.sleep(wait)
    with write(world.bridge.engine) as connection:
        take(connection, world, token)
    acknowledged = entries(world)
    searching.join()
    return acknowledged - before, entries(world) - acknowledged


def _search(world: World, caller: Caller, done: list[int]) -> None:
    # The caller was looked at once: what was taken since is the gate's to see.
    try:
        while len(done) < 1000:
            done.append(len(world.bridge.gate.search(caller, Query("Task")).matches))
    except UnauthorizedError:
        return
    raise AssertionError("was never refused")


@pytest.mark.turns(2)
@pytest.mark.parametrize("take", [shut_out, end_token], ids=["client", "token"])
def test_nothing_is_released_once_the_end_of_access_is_acknowledged(
    world: World, take: Take
) -> None:
    world.refer([referral(0)])
    dice = random.Random(7)  # noqa: S311 - repeatable
    released = late = 0
    for _ in range(RACES):
        some, after = race(world, take, dice.uniform(0, 0.02))
        released, late = released + some, late + after
        with write(world.bridge.engine) as connection:
            enable_client(connection, "harbor-ehr")
    assert late == 0
    assert released > RACES // 4  # the race was on
