"""A log that is halted when the database is upgraded is halted afterwards, and goes on after."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.exc import DBAPIError

from bridge.clock import FixedClock
from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind
from bridge.ledger.halting import resume
from bridge.ledger.tables import ENTRY
from bridge.migrations.upgrade import upgrade
from bridge.store.database.engine import open_engine, write

CLOCK = FixedClock(datetime(2026, 9, 1, tzinfo=UTC))
LOG = "mou-1"


@pytest.fixture
def older(database_url: str) -> Iterator[Engine]:
    """A database of r0033 with an entry in a log."""
    engine = open_engine(database_url)
    upgrade(engine, to="r0033")
    release(engine)
    yield engine
    engine.dispose()


def release(engine: Engine) -> None:
    with write(engine) as connection:
        append(connection, [Entry(LOG, Kind.RELEASE, request="r")], CLOCK)


def halt(engine: Engine) -> None:
    """As r0033 did."""
    with write(engine) as connection:
        connection.execute(text("UPDATE ledger_head SET halted = TRUE"))


def test_what_was_halted_refuses_entries_after_the_upgrade_until_it_goes_on(older: Engine) -> None:
    halt(older)
    upgrade(older)
    row = {"log": LOG, "position": 1, "recorded_at": CLOCK.now(), "kind": "again", "request": "r"}
    with pytest.raises(DBAPIError, match="the log is halted"), write(older) as connection:
        connection.execute(insert(ENTRY), {**row, "leaf": b"\0" * 32})
    with write(older) as connection:
        resume(connection, LOG, "r.alvarez", CLOCK)
    release(older)


def test_what_was_not_halted_goes_on_after_the_upgrade(older: Engine) -> None:
    upgrade(older)
    release(older)
    if older.dialect.name == "sqlite":
        with pytest.raises(DBAPIError, match="ledger_entry_halted"):
            halt(older)
