"""Asking in one query whether records, and what was decided on them, stand as they stood.

INVARIANT: the counters are a condition of the query. A record that has changed, or whose student
has, is not found, exactly as one that is not there: the statement and the rows it returns tell
nothing of which it was.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection

from bridge.driver import cursor_of

Stood = tuple[str, str, int, int]
"""Type, id, change number, version of its student (0 where it is of no student)."""

COMPARED: Final = -1
"""In place of its student's version: that was compared in the same transaction already, where
nobody else writes. Then the record stands if its number is there, which no other record is ever
given (:func:`bridge.store.intake.next_changes`); whose it is does not change without it (a trigger
refuses that). An index says so, where the record itself would be a page of its own to read.
"""

_ONE = (
    "SELECT 1 FROM record r LEFT JOIN student s ON s.id = r.student_id"
    " WHERE r.type = ? AND r.id = ? AND r.change = ? AND coalesce(s.version, 0) = ?"
)
_AT_ONCE: Final = 10
_SOME: Final = (
    "SELECT a.column1 FROM (VALUES "  # noqa: S608 - marks and numbers alone
    + ", ".join(f"({n}, ?, ?, ?, ?)" for n in range(_AT_ONCE))
    + ") a CROSS JOIN record r LEFT JOIN student s ON s.id = r.student_id"
    " WHERE r.type = a.column2 AND r.id = a.column3 AND r.change = a.column4"
    " AND coalesce(s.version, 0) = a.column5"
)
_NUMBERED_AT_ONCE: Final = 40
_NUMBERED: Final = (
    "SELECT change FROM record WHERE type = ? AND change IN"  # noqa: S608 - marks alone
    f" ({', '.join('?' * _NUMBERED_AT_ONCE)})"
)
_SHARED = (
    "SELECT a.n FROM student s JOIN record r ON r.student_id = s.id JOIN (VALUES {rows})"
    " AS a (n, type, id, change, version) ON r.type = a.type AND r.id = a.id"
    " AND r.change = a.change AND s.version = a.version ORDER BY s.id FOR SHARE OF s"
)
_UNSHARED = (
    "SELECT a.n FROM record r JOIN (VALUES {rows}) AS a (n, type, id, change, version)"
    " ON r.type = a.type AND r.id = a.id AND r.change = a.change WHERE r.student_id IS NULL"
)
_ROW = "(%s::int, %s::text, %s::text, %s::bigint, %s::bigint)"


def standing(connection: Connection, asked: Sequence[Stood]) -> list[bool]:
    """Return for each whether it stands, in a writing transaction.

    INVARIANT: on PostgreSQL the students are locked against a change of their consent until the
    transaction ends, in the order of their ids, and a version is compared after its lock is held.
    """
    with cursor_of(connection) as cursor:
        if connection.dialect.name != "sqlite":
            return _locked(cursor, asked)
        whole = _alone(cursor, [each for each in asked if each[3] != COMPARED])
        numbers = _numbers(cursor, (each for each in asked if each[3] == COMPARED))
        return [
            (kind, change) in numbers if version == COMPARED else next(whole)
            for kind, _, change, version in asked
        ]


def _numbers(cursor: Any, asked: Iterable[Stood]) -> set[tuple[str, int]]:  # noqa: ANN401 - the driver's
    """Return type and number of the records whose numbers are there."""
    by_type: dict[str, list[int]] = {}
    for kind, _, change, _ in asked:
        by_type.setdefault(kind, []).append(change)
    found: set[tuple[str, int]] = set()
    for kind, changes in by_type.items():
        for start in range(0, len(changes), _NUMBERED_AT_ONCE):
            some = changes[start : start + _NUMBERED_AT_ONCE]
            some += some[:1] * (_NUMBERED_AT_ONCE - len(some))  # one statement for any number
            rows = cursor.execute(_NUMBERED, (kind, *some)).fetchall()
            found.update((kind, change) for (change,) in rows)
    return found


def _alone(cursor: Any, asked: Sequence[Stood]) -> Iterator[bool]:  # noqa: ANN401 - the driver's
    """Yield for each whether it stands, where nobody else writes: some in one statement."""
    whole = len(asked) - len(asked) % _AT_ONCE
    for start in range(0, whole, _AT_ONCE):
        values = [value for each in asked[start : start + _AT_ONCE] for value in each]
        found = {n for (n,) in cursor.execute(_SOME, values).fetchall()}
        yield from (n in found for n in range(_AT_ONCE))
    for each in asked[whole:]:
        yield cursor.execute(_ONE, each).fetchone() is not None


def _locked(cursor: Any, asked: Sequence[Stood]) -> list[bool]:  # noqa: ANN401 - the driver's
    found: set[int] = set()
    for sql, of_students in ((_SHARED, True), (_UNSHARED, False)):
        some = [(n, *each) for n, each in enumerate(asked) if bool(each[3]) is of_students]
        if some:
            values = [value for row in some for value in row]
            rows = cursor.execute(_written(sql, len(some)), values).fetchall()
            found.update(n for (n,) in rows)
    return [n in found for n in range(len(asked))]


@lru_cache(maxsize=256)
def _written(sql: str, rows: int) -> str:
    return sql.format(rows=", ".join([_ROW] * rows))
