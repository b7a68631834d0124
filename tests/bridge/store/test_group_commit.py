"""Threads that share one wait for the disk: who is told what, and what a failure undoes."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError

from bridge.store.database.engine import open_engine, read, write
from bridge.store.database.group_commit import MOST_UNITS, NotAcknowledged, commit_together


@pytest.fixture
def table(engine: Engine) -> Engine:
    with write(engine) as connection:
        connection.execute(text("CREATE TABLE kept (n INTEGER PRIMARY KEY, filler TEXT)"))
    return engine


@pytest.fixture
def lite_table(sqlite_url: str) -> Iterator[Engine]:
    engine = open_engine(sqlite_url)
    with write(engine) as connection:
        connection.execute(text("CREATE TABLE kept (n INTEGER PRIMARY KEY, filler TEXT)"))
    yield engine
    engine.dispose()


def keep(n: int, filler: str = "") -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        row = {"n": n, "filler": filler}
        connection.execute(text("INSERT INTO kept VALUES (:n, :filler)"), row)
        return n

    return work


def keep_and_fail(n: int) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        keep(n)(connection)
        raise LookupError(str(n))

    return work


def kept(engine: Engine) -> list[int]:
    with read(engine) as connection:
        return list(connection.scalars(text("SELECT n FROM kept ORDER BY n")))


def tried(engine: Engine, work: Callable[[Connection], int]) -> int | Exception:
    try:
        return commit_together(engine, work)
    except Exception as error:  # noqa: BLE001 - what came of it is compared
        return error


def all_at_once(engine: Engine, works: list[Callable[[Connection], int]]) -> list[int | Exception]:
    """Run units in threads of their own that all come while somebody else writes."""
    with ThreadPoolExecutor(len(works)) as pool:
        with write(engine):
            futures = []
            for work in works:
                futures.append(pool.submit(tried, engine, work))
                time.sleep(0.01)
        return [future.result(timeout=20) for future in futures]


def commits_of(engine: Engine) -> list[int]:
    counted: list[int] = []
    event.listen(engine, "commit", lambda _: counted.append(1))
    return counted


def test_a_unit_returns_what_it_worked_out_and_is_kept(table: Engine) -> None:
    assert commit_together(table, keep(7)) == 7
    assert kept(table) == [7]


def test_an_exception_reaches_its_own_thread_and_undoes_its_unit_alone(table: Engine) -> None:
    works = [keep_and_fail(n) if n % 3 == 0 else keep(n) for n in range(9)]
    came = all_at_once(table, works)
    assert [str(c) for c in came] == [str(n) for n in range(9)]
    assert [isinstance(c, LookupError) for c in came] == [n % 3 == 0 for n in range(9)]
    assert kept(table) == [1, 2, 4, 5, 7, 8]


def test_an_error_of_the_database_undoes_its_unit_alone(table: Engine) -> None:
    commit_together(table, keep(3))
    came = all_at_once(table, [keep(n) for n in (1, 3, 2)])
    assert came[0] == 1
    assert isinstance(came[1], DBAPIError)
    assert came[2] == 2
    assert kept(table) == [1, 2, 3]


def test_threads_that_wait_at_the_same_moment_share_one_commit(lite_table: Engine) -> None:
    counted = commits_of(lite_table)
    all_at_once(lite_table, [keep(n) for n in range(20)])
    # The writer they waited for; then the first of them with the 19 that had come by then.
    assert len(counted) == 2
    assert kept(lite_table) == list(range(20))


def test_nobody_is_told_before_the_commit_returned(lite_table: Engine) -> None:
    told: list[int] = []
    at_commit: list[int] = []
    event.listen(lite_table, "commit", lambda _: at_commit.append(len(told)))

    def ask(n: int) -> None:
        commit_together(lite_table, keep(n))
        told.append(n)

    with ThreadPoolExecutor(8) as pool:
        with write(lite_table):
            futures = [pool.submit(ask, n) for n in range(8)]
            time.sleep(0.1)
        for future in futures:
            future.result()
    assert at_commit == [0, 0]
    assert sorted(told) == list(range(8))


def test_if_the_commit_fails_nobody_is_acknowledged_and_nothing_is_kept(
    lite_table: Engine,
) -> None:
    with write(lite_table) as connection:
        connection.execute(text("CREATE TABLE parent (n INTEGER PRIMARY KEY)"))
        connection.execute(
            text(
                "CREATE TABLE child (n INTEGER REFERENCES parent (n) DEFERRABLE INITIALLY DEFERRED)"
            )
        )

    def orphan(connection: Connection) -> int:
        connection.execute(text("INSERT INTO child VALUES (1)"))
        return 0

    came = all_at_once(lite_table, [keep(1), orphan, keep(2)])
    assert all(isinstance(c, NotAcknowledged) for c in came)
    assert kept(lite_table) == []
    assert commit_together(lite_table, keep(3)) == 3  # and the next ones are not hindered


def test_a_full_disk_in_one_unit_acknowledges_nobody_it_undid(lite_table: Engine) -> None:
    def fill(connection: Connection) -> int:
        # SQLite undoes the whole transaction when the file cannot grow.
        connection.exec_driver_sql("PRAGMA max_page_count = 8")
        for n in range(100, 200):
            keep(n, "x" * 4000)(connection)
        return 0

    came = all_at_once(lite_table, [keep(1), fill, keep(2)])
    for n, outcome in ((1, came[0]), (2, came[2])):
        assert isinstance(outcome, NotAcknowledged) or (outcome == n and n in kept(lite_table))
    assert isinstance(came[0], NotAcknowledged)
    assert isinstance(came[1], Exception)
    assert not [n for n in kept(lite_table) if n >= 100]


def test_a_unit_that_commits_by_itself_is_an_error_and_spoils_the_group(
    lite_table: Engine,
) -> None:
    def commit(connection: Connection) -> int:
        keep(5)(connection)
        connection.exec_driver_sql("COMMIT")
        return 5

    came = all_at_once(lite_table, [keep(1), commit])
    assert all(isinstance(c, Exception) for c in came)
    assert commit_together(lite_table, keep(9)) == 9


def test_a_writer_of_its_own_gets_its_turn_among_units_in_the_order_it_came(
    lite_table: Engine,
) -> None:
    order: list[str] = []

    def named(name: str) -> Callable[[Connection], int]:
        def work(_connection: Connection) -> int:
            order.append(name)
            return 0

        return work

    def alone() -> None:
        with write(lite_table):
            order.append("alone")

    threads = [
        threading.Thread(target=commit_together, args=(lite_table, named("one"))),
        threading.Thread(target=commit_together, args=(lite_table, named("two"))),
        threading.Thread(target=alone),
        threading.Thread(target=commit_together, args=(lite_table, named("three"))),
    ]
    with write(lite_table):
        for thread in threads:
            thread.start()
            time.sleep(0.02)
    for thread in threads:
        thread.join()
    assert order == ["one", "two", "alone", "three"]


def test_the_first_of_a_group_is_not_kept_waiting_without_end(lite_table: Engine) -> None:
    units = MOST_UNITS + 8
    counted = commits_of(lite_table)
    all_at_once(lite_table, [keep(n) for n in range(units)])
    assert len(counted) >= 3
    assert kept(lite_table) == list(range(units))


def test_a_unit_inside_a_write_is_an_error_and_not_a_standstill(lite_table: Engine) -> None:
    with pytest.raises(RuntimeError, match="write"), write(lite_table):
        commit_together(lite_table, keep(1))
    with pytest.raises(RuntimeError, match="write"):
        commit_together(lite_table, lambda _: commit_together(lite_table, keep(1)))
    assert commit_together(lite_table, keep(2)) == 2


def test_a_unit_may_open_savepoints_of_its_own(table: Engine) -> None:
    def work(connection: Connection) -> int:
        keep(1)(connection)
        with pytest.raises(LookupError), connection.begin_nested():
            keep_and_fail(2)(connection)
        return 0

    all_at_once(table, [keep(0), work])
    assert kept(table) == [0, 1]


REQUEST: ContextVar[str] = ContextVar("REQUEST", default="nobody")


def test_a_unit_sees_the_context_of_the_thread_it_came_from(table: Engine) -> None:
    def ask(name: str) -> str:
        REQUEST.set(name)
        return commit_together(table, lambda _: REQUEST.get())

    names = [f"request-{n}" for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        with write(table):
            futures = [pool.submit(ask, name) for name in names]
            time.sleep(0.05)
        assert [future.result() for future in futures] == names


def test_many_threads_lose_no_update(table: Engine) -> None:
    with write(table) as connection:
        connection.execute(text("INSERT INTO kept VALUES (1000, '0')"))

    def add(connection: Connection) -> None:
        query = text("SELECT filler FROM kept WHERE n = 1000 FOR UPDATE")
        if table.dialect.name == "sqlite":
            query = text("SELECT filler FROM kept WHERE n = 1000")
        n = int(connection.execute(query).scalar_one())
        connection.execute(text("UPDATE kept SET filler = :n WHERE n = 1000"), {"n": str(n + 1)})

    def adds() -> None:
        for _ in range(25):
            commit_together(table, add)

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(adds) for _ in range(8)]:
            future.result()
    with read(table) as connection:
        assert connection.execute(text("SELECT filler FROM kept")).scalar_one() == "200"
