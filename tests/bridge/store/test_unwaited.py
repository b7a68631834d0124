"""What may be lost with the power does not wait for the disk; everything else does."""

import pytest
from sqlalchemy import Connection, Engine, text

from bridge.store.database.engine import open_engine, write
from bridge.store.database.unwaited import write_unwaited


@pytest.fixture
def engine(database_url: str) -> Engine:
    return open_engine(database_url)


def waits(connection: Connection) -> object:
    asked = {"sqlite": "PRAGMA synchronous", "postgresql": "SHOW synchronous_commit"}
    return connection.execute(text(asked[connection.dialect.name])).scalar_one()


def test_it_is_not_waited_for_and_whatever_comes_after_is(engine: Engine) -> None:
    with write(engine) as connection:
        before = waits(connection)
        connection.execute(text("CREATE TABLE seen (at INTEGER)"))
    with write_unwaited(engine) as connection:
        assert waits(connection) in (1, "off")
        connection.execute(text("INSERT INTO seen VALUES (1)"))

    with write(engine) as connection:
        assert waits(connection) == before
        assert before in (2, "on")
        assert connection.execute(text("SELECT count(*) FROM seen")).scalar_one() == 1
    engine.dispose()


def test_a_connection_waits_again_after_a_failure_too(engine: Engine) -> None:
    def fails() -> None:
        with write_unwaited(engine) as connection:
            connection.execute(text("CREATE TABLE seen (at INTEGER)"))
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    with write(engine) as connection:
        assert waits(connection) in (2, "on")
        connection.execute(text("CREATE TABLE seen (at INTEGER)"))  # it was undone
    engine.dispose()
