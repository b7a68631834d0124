"""A search costs the same however much else is stored: plans by index, work counted in steps."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from bridge.api.search import SearchReader
from bridge.gate.authorise import authorised
from bridge.gate.viewers import viewer_of
from bridge.store.database.engine import write
from bridge.store.search.query import Query
from bridge.store.search.searching import Sight, page_sql
from bridge.store.vault import find
from tests.support.worlds import FHIR, NOW, World, caller, make_world, put_task, referral

BASE, FEW, MANY = 20, 10, 100
COPYING = Path(__file__).with_name("copy-students.sql").read_text(encoding="utf-8").split(";")
SEARCHES = (
    "Task?owner={owner}&_lastUpdated=gt{recent}",
    "Task?owner={owner}&_lastUpdated=gt{recent}&status=requested",
    "Task?_lastUpdated=gt{recent}&_sort=-_lastUpdated",
    "Task?status=rejected",
    "Task?identifier=R-3",
    "Task?owner:missing=true",
    "Task?focus={focus},{patient}",
    "Task?patient={patient}",
    "Task?_sort=-_lastUpdated",
    "Task?_sort=authored-on",
    "Task?_sort=-authored-on&status=requested",
    "Task?_id={focus}",
    "ServiceRequest?performer={owner}&status=active",
    "Patient?name=Child3-00005",
    "Patient?family:exact=Nobody",
    "Observation?patient={patient}&category=survey",
)


@dataclass
class Filled:
    """A world whose referrals were copied so many times."""

    world: World
    copies: int

    def names(self) -> dict[str, str]:
        last = NOW + timedelta(seconds=self.copies - 2)
        return {
            "owner": "Organization/"
            + self.world.bridge.identifiers.issue("organization", "harbor"),
            "recent": last.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "patient": self.world.id_of("Patient", "1003"),
            "focus": self.world.id_of("ServiceRequest", "R-3"),
        }

    def query(self, written: str) -> Query:
        kind, _, asked = written.format(**self.names()).partition("?")
        pairs = [tuple(pair.split("=", 1)) for pair in asked.split("&")]
        bridge = self.world.bridge
        reader = SearchReader(kind, "c", FHIR, bridge.identifiers, "provider", NOW)
        return reader.read([*pairs, ("_count", "20")]).query  # type: ignore[list-item] # pairs of text


def copy(connection: Connection, n: int) -> None:
    """Copy every record of a student, with its student and evidence, as those of another."""
    at = NOW + timedelta(seconds=n)
    made = {"n": f"-{n:05}", "shift": n * 10_000, "at": at.strftime("%Y-%m-%d %H:%M:%S.%f")}
    for statement in COPYING:
        lite = connection.dialect.name == "sqlite"
        sql = statement.replace("CAST(:at AS TIMESTAMP)", ":at") if lite else statement
        given = {name: value for name, value in made.items() if f":{name}" in sql}
        connection.execute(text(sql), given)


def analyse(world: World, when: str, statistics: str) -> None:
    """Take statistics on PostgreSQL as its server does by itself; the bridge forgets SQLite's."""
    engine = world.bridge.engine
    if engine.dialect.name == "postgresql" and when == statistics:
        with engine.connect() as connection:
            connection.execute(text("ANALYZE"))
            connection.commit()


def filled(url: str, home: Path, copies: int, statistics: str = "fresh") -> Filled:
    """Make a world and copy its referrals.

    Args:
        url: the database.
        home: a folder.
        copies: how many times.
        statistics: whether PostgreSQL has ``fresh`` ones, those of ``before`` the copies came, or
            ``none`` at all yet.
    """
    home.mkdir(exist_ok=True)
    world = make_world(url, home)
    world.refer(referral(n) for n in range(BASE))
    web = world.web()
    for task in web.found("/fhir/Task?_count=5")[:3]:
        assert put_task(web, task, "rejected").status_code == 200
    analyse(world, "before", statistics)
    with write(world.bridge.engine) as connection:
        for n in range(1, copies):
            copy(connection, n)
    analyse(world, "fresh", statistics)
    return Filled(world, copies)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Filled, Filled]]:
    """Two worlds on SQLite, one with ten times as many referrals."""
    made = [filled(f"sqlite:///{tmp_path / f'{n}.db'}", tmp_path / str(n), n) for n in (FEW, MANY)]
    yield made[0], made[1]
    for each in made:
        each.world.bridge.engine.dispose()


def steps(of: Filled, written: str) -> tuple[int, int]:
    """Return how many steps of SQLite's machine a page takes, and how many records it holds."""
    query, counted = of.query(written), [0]

    def tick() -> int:
        counted[0] += 1
        return 0

    with write(of.world.bridge.engine) as connection:
        viewer = viewer_of(connection, caller())
        sight = authorised(viewer, query.type, NOW + timedelta(days=1), "sqlite")
        find(connection, query, sight)  # once, so that preparing the statement does not count
        raw: Any = connection.connection.dbapi_connection
        raw.set_progress_handler(tick, 10)
        found, _ = find(connection, query, sight)
        raw.set_progress_handler(None, 0)
    return counted[0], len(found)


@pytest.mark.turns(2)
@pytest.mark.slow
def test_ten_times_as_many_referrals_cost_a_page_no_more_than_half_again(
    pair: tuple[Filled, Filled],
) -> None:
    grown = {}
    for written in SEARCHES:
        (few, found), (many, again) = (steps(each, written) for each in pair)
        grown[written] = (few, many, found, again)
    assert {w: g for w, g in grown.items() if g[1] > 1.5 * g[0] + 20} == {}
    assert sum(found for _, _, found, _ in grown.values()) > 100, grown


@pytest.mark.turns(2)
@pytest.mark.slow
def test_every_search_is_answered_by_an_index(database_url: str, tmp_path: Path) -> None:
    answered_by_an_index(filled(database_url, tmp_path / "home", FEW * 3))


@pytest.mark.turns(2)
@pytest.mark.slow
@pytest.mark.parametrize("statistics", ["before", "none"])
def test_so_it_is_on_postgresql_before_it_has_taken_statistics_of_an_import(
    postgres_url: str, tmp_path: Path, statistics: str
) -> None:
    answered_by_an_index(filled(postgres_url, tmp_path / "home", FEW * 3, statistics))


def answered_by_an_index(of: Filled) -> None:
    """Read the plan of each search, and close the world."""
    with of.world.bridge.engine.connect() as connection:
        viewer = viewer_of(connection, caller())
        for written in SEARCHES:
            query = of.query(written)
            sight = authorised(viewer, query.type, NOW, connection.dialect.name)
            plan = explained(connection, query, sight)
            assert not re.search(r"SCAN (record|search_value|search_date|s|w|z)\b", plan), plan
            assert "Seq Scan on search_value" not in plan, (written, plan)
            if "&" in written:  # several values of one criterion are what a branch begins with
                assert not joined(plan), (written, plan)
    of.world.bridge.engine.dispose()


def joined(plan: str) -> list[str]:
    """Return the further criteria that PostgreSQL makes joins of, not questions about a record.

    It thinks that few records meet two criteria, whatever they are; from a join it would begin
    with all that meet one of them.
    """
    above: list[tuple[int, str]] = []
    found = []
    for line in plan.splitlines():
        depth = len(line) - len(line.lstrip())
        above = [each for each in above if each[0] < depth]
        if re.search(r"on search_(value|date) w", line) and not any(
            said.startswith("SubPlan") for _, said in above
        ):
            found.append(line.strip())
        above.append((depth, line.strip()))
    return found


def explained(connection: Connection, query: Query, sight: Any) -> str:  # noqa: ANN401 - Authorised
    sql, binds = page_sql(query, Sight(sight.condition.text, sight.bins, sight.standing))
    lite = connection.dialect.name == "sqlite"
    word = "EXPLAIN QUERY PLAN" if lite else "EXPLAIN"
    rows = connection.execute(text(f"{word} {sql}"), {**sight.binds, **binds})
    return "\n".join(str(row[-1]) for row in rows)
