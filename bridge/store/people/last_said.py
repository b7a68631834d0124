"""What a school said last about each of its referrals, in tables whose rows are never changed.

Such a table has a row for each time something was said, with the columns ``lea``, ``student_id``,
``number`` and ``provider``: the referral as the district knows it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, select

from bridge.driver import cursor_of, spelled_for


def last_said(
    connection: Connection,
    table: Table,
    students: Collection[str] | None,
    said: ColumnElement[bool],
    order: Sequence[ColumnElement[Any]],
) -> Mapping[tuple[str, str], RowMapping]:
    """Return the last row of each referral, by number and provider's key.

    Args:
        connection: the database.
        table: one of them.
        students: only of these, no more than a statement may name; None for all.
        said: which rows count.
        order: what comes last.
    """
    query = select(table).where(said)
    if students is not None:
        # Of few is anything said: asked by the driver, which is quicker.
        if not _any_of(connection, table.name, students):
            return {}
        query = query.where(table.c.student_id.in_(sorted(students)))
    found = connection.execute(query.order_by(*order)).mappings()
    return {(row["number"], row["provider"]): row for row in found}


def _any_of(connection: Connection, table: str, students: Collection[str]) -> bool:
    marks = ", ".join("?" * len(students)) or "NULL"
    sql = f"SELECT 1 FROM {table} WHERE student_id IN ({marks}) LIMIT 1"  # noqa: S608 - values are bound
    with cursor_of(connection) as cursor:
        spelled = spelled_for(connection.dialect.name, sql)
        return cursor.execute(spelled, tuple(sorted(students))).fetchone() is not None
