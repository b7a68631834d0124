"""A row in every table that is about a student, made from the tables themselves.

A table that comes later is filled as well: nobody has to add it anywhere.
"""

import itertools
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Column, Connection, Table, insert, select

from bridge.migrations.catalogue import metadata

_NUMBERS = itertools.count(1_000_000)
_AT = datetime(2026, 10, 15, 14, tzinfo=UTC)
SAID = "Whispered to nobody else"
"""Stands in every free text of the rows made."""


def about_students() -> list[Table]:
    """Return the tables that have a column ``student_id``."""
    return [table for table in metadata.sorted_tables if "student_id" in table.c]


def fill(connection: Connection, student_id: str) -> None:
    """Put a row about a student into each of those tables, and one that hangs on a form."""
    for table in about_students():
        own = select(table).where(table.c.student_id == student_id)
        if connection.execute(own).first() is None:
            connection.execute(insert(table), _row(connection, table, student_id))
    hangs = metadata.tables["invalid_release"]
    connection.execute(insert(hangs), _row(connection, hangs, student_id))


def rows(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table."""
    return {
        table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
        for table in metadata.sorted_tables
    }


def _row(connection: Connection, table: Table, student_id: str) -> dict[str, Any]:
    return {
        column.name: _value(connection, column, student_id)
        for column in table.columns
        if column.name == "student_id" or not column.nullable
    }


def _refers_to(column: Column[Any]) -> list[Column[Any]]:
    # The database's triggers take a line's viewer for one that has a head.
    if column.name == "whose" and column.table.name != "follow_head":
        return [metadata.tables["follow_head"].c.whose]
    return [key.column for key in column.foreign_keys]


def _known(connection: Connection, key: Column[Any], student_id: str) -> Any:  # noqa: ANN401 - a value of any column
    """Return a value that stands in another table, of the same student where it is of one."""
    parent = key.table
    query = select(key)
    if "student_id" in parent.c:
        query = query.where(parent.c.student_id == student_id)
    found = connection.scalar(query.limit(1))
    if found is not None:
        return found
    made = _row(connection, parent, student_id)  # type: ignore[arg-type] # any selectable of ours is a table
    connection.execute(insert(parent), made)
    return made[key.name]


def _value(connection: Connection, column: Column[Any], student_id: str) -> Any:  # noqa: ANN401 - a value of any column
    if column.name == "student_id":
        return student_id
    for key in _refers_to(column):
        return _known(connection, key, student_id)
    kind = getattr(column.type, "impl", column.type).python_type
    made_of = {datetime: _AT, date: _AT.date(), bool: False}
    if kind in made_of:
        return made_of[kind]
    number = next(_NUMBERS)
    return number if kind is int else f"{SAID} {number}"
