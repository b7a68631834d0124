"""Asking in one query whether records, and what was decided on them, stand as they stood.

INVARIANT: the counters are a condition of the query. A record that has changed, or whose student
has, is not found, exactly as one that is not there: the statement and the rows it returns tell
nothing of which it was.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection

from bridge.driver import array_of, cursor_of

Stood = tuple[str, str, int, int]
"""Type, id, change number, version of its student (0 where it is of no student)."""

Numbered = tuple[str, tuple[int, ...]]
"""A type, and the numbers of the last changes of some of its records (:func:`numbered`)."""

_ONE = (
    "SELECT 1 FROM record r LEFT JOIN student s ON s.id = r.student_id"
    " WHERE r.type = ? AND r.id = ? AND r.change = ? AND coalesce(s.version, 0) = ?"
)
_AT_ONCE: Final = 10
_SOME: Final = (
    "SELECT a.column1 FROM (VALUES {rows})"
    " a CROSS JOIN record r LEFT JOIN student s ON s.id = r.student_id"
    " WHERE r.type = a.column2 AND r.id = a.column3 AND r.change = a.column4"
    " AND coalesce(s.version, 0) = a.column5"
)
_NUMBERED_AT_ONCE: Final = 40
_NUMBERED: Final = (
    "SELECT {} FROM record WHERE type = ? AND change IN"  # noqa: S608 - marks alone
    f" ({', '.join('?' * _NUMBERED_AT_ONCE)})"
)
_COUNTED, _LISTED = _NUMBERED.format("count(*)"), _NUMBERED.format("change")
# Columns as arrays, five values for however many records: with five for each the driver would read
# the marks of a text of its own length for every number of records.
_ASKED: Final = (
    "unnest(%s::int[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])"
    " AS a (n, type, id, change, version)"
)
_SHARED: Final = (
    f"SELECT a.n FROM student s JOIN record r ON r.student_id = s.id JOIN {_ASKED}"  # noqa: S608 - marks alone
    " ON r.type = a.type AND r.id = a.id AND r.change = a.change AND s.version = a.version"
    " ORDER BY s.id FOR SHARE OF s"
)
_UNSHARED: Final = (
    f"SELECT a.n FROM record r JOIN {_ASKED}"  # noqa: S608 - marks alone
    " ON r.type = a.type AND r.id = a.id AND r.change = a.change WHERE r.student_id IS NULL"
)


def standing(connection: Connection, asked: Sequence[Stood]) -> list[bool]:
    """Return for each whether it stands, in a writing transaction.

    INVARIANT: on PostgreSQL the students are locked against a change of their consent until the
    transaction ends, in the order of their ids, and a version is compared after its lock is held.
    """
    if not asked:
        return []
    with cursor_of(connection) as cursor:
        if connection.dialect.name != "sqlite":
            return _locked(cursor, asked)
        return list(_alone(cursor, asked))


def numbered(connection: Connection, asked: Sequence[Numbered]) -> list[bool]:
    """Return for each whether all its records stand whose students' versions were compared already.

    In the same transaction, on SQLite, where nobody else writes meanwhile. Then a record stands if
    its number is there, which no other record is ever given
    (:func:`bridge.store.intake.next_changes`); whose it is does not change without it (a trigger
    refuses that). An index says so, where the record itself would be a page of its own to read.
    """
    if not asked:
        return []
    with cursor_of(connection) as cursor:
        there = _numbers(cursor, asked)
        return [there[kind].issuperset(changes) for kind, changes in asked]


def _numbers(cursor: Any, asked: Iterable[Numbered]) -> dict[str, set[int]]:  # noqa: ANN401 - the driver's
    """Return by type which of the numbers are there."""
    by_type: dict[str, dict[int, None]] = {}
    for kind, some in asked:
        by_type.setdefault(kind, {}).update(dict.fromkeys(some))
    found: dict[str, set[int]] = {}
    for kind, every in by_type.items():
        # Nearly always all are there, and to be handed each would take longer than to find them.
        counted = sum(n for ((n,),) in _in_parts(cursor, _COUNTED, kind, [*every]))
        if counted == len(every):
            found[kind] = set(every)
        else:
            parts = _in_parts(cursor, _LISTED, kind, [*every])
            found[kind] = {n for part in parts for (n,) in part}
    return found


def _in_parts(
    cursor: Any,  # noqa: ANN401 - the driver's
    sql: str,
    kind: str,
    numbers: list[int],
) -> Iterator[list[tuple[int]]]:
    """Yield what a statement finds of some of the numbers at a time."""
    for start in range(0, len(numbers), _NUMBERED_AT_ONCE):
        part = numbers[start : start + _NUMBERED_AT_ONCE]
        fill = part[:1] * (_NUMBERED_AT_ONCE - len(part))  # one statement for any number
        yield cursor.execute(sql, (kind, *part, *fill)).fetchall()


def _alone(cursor: Any, asked: Sequence[Stood]) -> Iterator[bool]:  # noqa: ANN401 - the driver's
    """Yield for each whether it stands, where nobody else writes: some in one statement."""
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        if len(some) == 1:
            yield cursor.execute(_ONE, some[0]).fetchone() is not None
            return
        values = [value for each in some for value in each]
        found = {n for (n,) in cursor.execute(_some(len(some)), values).fetchall()}
        yield from (n in found for n in range(len(some)))


@lru_cache(maxsize=_AT_ONCE)
def _some(count: int) -> str:
    return _SOME.format(rows=", ".join(f"({n}, ?, ?, ?, ?)" for n in range(count)))


def _locked(cursor: Any, asked: Sequence[Stood]) -> list[bool]:  # noqa: ANN401 - the driver's
    found: set[int] = set()
    for sql, of_students in ((_SHARED, True), (_UNSHARED, False)):
        some = [(n, *each) for n, each in enumerate(asked) if bool(each[3]) is of_students]
        if some:
            columns = [array_of(column) for column in zip(*some, strict=True)]
            found.update(n for (n,) in cursor.execute(sql, columns).fetchall())
    return [n in found for n in range(len(asked))]
