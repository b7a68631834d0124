"""Many new rows of a table at once, by the driver itself (:mod:`bridge.driver`).

On PostgreSQL each column goes as one array, so that a statement has as many values as the table has
columns however many rows there are. Sent row by row each would be a statement of its own, and its
values would be written one by one: for the fifty rows by which a session is found, a third of what
recording it cost.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, Final

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from bridge.driver import array_of

MOST_AT_ONCE: Final = 2000
"""Rows in one statement: a value of PostgreSQL holds 1 GB at most."""

_Column = Sequence[Any]


class NewRows:
    """How rows of some columns of a table are written; the rest of their columns stay empty."""

    def __init__(self, table: Table, *columns: str) -> None:
        self._table, self._columns = table, columns

    def write(self, cursor: Any, dialect: str, rows: Sequence[Sequence[Any]]) -> None:  # noqa: ANN401 - the driver's
        """Insert rows in their order, in the transaction of a cursor of the driver."""
        if dialect == "sqlite":
            if rows:
                cursor.executemany(self._one, rows)
            return
        for start in range(0, len(rows), MOST_AT_ONCE):
            columns = zip(*rows[start : start + MOST_AT_ONCE], strict=True)
            written = [write(c) for write, c in zip(self._written, columns, strict=True)]
            cursor.execute(self._many, written)

    @property
    def _into(self) -> str:
        return f"INSERT INTO {self._table.name} ({', '.join(self._columns)})"

    @cached_property
    def _one(self) -> str:
        return f"{self._into} VALUES ({', '.join('?' * len(self._columns))})"

    @cached_property
    def _many(self) -> str:
        arrays = ", ".join(f"%s::{_ARRAYS[kind][0]}[]" for kind in self._kinds())
        return f"{self._into} SELECT * FROM unnest({arrays})"  # noqa: S608 - names of ours

    @cached_property
    def _written(self) -> list[Callable[[_Column], str]]:
        return [_ARRAYS[kind][1] for kind in self._kinds()]

    def _kinds(self) -> Iterator[str]:
        dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's, without types
        for name in self._columns:
            yield self._table.c[name].type.compile(dialect=dialect)


def _texts(column: _Column) -> str:
    if None not in column:
        return array_of(column)
    return _listed("NULL" if each is None else array_of((each,))[1:-1] for each in column)


def _numbers(column: _Column) -> str:
    return _listed("NULL" if each is None else str(int(each)) for each in column)


def _bytes(column: _Column) -> str:
    # "hex Format": the backslash is doubled, because it is in an array.
    return _listed("NULL" if each is None else rf'"\\x{each.hex()}"' for each in column)


def _instants(column: _Column) -> str:
    return _listed("NULL" if each is None else f'"{each.isoformat()}"' for each in column)


def _truths(column: _Column) -> str:
    return _listed("NULL" if each is None else "ft"[bool(each)] for each in column)


def _listed(elements: Iterator[str]) -> str:
    return f"{{{','.join(elements)}}}"


# By the type of a column: that of the array, and what writes it. A number is narrowed as it is put
# where it belongs, or refused.
_ARRAYS: Final[dict[str, tuple[str, Callable[[_Column], str]]]] = {
    "VARCHAR": ("text", _texts),
    "TEXT": ("text", _texts),
    "INTEGER": ("bigint", _numbers),
    "BIGINT": ("bigint", _numbers),
    "BYTEA": ("bytea", _bytes),
    "BOOLEAN": ("boolean", _truths),
    "TIMESTAMP WITH TIME ZONE": ("timestamptz", _instants),
}
