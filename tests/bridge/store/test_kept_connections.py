"""Writing again and again on a connection that one thread keeps, on either database."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from bridge.driver import cursor_of
from bridge.store.database.engine import kept_connection, read, write, write_on

ADDED = "INSERT INTO kept VALUES (1)"
LATER = "REFERENCES kept (n) DEFERRABLE INITIALLY DEFERRED"


def by_the_driver(connection: Connection) -> None:
    with cursor_of(connection) as cursor:
        cursor.execute(ADDED)


def by_the_toolkit(connection: Connection) -> None:
    connection.execute(text(ADDED))


def within_a_savepoint(connection: Connection) -> None:
    with connection.begin_nested():
        by_the_driver(connection)


WAYS = [by_the_driver, by_the_toolkit, within_a_savepoint]
Way = Callable[[Connection], None]


@pytest.fixture
def kept(engine: Engine) -> Iterator[Connection]:
    with write(engine) as connection:
        connection.execute(text("CREATE TABLE kept (n INTEGER UNIQUE)"))
        connection.execute(text(f"CREATE TABLE child (n INTEGER {LATER})"))
    with kept_connection(engine) as connection:
        yield connection


def count(engine: Engine) -> int:
    with read(engine) as connection:
        return int(connection.execute(text("SELECT count(*) FROM kept")).scalar_one())


@pytest.mark.parametrize("way", WAYS)
def test_what_was_written_is_kept(engine: Engine, kept: Connection, way: Way) -> None:
    with write_on(kept):
        way(kept)
    assert count(engine) == 1


@pytest.mark.parametrize("way", WAYS)
def test_what_fails_is_undone_and_the_next_begins_anew(
    engine: Engine, kept: Connection, way: Way
) -> None:
    with pytest.raises(LookupError), write_on(kept):
        fails_after(kept, way)
    assert count(engine) == 0
    with write_on(kept):
        way(kept)
    assert count(engine) == 1


def fails_after(kept: Connection, way: Way) -> None:
    way(kept)
    raise LookupError


@pytest.mark.parametrize("way", WAYS)
def test_what_the_database_refuses_is_undone(engine: Engine, kept: Connection, way: Way) -> None:
    with pytest.raises(DBAPIError), write_on(kept):
        twice(kept, way)
    with write_on(kept):
        way(kept)
    assert count(engine) == 1


def twice(kept: Connection, way: Way) -> None:
    way(kept)
    way(kept)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_told_as_kept_where_the_commit_fails(
    engine: Engine, kept: Connection, way: Way
) -> None:
    with pytest.raises(DBAPIError), write_on(kept):
        commits_badly(kept, way)
    assert count(engine) == 0
    with write_on(kept):
        way(kept)
    assert count(engine) == 1


def commits_badly(kept: Connection, way: Way) -> None:
    way(kept)
    with cursor_of(kept) as cursor:  # is looked at when all is committed
        cursor.execute("INSERT INTO child VALUES (7)")
