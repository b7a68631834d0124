"""A poll starts from what has the status it asks for, and goes on where its last page ended."""

from datetime import timedelta

import pytest

from bridge.gate.authorise import authorised
from bridge.gate.viewers import viewer_of
from bridge.store.database.engine import write
from bridge.store.vault import Match, Order, Place, Query, rows
from tests.leaks.work import counted
from tests.support.worlds import NOW, World, caller, referral

LONG_AGO = (("gt", NOW - timedelta(days=900)),)


@pytest.fixture
def many(lite: World) -> World:
    """Forty referrals that wait for an answer."""
    lite.refer([referral(n) for n in range(40)])
    return lite


def page(world: World, query: Query) -> tuple[int, tuple[Place, ...]]:
    """Return how many steps of SQLite's machine a page takes, and what is on it."""
    for _ in range(2):  # preparing the statement does not count
        with counted(world.bridge.engine) as work, write(world.bridge.engine) as connection:
            viewer = viewer_of(connection, caller())
            before = work.steps
            found = rows(connection, query, authorised(viewer, "Task", NOW, "sqlite"))
            took = work.steps - before
    return took, found


def waiting(status: str, **how: object) -> Query:
    matches = (Match("status", ((None, status),)),)
    return Query("Task", matches=matches, updated=LONG_AGO, **how)  # type: ignore[arg-type] # as told


def test_what_has_another_status_is_not_gone_through(many: World) -> None:
    took, found = page(many, waiting("rejected", limit=5))
    assert found == ()
    assert took < 400  # from all that changed since: 40 Tasks at 50 steps each


def test_the_last_page_of_a_poll_costs_what_the_first_does(many: World) -> None:
    first, found = page(many, waiting("requested", limit=5))
    places, after = [*found], found[-1][4]
    for _ in range(6):
        took, found = page(many, waiting("requested", limit=5, order=Order(after=after)))
        places, after = [*places, *found], found[-1][4]
    assert len({each[0] for each in places}) == 35
    assert took < 1.1 * first
