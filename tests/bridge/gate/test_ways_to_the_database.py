"""How often a batch goes to PostgreSQL: what its answers share it asks for once."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import pytest
from psycopg import Cursor
from sqlalchemy import Engine, text

from bridge.gate import Query, Released
from bridge.gate.hot.asked import Asked
from bridge.gate.hot.opening import opened
from bridge.identity import locked_version_of
from bridge.store.database.engine import write
from bridge.store.state_versions import state_versions
from bridge.store.vault import Match
from tests.support.reads import Reads
from tests.support.worlds import make_world, referral

WAITING = (Match("status", ((None, "requested"),)),)
SHARED_WAYS = 10
"""Opening; planning, twice; locking the students, and the counter of anybody; of the ledger its
head, what is repeated, new entries, nodes now and then, and its head again."""
MOST_VALUES = 60


@pytest.fixture
def reads(postgres_url: str, tmp_path: Path) -> Iterator[Reads]:
    """Eight referrals on PostgreSQL, and nothing remembered."""
    world = make_world(postgres_url, tmp_path)
    world.refer([referral(n) for n in range(1, 9)])
    made = Reads(world)
    yield made
    made.together._disconnect()  # its own thread, which would, was not asked
    world.bridge.engine.dispose()


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Each statement that goes to PostgreSQL, with what is bound."""
    said: list[tuple[str, Any]] = []
    run, run_many = Cursor.execute, Cursor.executemany

    def execute(self: Cursor[Any], query: Any, params: Any = None, **more: Any) -> Cursor[Any]:  # noqa: ANN401 - the driver's
        said.append((str(query), params or ()))
        return run(self, query, params, **more)

    def execute_many(self: Cursor[Any], query: Any, rows: Any, **more: Any) -> None:  # noqa: ANN401 - the driver's
        rows = list(rows)
        said.extend((str(query), row) for row in rows)
        run_many(self, query, rows, **more)

    monkeypatch.setattr(Cursor, "execute", execute)
    monkeypatch.setattr(Cursor, "executemany", execute_many)
    return said


def answered(reads: Reads, token: str, queries: Sequence[Query]) -> list[Released]:
    """Return the answers to searches that are answered in one batch."""
    batch = [
        Asked(token, q.type, "", f"{n:08x}", lambda _: None, None, lambda _, q=q: (q, ("patient",)))  # type: ignore[misc] # a default is known
        for n, q in enumerate(queries)
    ]
    reads.together._answer(batch)
    for each in batch:
        assert isinstance(each.found, Released), each.error
    return [each.found for each in batch if isinstance(each.found, Released)]


def test_what_searches_share_is_asked_for_once_a_batch(
    reads: Reads, ways: list[tuple[str, Any]]
) -> None:
    pages = [Query("Task", limit=n, matches=WAITING) for n in range(1, 9)]
    token = reads.world.web().token
    for _ in range(2):  # remembered alone, then answered together
        first = answered(reads, token, pages)
    ways.clear()
    again = answered(reads, token, pages)
    assert [each.matches for each in again] == [each.matches for each in first]
    assert [len(each.matches) for each in again] == list(range(1, 9))
    assert len(pages) < len(ways) <= len(pages) + SHARED_WAYS
    assert max(len(values) for _, values in ways) <= MOST_VALUES


def test_new_rows_go_together(reads: Reads, ways: list[tuple[str, Any]]) -> None:
    reads.world.refer([referral(n) for n in range(11, 13)])
    few = [said for said, _ in ways if said.startswith("INSERT INTO search_")]
    ways.clear()
    reads.world.refer([referral(n) for n in range(13, 15)])
    more = [said for said, _ in ways if said.startswith("INSERT INTO search_")]
    with write(reads.world.bridge.engine) as connection:
        rows = connection.execute(text("SELECT count(*) FROM search_value")).scalar_one()
    assert 0 < len(more) <= len(few) <= 8
    assert rows > 100


@pytest.mark.parametrize(
    "holding",
    [
        "SELECT last FROM change_counter FOR UPDATE",  # a change of a record under way
        "UPDATE identity_client SET purposes = purposes",  # a change of who may act
    ],
)
def test_what_was_changed_while_a_batch_waited_is_seen_by_it(reads: Reads, holding: str) -> None:
    engine, found = reads.world.bridge.engine, list[tuple[int, dict[str, int]]]()

    def wait() -> None:
        with write(engine) as connection:
            found.append(opened(connection, searches=True))

    with write(engine) as connection:
        waiter = Thread(target=wait)
        connection.exec_driver_sql(holding)
        waiter.start()
        _await_a_waiter(engine)
        connection.exec_driver_sql("UPDATE state_version SET value = value + 7")
        connection.exec_driver_sql("UPDATE identity_client SET purposes = purposes")
        assert not found
    waiter.join(20)
    with write(engine) as connection:
        assert found == [(locked_version_of(connection), state_versions(connection))]


def _await_a_waiter(engine: Engine) -> None:
    """Return once somebody waits for a lock."""
    until = monotonic() + 20
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with engine.connect() as connection:
        while connection.exec_driver_sql(waiting).scalar_one() == 0:
            assert monotonic() < until, "nobody waited"
