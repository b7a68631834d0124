"""Erasing a student: every row of every table that is about the student, all or nothing.

INVARIANT: a table with a column ``student_id`` is erased from because it has one; nobody has to
think of it. A table that names a student or a referral in another way stands in :data:`BY_RECORD`
or, with the reason, in :data:`KEPT`.

SQLite overwrites what is deleted (``secure_delete``), and its log is emptied then
(:func:`clear_log`). Copies made before still hold it, and so does PostgreSQL's log.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from sqlalchemy import Connection, Delete, Engine, Table, bindparam, delete, func, select

from bridge.store.facts.conditions import RECORD, STUDENT
from bridge.store.referrals import CLOSED

# Rows of a record: the columns that hold its type and its id, and where they are kept by it the
# number of its last change.
BY_RECORD: Final[Mapping[str, tuple[str, ...]]] = {
    "record_version": ("type", "id"),
    "search_date": ("type", "id", "change"),
    "search_value": ("type", "id", "change"),
    "view_change": ("type", "id"),
    "unanswered_request": ("kind", "record_id"),
}
KEPT: Final[Mapping[str, str]] = {
    "ledger_entry": "who was given what, by a pseudonym (34 CFR 99.32, 45 CFR 164.528)",
    "ledger_block": "as ledger_entry",
    "notification_event": "an opaque id, until the subscriber has taken it",
    "page_look": "who of the staff looked, at an address of opaque keys, until its days are over",
}
_OF: Final = ("of_type", "of_id", "of_change")
_OF_A_RELEASE: Final = "invalid_release"
# What somebody still has to do about a student, and the column that says that it is done.
OWED: Final[Mapping[str, str]] = {
    "emergency": "reviewed_at",
    "owed_duty": "closed_at",
    "recall": "acknowledged_at",
}


def owed_about(
    connection: Connection, tables: Collection[Table], student_id: str
) -> dict[str, int]:
    """Return how many referrals, notices and duties about a student are open, by their table."""
    found = {"referral": _open_referrals(connection, student_id)}
    for table in tables:
        if done := OWED.get(table.name):
            row = table.c
            query = select(func.count()).where(row.student_id == student_id, row[done].is_(None))
            found[str(table.name)] = connection.scalar(query) or 0
    return {name: count for name, count in found.items() if count}


def erase_rows(
    connection: Connection, tables: Collection[Table], student_id: str
) -> dict[str, int]:
    """Delete what there is about a student; returns how many rows of which table went.

    Args:
        connection: the database; on PostgreSQL as the owner of its tables.
        tables: all there are, what is referred to before what refers to it.
        student_id: the register's own id.
    """
    named = {table.name: table for table in tables}
    names = ("type", "id", "change")
    own = select(*(RECORD.c[n] for n in names)).where(RECORD.c.student_id == student_id)
    records = [dict(zip(_OF, row, strict=True)) for row in connection.execute(own)]
    gone = {}
    for table in _in_order(named):
        of_records = table.name in BY_RECORD
        statement = _of_a_record(table) if of_records else _of_student(table, named, student_id)
        if records or not of_records:
            done = connection.execute(statement, records if of_records else None)
            gone[str(table.name)] = done.rowcount
    return {name: count for name, count in gone.items() if count}


def clear_log(engine: Engine) -> bool:
    """Empty SQLite's log, which holds pages as they were before a deletion.

    Returns False where it was not done: somebody reads an older state just now, or the database is
    PostgreSQL, whose log is its server's.
    """
    if engine.dialect.name != "sqlite":
        return False
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        row = cursor.fetchone()
        return row is not None and int(row[0]) == 0
    finally:
        raw.close()


def _in_order(named: Mapping[str, Table]) -> Iterator[Table]:
    """Yield the tables to delete from: what hangs on a record first, the student last."""
    yield from (named[name] for name in BY_RECORD)
    # Deleting records takes the lines worked out from them along (bridge.store.state_versions).
    yield RECORD
    yield named[_OF_A_RELEASE]
    own = [table for table in named.values() if "student_id" in table.c and table is not RECORD]
    yield from reversed(own)
    yield STUDENT


def _of_a_record(table: Table) -> Delete:
    # One record at a time, by what the rows are found by: a list would be looked for in all rows.
    of = zip(BY_RECORD[table.name], _OF, strict=False)
    return delete(table).where(*(table.c[name] == bindparam(given) for name, given in of))


def _of_student(table: Table, named: Mapping[str, Table], student_id: str) -> Delete:
    row = table.c
    if table.name == _OF_A_RELEASE:
        release = named["signed_release"].c
        its = select(release.id).where(release.student_id == student_id)
        return delete(table).where(row.release_id.in_(its))
    return delete(table).where((row.id if table is STUDENT else row.student_id) == student_id)


def _open_referrals(connection: Connection, student_id: str) -> int:
    own = (RECORD.c.student_id == student_id) & (RECORD.c.type == "Task")
    bodies = connection.scalars(select(RECORD.c.body).where(own))
    return sum(json.loads(body)["status"] not in CLOSED for body in bodies)
