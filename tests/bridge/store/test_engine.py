import contextlib
import threading
import time

import pysqlite3.dbapi2
import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

from bridge.store.database.engine import (
    DatabaseRefused,
    has_wal_reset_bug,
    open_engine,
    read,
    unflushed,
    write,
)


def make_counter(engine: Engine) -> None:
    with write(engine) as connection:
        connection.execute(text("CREATE TABLE counter (n INTEGER NOT NULL)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))


def count(engine: Engine) -> int:
    with read(engine) as connection:
        return int(connection.execute(text("SELECT n FROM counter")).scalar_one())


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", 2),
        ("foreign_keys", 1),
        ("secure_delete", 1),
        ("busy_timeout", 10_000),
    ],
)
def test_sqlite_is_opened_so_that_acknowledged_means_on_disk(
    sqlite_url: str, pragma: str, value: object
) -> None:
    engine = open_engine(sqlite_url)
    with read(engine) as connection:
        assert connection.execute(text(f"PRAGMA {pragma}")).scalar_one() == value
    engine.dispose()


def test_postgresql_commits_are_on_disk_when_acknowledged(postgres_url: str) -> None:
    engine = open_engine(postgres_url)
    with read(engine) as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
    engine.dispose()


def test_postgresql_compiles_no_statement(postgres_url: str) -> None:
    """Where it was built to: as most distributions build it, and as no test here has it."""
    engine = open_engine(postgres_url)
    for opened in (engine, unflushed(engine)):
        with opened.connect() as connection:
            assert connection.execute(text("SHOW jit")).scalar_one() == "off"
        opened.dispose()


def test_a_reading_transaction_cannot_write(engine: Engine) -> None:
    make_counter(engine)
    with pytest.raises(DBAPIError), read(engine) as connection:
        connection.execute(text("UPDATE counter SET n = 1"))
    assert count(engine) == 0


def test_a_connection_that_has_read_can_write_afterwards(engine: Engine) -> None:
    make_counter(engine)
    assert count(engine) == 0
    with write(engine) as connection:
        connection.execute(text("UPDATE counter SET n = 1"))
    assert count(engine) == 1


def test_an_exception_rolls_the_writing_transaction_back(engine: Engine) -> None:
    make_counter(engine)
    with contextlib.suppress(LookupError), write(engine) as connection:
        connection.execute(text("UPDATE counter SET n = 1"))
        raise LookupError
    assert count(engine) == 0


def test_concurrent_read_then_write_loses_no_update_on_sqlite(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    make_counter(engine)

    def add() -> None:
        for _ in range(25):
            with write(engine) as connection:
                n = connection.execute(text("SELECT n FROM counter")).scalar_one()
                connection.execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(engine) == 100
    engine.dispose()


def test_writers_get_their_turn_in_the_order_they_came(sqlite_url: str) -> None:
    first, second = open_engine(sqlite_url), open_engine(sqlite_url)
    order: list[int] = []

    def take(engine: Engine, name: int) -> None:
        with write(engine):
            order.append(name)

    threads = [threading.Thread(target=take, args=((first, second)[n % 2], n)) for n in range(6)]
    with write(first):
        for thread in threads:
            thread.start()
            time.sleep(0.02)
        assert order == []
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4, 5]
    first.dispose()
    second.dispose()


def test_a_writer_holds_the_file_from_its_first_moment(sqlite_url: str) -> None:
    # Another process has no place in our queue: only the lock on the file keeps it out.
    engine = open_engine(sqlite_url)
    make_counter(engine)
    other = pysqlite3.dbapi2.connect(engine.url.database, timeout=0, isolation_level=None)
    with write(engine), pytest.raises(pysqlite3.dbapi2.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()
    engine.dispose()


def test_a_write_inside_a_write_is_an_error_and_not_a_standstill(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    with write(engine), pytest.raises(RuntimeError, match="write"), write(engine):
        pass
    make_counter(engine)  # the turn was given back
    engine.dispose()


def test_an_exception_does_not_carry_the_values_of_the_statement(engine: Engine) -> None:
    with pytest.raises(DBAPIError) as caught, write(engine) as connection:
        connection.execute(text("SELECT * FROM nowhere WHERE name = :name"), {"name": "Zebulon"})
    assert "Zebulon" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://h/d"])
def test_a_database_that_cannot_keep_a_promise_is_refused(url: str) -> None:
    with pytest.raises(DatabaseRefused):
        open_engine(url)


@pytest.mark.parametrize(
    ("version", "bug"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 4), False),
    ],
)
def test_the_range_of_sqlite_that_can_corrupt_its_log_is_known(
    version: tuple[int, ...], bug: bool
) -> None:
    assert has_wal_reset_bug(version) is bug


def test_who_listens_to_an_engine_hears_of_its_readers_too(sqlite_url: str) -> None:
    opened = open_engine(sqlite_url)
    taken: list[str] = []
    opened.dispose()
    event.listen(opened, "checkout", lambda *_: taken.append("a connection"))
    event.listen(opened, "before_cursor_execute", lambda *told: taken.append(told[2]))

    with read(opened) as connection:
        connection.exec_driver_sql("SELECT 1")

    assert taken == ["a connection", "SELECT 1"]
    opened.dispose()


def test_a_reader_stays_one_when_its_connection_is_used_again(sqlite_url: str) -> None:
    opened = open_engine(sqlite_url)
    for _ in range(3):
        with write(opened) as connection:
            connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS kept (id)")
        with pytest.raises(DBAPIError), read(opened) as connection:
            connection.exec_driver_sql("INSERT INTO kept VALUES (1)")
    opened.dispose()


def test_the_driver_binds_bytes_and_nothing_as_they_are_without_a_search(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    for value, kind in ((b"\0\xff", "blob"), (b"", "blob"), (None, "null")):
        assert pysqlite3.dbapi2.adapt(value) is value  # an error where nothing is known to do it
        with read(engine) as connection:
            asked = connection.exec_driver_sql("SELECT ?, typeof(?)", (value, value))
            assert asked.one() == (value, kind)
    engine.dispose()
