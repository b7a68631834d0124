"""A poll starts from what has the status it asks for, and goes on where its last page ended."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from bridge.gate.authorise import authorised
from bridge.gate.viewers import viewer_of
from bridge.store.database.engine import write
from bridge.store.referrals import referrals_by_student, referrals_of
from bridge.store.search.searching import Sight, rows_sql
from bridge.store.search.stands import Place, places_in
from bridge.store.vault import Match, Order, Query, rows
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
    return took, places_in(found)


def waiting(status: str, **how: object) -> Query:
    matches = (Match("status", ((None, status),)),)
    return Query("Task", matches=matches, updated=LONG_AGO, **how)  # type: ignore[arg-type] # as told


def test_what_has_another_status_is_not_gone_through(many: World) -> None:
    took, found = page(many, waiting("rejected", limit=5))
    assert found == ()
    assert took < 400  # from all that changed since: 40 Tasks at 50 steps each


def test_an_index_alone_tells_what_a_search_starts_from(lite: World) -> None:
    plans: list[str] = []
    with write(lite.bridge.engine) as connection:
        sight = authorised(viewer_of(connection, caller()), "Task", NOW, "sqlite")
        sql, binds = rows_sql(waiting("requested", limit=5), Sight(sight.condition.text), "sqlite")
        asked = text(f"EXPLAIN QUERY PLAN {sql}").bindparams(**binds)
        plans += [row[3] for row in connection.execute(asked, sight.binds)]
        plans += told_of_starts(connection)
    starts = [step for step in plans if "ix_search_value" in step]
    assert len(starts) >= 3
    assert [step for step in starts if "COVERING INDEX ix_search_value" not in step] == []


def told_of_starts(connection: Connection) -> list[str]:
    """Return the steps by which referrals are found by what others name them by."""
    said: list[tuple[str, Any]] = []

    def note(*told: Any) -> None:  # noqa: ANN401 - the toolkit's
        said.append(told[2:4])

    event.listen(connection, "before_cursor_execute", note)
    referrals_of(connection, "harbor", None, "R-3")
    referrals_by_student(connection, "s1")
    event.remove(connection, "before_cursor_execute", note)
    asked = [(f"EXPLAIN QUERY PLAN {sql}", binds) for sql, binds in said if "starts" in sql]
    return [row[3] for each in asked for row in connection.exec_driver_sql(*each)]


def test_the_last_page_of_a_poll_costs_what_the_first_does(many: World) -> None:
    first, found = page(many, waiting("requested", limit=5))
    places, after = [*found], found[-1].place
    for _ in range(6):
        took, found = page(many, waiting("requested", limit=5, order=Order(after=after)))
        places, after = [*places, *found], found[-1].place
    assert len({each.written for each in places}) == 35
    assert took < 1.1 * first
