"""Rows that are written many at a time are those that were given, whatever stands in them."""

import random
from datetime import UTC, datetime, timedelta

from bridge.driver import cursor_of, read_instant, spelled_for, stored_instant
from bridge.ledger.tables import ENTRY, NODE
from bridge.new_rows import NewRows
from bridge.store.database.engine import write
from bridge.store.search.indexing import VALUES
from tests.support.worlds import World

LETTERS = "aZ0-.\"\\{},;'% \n\té€\U0001f600"
WORDS = ("", "NULL", "null", "{}", "\\x00", '"', "\\")
NAMES = ("log", "position", "recorded_at", "kind", "request", "subject", "body", "salt", "leaf")


def test_entries_of_any_content_are_read_back(world: World) -> None:
    draw = random.Random(3)  # noqa: S311 - nothing secret
    at = datetime(2026, 11, 27, 8, 30, 1, 999_999, tzinfo=UTC)

    def said() -> str:
        return "".join(draw.choices(LETTERS, k=draw.randrange(8)))

    rows = []
    for n in range(4500):  # more than go at once
        subject = draw.choice((None, *WORDS, said()))
        body = draw.choice((None, draw.randbytes(draw.randrange(20))))
        when = at + timedelta(microseconds=n)
        rows.append(("odd", n, when, "note", said(), subject, body, None, draw.randbytes(32)))
    with write(world.bridge.engine) as connection, cursor_of(connection) as cursor:
        dialect = connection.dialect.name
        given = [(*r[:2], stored_instant(dialect, r[2]), *r[3:]) for r in rows]
        NewRows(ENTRY, *NAMES).write(cursor, dialect, given)
        NewRows(NODE, "log", "level", "position", "hash").write(cursor, dialect, [])
        sql = f"SELECT {', '.join(NAMES)} FROM ledger_entry WHERE log = ? ORDER BY position"  # noqa: S608 - names of ours
        found = cursor.execute(spelled_for(dialect, sql), ("odd",)).fetchall()
    assert [(*row[:2], read_instant(row[2]), *row[3:]) for row in found] == rows


def test_numbers_and_what_is_missing_are_read_back(world: World) -> None:
    columns = ("change", "type", "id", "param", "system", "value", "agreement_id", "starts")
    rows = [(9_000_000 + n, "Task", f"t{n}", "code", "", "v", "a", [None, 1][n % 2])
            for n in range(5)]  # fmt: skip
    with write(world.bridge.engine) as connection, cursor_of(connection) as cursor:
        NewRows(VALUES, *columns).write(cursor, connection.dialect.name, rows)
        sql = f"SELECT {', '.join(columns)} FROM search_value WHERE change >= 9000000"  # noqa: S608 - names of ours
        found = cursor.execute(f"{sql} ORDER BY change").fetchall()
    assert [tuple(row) for row in found] == rows
