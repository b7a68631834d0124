"""The rows of the ledger are the same after the upgrade that keeps them in blocks."""

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine, text

from bridge.clock import FixedClock
from bridge.ledger.append import append, erase
from bridge.ledger.blocks import rows_of
from bridge.ledger.check import verify_log
from bridge.ledger.entry import Entry, Kind, Resource
from bridge.ledger.listing import ListedRows
from bridge.ledger.lookup import about
from bridge.ledger.verifier import row_digest, rows_digest
from bridge.migrations.upgrade import upgrade
from bridge.store.database.engine import open_engine, read, write
from tests.bridge.ledger.conftest import EntryMaker, clock, make_entry

__all__ = ["clock", "make_entry"]
LOG = "mou-1"
PERSONS = [f"p{n * 7 % 13}" for n in range(40)]
_NEW = text(
    "INSERT INTO ledger_row (log, position, nth, subject, body, salt, digest)"
    " VALUES (:log, :position, :nth, :subject, :body, :salt, :digest)"
)


def listed_before(connection: Connection, entry: Entry, clock: FixedClock) -> list[bytes]:
    """Add an entry of several releases as r0030 did, one of them erased; returns the digests."""
    rows, salts = ListedRows(), [secrets.token_bytes(16) for _ in PERSONS]
    for n, person in enumerate(PERSONS):
        rows.add(person, f"row-{n}", f"digest-{n}", ("form",))
    digests = [row_digest(*each) for each in zip(salts, rows.bodies, strict=True)]
    of = Resource("Encounter", "", rows_digest(digests))
    whole = replace(entry, kind=Kind.RELEASES, subject=None, resource=of)
    (receipt,) = append(connection, [whole], clock)
    place = {"log": LOG, "position": receipt.index}
    for n, (person, body, salt) in enumerate(zip(PERSONS, rows.bodies, salts, strict=True)):
        gone = {"subject": None, "body": None, "salt": None, "digest": digests[n]}
        said = {"subject": person, "body": body, "salt": salt, "digest": None}
        connection.execute(_NEW, place | {"nth": n} | (gone if person == "p5" else said))
    return digests


@pytest.fixture
def older(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    upgrade(engine, to="r0030")
    yield engine
    engine.dispose()


def test_rows_are_moved_as_they_are(
    older: Engine, clock: FixedClock, make_entry: EntryMaker
) -> None:
    with write(older) as connection:
        digests = [listed_before(connection, make_entry(), clock) for _ in range(2)]
        append(connection, [Entry(LOG, Kind.ERASURE, subject="p5", refers=(0, 1))], clock)
        connection.execute(text("UPDATE ledger_head SET last_erasure = 2"))
    upgrade(older)
    with read(older) as connection:
        for position, expected in enumerate(digests):
            assert [row.digest for row in rows_of(connection, LOG, position)] == expected
        assert verify_log(connection, LOG).sound
        for person in sorted(set(PERSONS)):
            whose = [n for n, each in enumerate(PERSONS) if each == person != "p5"]
            found = [(each.index, each.row) for each in about(connection, person)]
            expected_rows = [(position, n) for position in range(2) for n in whose]
            assert [each for each in found if each[1] is not None] == expected_rows
    with write(older) as connection:
        erase(connection, Entry(LOG, Kind.ERASURE, subject="p7", refers=(0, 1)), clock)
        assert verify_log(connection, LOG).sound
