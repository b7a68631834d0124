"""Records by the students they are about. INVARIANT: importable by :mod:`bridge.gate` alone.

Nobody has decided on what is found here: the gate does, before anything is told of it.
"""

from collections.abc import Collection
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, TextClause

from bridge.driver import among, cursor_of, listed_for, named_for, spelled_for, stored_value
from bridge.store.facts.conditions import Condition
from bridge.store.stored import RECORD, FoundRow, Stored

_TEXT: Final = (
    "record.type, record.id, record.custodian, record.agreement_id, record.student_id, record.body,"
    " record.change"
)
_JUDGED: Final = "record.id"
_CHANGE: Final = itemgetter(FoundRow._fields.index("change"))


class _Asked(NamedTuple):
    """Which records: their types, whose, and about which referrals (of all if None)."""

    kinds: Collection[str]
    students: Collection[str]
    referrals: Collection[str] | None = None


class Text(NamedTuple):
    """Of one record what it says, whose it is, and the number of its last change."""

    type: str
    id: str
    custodian: str
    agreement_id: str
    student_id: str
    body: str
    change: int


def of_students(
    connection: Connection,
    kinds: Collection[str],
    students: Collection[str],
    met: Condition | None = None,
) -> list[Stored]:
    """Return records of some types of some students, in the order of change.

    Args:
        connection: the database.
        kinds: the types.
        students: whose.
        met: a condition that each meets; whatever does not is left out by the database.
    """
    found = _found(connection, _Asked(kinds, students), RECORD, met)
    return [FoundRow._make(row).stored() for row in sorted(found, key=_CHANGE)]


def judged(
    connection: Connection,
    kind: str,
    students: Collection[str],
    condition: Condition,
    referrals: Collection[str] | None = None,
) -> frozenset[str]:
    """Return the ids of those of a type of some students that meet a condition.

    INVARIANT: the database answers of each, so that as many rows come back whichever meet it.

    Args:
        connection: the database.
        kind: the type.
        students: whose.
        condition: the condition.
        referrals: about which referrals; all if None.
    """
    found = _found(connection, _Asked((kind,), students, referrals), _JUDGED, condition)
    return frozenset(record_id for record_id, meets in found if meets)


def texts_of(
    connection: Connection, kinds: Collection[str], students: Collection[str]
) -> list[Text]:
    """Do :func:`of_students` for who decides on nothing of them: a district's own words."""
    found = _found(connection, _Asked(kinds, students), _TEXT)
    return sorted(map(Text._make, found), key=attrgetter("change"))


def referred_students(
    connection: Connection, custodian: str, agreement_ids: Collection[str]
) -> list[str]:
    """Return the ids of those of whom an organisation keeps a Task, in their order."""
    sql = (
        "SELECT DISTINCT student_id FROM record WHERE agreement_id = ? AND type = 'Task'"
        " AND custodian = ? AND student_id IS NOT NULL"
    )
    found: set[str] = set()
    with cursor_of(connection) as cursor:
        for each in agreement_ids:
            rows = cursor.execute(spelled_for(connection.dialect.name, sql), (each, custodian))
            found.update(student_id for (student_id,) in rows.fetchall())
    return sorted(found)


def _found(
    connection: Connection, asked: _Asked, columns: str, condition: Condition | None = None
) -> list[Any]:
    if not asked.students:
        return []
    dialect = connection.dialect.name
    binds = condition.binds if condition else {}
    given = {name: stored_value(dialect, value) for name, value in binds.items()}
    for name, texts in asked._asdict().items():
        if texts is not None:
            given[name] = listed_for(dialect, sorted(texts))
    asked_of = condition.condition if condition else None
    sql = _written(dialect, columns, asked_of, of_some=asked.referrals is not None)
    with cursor_of(connection) as cursor:
        found: list[Any] = cursor.execute(sql, given).fetchall()
    return found


@lru_cache(maxsize=256)
def _written(dialect: str, columns: str, condition: TextClause | None, *, of_some: bool) -> str:
    met = f"({condition.text})" if condition is not None else ""
    told = f"{columns}, {met}" if columns == _JUDGED else columns
    more = f" AND record.referral_id {among(dialect, 'referrals')}" if of_some else ""
    more += f" AND {met}" if met and columns != _JUDGED else ""
    # What a consent filter says of one agreement would have SQLite, which knows no statistics, look
    # through all records under it for each student: by a student's own, or not at all.
    index = " INDEXED BY ix_record_student" if dialect == "sqlite" else ""
    sql = (
        f"SELECT {told} FROM student CROSS JOIN record{index} WHERE record.student_id = student.id"  # noqa: S608 - values are bound
        f" AND student.id {among(dialect, 'students')}"
        f" AND record.type {among(dialect, 'kinds')}{more}"
    )
    return named_for(dialect, sql)
