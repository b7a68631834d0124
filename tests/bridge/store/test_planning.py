"""What PostgreSQL has to plan of a search: little, and of nothing else in its transaction again."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from bridge.gate.authorise import Authorised, authorised
from bridge.gate.viewers import viewer_of
from bridge.store.database.engine import write
from bridge.store.facts.conditions import WRITTEN
from bridge.store.search.searching import Sight, page_sql
from bridge.store.search.stands import places_in
from bridge.store.vault import Match, Query, find, rows
from tests.support.worlds import World, caller, make_world, referral

WAITING = (Match("status", ((None, "requested"),)),)


@pytest.fixture
def large(postgres_url: str, tmp_path: Path) -> Iterator[World]:
    """A world on PostgreSQL."""
    made = make_world(postgres_url, tmp_path)
    made.refer([referral(n) for n in range(3)])
    yield made
    made.bridge.engine.dispose()


def sight_of(world: World, connection: Connection, client: str, kind: str) -> Authorised:
    viewer = viewer_of(connection, caller(client))
    return authorised(viewer, kind, world.clock.now(), connection.dialect.name)


def looks(connection: Connection, sight: Authorised, query: Query) -> int:
    """Return how often the plan of a page looks at what is said of a record."""
    sql, binds = page_sql(query, Sight(sight.condition.text, sight.bins, sight.standing))
    plan = connection.execute(text(f"EXPLAIN {sql}"), {**sight.binds, **binds}).scalars()
    return len(re.findall(r"on evidence\b", "\n".join(plan)))


# A provider's page has two branches: what stands where it was changed, and what stands elsewhere.
@pytest.mark.parametrize(
    ("client", "kind", "most"),
    [("harbor-ehr", "Task", 2), ("harbor-ehr", "Patient", 2), ("harbor-ehr", "Observation", 8)],
)
def test_a_page_is_planned_with_one_look_for_each_thing_that_may_be_told(
    large: World, client: str, kind: str, most: int
) -> None:
    with write(large.bridge.engine) as connection:
        sight = sight_of(large, connection, client, kind)
        assert 0 < looks(connection, sight, Query(kind)) <= most


def test_a_look_for_each_fact_would_be_noticed(
    large: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.gate.authorise.WRITTEN", {"postgresql": WRITTEN["sqlite"]})
    monkeypatch.setattr("bridge.gate.authorise._CONDITIONS", {})
    with write(large.bridge.engine) as connection:
        sight = sight_of(large, connection, "harbor-ehr", "Task")
        assert looks(connection, sight, Query("Task")) > 20


def test_a_search_alone_is_planned_by_its_values(large: World) -> None:
    mode = "current_setting('plan_cache_mode')"
    by_values = Authorised(text(f"{mode} = 'force_custom_plan'"), {})
    query = Query("Task", limit=2, matches=WAITING, counted=True)
    with write(large.bridge.engine) as connection:
        before = connection.execute(text(f"SELECT {mode}")).scalar_one()
        found, total = find(connection, query, by_values)
        assert (len(found), total) == (2, 3)
        assert len(places_in(rows(connection, query, by_values))) == 2
        assert connection.execute(text(f"SELECT {mode}")).scalar_one() == before
