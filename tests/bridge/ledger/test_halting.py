"""A log that is not what others know it to be lets nothing leave."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, insert, text, update
from sqlalchemy.exc import DBAPIError

from bridge.clock import FixedClock
from bridge.ledger.append import append, head
from bridge.ledger.check import verify_log
from bridge.ledger.entry import Entry, Kind
from bridge.ledger.errors import LedgerHalted, UnknownEntry
from bridge.ledger.halting import KnownHead, compare, halt_all, halted_logs, resume
from bridge.ledger.lookup import entries
from bridge.ledger.tables import ENTRY, HEAD
from bridge.store.database.engine import read, write

CLOCK = FixedClock(datetime(2026, 9, 1, tzinfo=UTC))
LOG = "mou-1"


def grow(engine: Engine, count: int, kind: Kind = Kind.RELEASE) -> KnownHead:
    """Add entries; returns the head."""
    with write(engine) as connection:
        append(connection, [Entry(LOG, kind, request="r")] * count, CLOCK)
        return KnownHead(head(connection, LOG).size, head(connection, LOG).root)


def compare_with(engine: Engine, known: KnownHead) -> list[int | None]:
    with write(engine) as connection:
        compare(connection, {LOG: known})
        return [halted.known_size for halted in halted_logs(connection)]


def a_longer_one(engine: Engine) -> KnownHead:
    return KnownHead(grow(engine, 3).size + 2, b"\1" * 32)


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 300])
def test_a_log_that_begins_with_a_known_head_is_not_halted(engine: Engine, size: int) -> None:
    known = grow(engine, size)
    grow(engine, 7)
    assert compare_with(engine, known) == []
    grow(engine, 1)


def test_a_log_that_is_shorter_than_a_known_head_lets_nothing_leave(engine: Engine) -> None:
    known = a_longer_one(engine)
    assert compare_with(engine, known) == [known.size]
    for kind in (Kind.RELEASE, Kind.ACCOUNT):
        with pytest.raises(LedgerHalted, match="nothing was released"):
            grow(engine, 1, kind)


def test_a_log_of_other_entries_lets_nothing_leave_however_long_it_is(engine: Engine) -> None:
    grow(engine, 9)
    assert compare_with(engine, KnownHead(5, b"\1" * 32)) == [5]
    with pytest.raises(LedgerHalted):
        grow(engine, 1)


def test_a_log_the_copy_knows_nothing_of_is_halted_as_well(engine: Engine) -> None:
    assert compare_with(engine, KnownHead(5, b"\1" * 32)) == [5]
    with pytest.raises(LedgerHalted):
        grow(engine, 1)


def test_a_halted_log_takes_what_only_takes_away(engine: Engine) -> None:
    compare_with(engine, a_longer_one(engine))
    for kind in (Kind.REVOCATION, Kind.AGREEMENT, Kind.DENY, Kind.RECALL):
        grow(engine, 1, kind)
    with read(engine) as connection:
        assert head(connection, LOG).size == 7


@pytest.mark.parametrize("kind", ["release", "account"])
def test_the_database_refuses_an_entry_of_a_halted_log_whoever_writes_it(
    engine: Engine, kind: str
) -> None:
    compare_with(engine, a_longer_one(engine))
    row = {"log": LOG, "position": 3, "recorded_at": CLOCK.now(), "kind": kind, "request": "r"}
    with pytest.raises(DBAPIError, match="halted"), write(engine) as connection:
        connection.execute(insert(ENTRY), {**row, "leaf": b"\0" * 32})


# On PostgreSQL what refuses is there for good.
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def refusing(engine: Engine) -> int:
    query = "SELECT count(*) FROM sqlite_master WHERE name = 'ledger_entry_halted'"
    with read(engine) as connection:
        return int(connection.scalar(text(query)) or 0)


@on_sqlite
def test_what_refuses_stands_on_sqlite_from_the_first_halted_log_to_the_last(
    engine: Engine,
) -> None:
    known = grow(engine, 4)
    assert refusing(engine) == 0
    with write(engine) as connection:
        halt_all(connection, [LOG, "mou-2"])
    assert refusing(engine) == 1
    assert compare_with(engine, known) == [None]  # the other is halted still
    assert refusing(engine) == 1
    with write(engine) as connection:
        resume(connection, "mou-2", "r.alvarez", CLOCK)
    assert refusing(engine) == 0
    grow(engine, 1)


@on_sqlite
def test_no_log_is_halted_on_sqlite_without_what_refuses_its_entries(engine: Engine) -> None:
    grow(engine, 1)
    size = {"log": "mou-2", "size": 0, "peaks": b"", "root": b"\0" * 32, "halted": True}
    for statement in (update(HEAD).values(halted=True), insert(HEAD).values(size)):
        with pytest.raises(DBAPIError, match="ledger_entry_halted"), write(engine) as connection:
            connection.execute(statement)
    grow(engine, 1)


@on_sqlite
def test_a_halt_that_is_undone_leaves_nothing_that_refuses(engine: Engine) -> None:
    grow(engine, 1)
    with suppress(ZeroDivisionError), write(engine) as connection:
        halt_all(connection, [])
        raise ZeroDivisionError
    assert refusing(engine) == 0
    grow(engine, 1)


def test_a_log_that_grew_while_it_was_halted_is_halted_still(engine: Engine) -> None:
    known = a_longer_one(engine)
    compare_with(engine, known)
    grow(engine, 5, Kind.REVOCATION)  # longer than what is known by now, and another
    assert compare_with(engine, known) == [known.size]
    assert compare_with(engine, KnownHead(1, b"\2" * 32)) == [known.size]


def test_a_log_that_is_what_it_was_is_let_go_by_itself(engine: Engine) -> None:
    known = grow(engine, 4)
    with write(engine) as connection:
        halt_all(connection, [])
    with pytest.raises(LedgerHalted):
        grow(engine, 1)
    assert compare_with(engine, known) == []
    grow(engine, 1)


def test_a_head_older_than_a_copy_put_in_place_says_nothing_of_what_came_after(
    engine: Engine,
) -> None:
    older = grow(engine, 4)
    grow(engine, 1)
    with write(engine) as connection:
        halt_all(connection, [])
    assert compare_with(engine, older) == [None]
    with pytest.raises(LedgerHalted):
        grow(engine, 1)


def test_logs_that_have_no_entry_yet_are_halted_with_the_rest(engine: Engine) -> None:
    with write(engine) as connection:
        halt_all(connection, [LOG])
    with pytest.raises(LedgerHalted):
        grow(engine, 1)


def test_a_halted_log_goes_on_by_a_decision_that_stands_in_it(engine: Engine) -> None:
    compare_with(engine, a_longer_one(engine))
    with write(engine) as connection:
        receipt = resume(connection, LOG, "r.alvarez", CLOCK)
    grow(engine, 1)
    with read(engine) as connection:
        said = list(entries(connection, LOG))[receipt.index].entry
        assert verify_log(connection, LOG).sound
        assert halted_logs(connection) == []
    assert (said.kind, said.request) == (Kind.RESUMED, "r.alvarez: 2 entries are lost")


def test_what_is_not_halted_cannot_be_resumed(engine: Engine) -> None:
    grow(engine, 1)
    with pytest.raises(UnknownEntry), write(engine) as connection:
        resume(connection, LOG, "r.alvarez", CLOCK)
