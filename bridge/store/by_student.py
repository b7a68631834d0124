"""Records by the students they are about. INVARIANT: importable by :mod:`bridge.gate` alone.

Nobody has decided on what is found here: the gate does, before anything is told of it.
"""

import json
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, TextClause

from bridge.driver import cursor_of, named_for, spelled_for, stored_value
from bridge.store.facts.conditions import Condition
from bridge.store.stored import FoundRow, Stored

_RECORD: Final = (
    "record.type, record.id, record.custodian, record.sender_role, record.audience,"
    " record.agreement_id, record.student_id, record.referral_id, record.element,"
    " record.third_party, record.version, record.change, record.last_updated, record.body,"
    " student.birth_date, record.change, record.change, student.version"
)
_AMONG: Final = {"sqlite": "IN (SELECT value FROM json_each({}))", "postgresql": "= ANY({})"}
_LISTED: Final[Mapping[str, Callable[[list[str]], object]]] = {
    "sqlite": json.dumps,
    "postgresql": list,
}
_CHANGE: Final = itemgetter(FoundRow._fields.index("change"))
_Asked = tuple[Collection[str], Collection[str]]
"""Types of records, and whose."""


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
    found = _found(connection, (kinds, students), met, judged=False)
    return [FoundRow._make(row).stored() for row in sorted(found, key=_CHANGE)]


def judged(
    connection: Connection, kind: str, students: Collection[str], condition: Condition
) -> frozenset[str]:
    """Return the ids of those of a type of some students that meet a condition.

    INVARIANT: the database answers of each, so that as many rows come back whichever meet it.
    """
    found = _found(connection, ((kind,), students), condition, judged=True)
    return frozenset(record_id for record_id, meets in found if meets)


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
    connection: Connection, asked: _Asked, condition: Condition | None, *, judged: bool
) -> list[Any]:
    kinds, students = asked
    if not students:
        return []
    dialect = connection.dialect.name
    listed, binds = _LISTED[dialect], condition.binds if condition else {}
    given = {name: stored_value(dialect, value) for name, value in binds.items()}
    given |= {"kinds": listed(sorted(kinds)), "students": listed(sorted(students))}
    sql = _written(dialect, condition.condition if condition else None, judged)
    with cursor_of(connection) as cursor:
        found: list[Any] = cursor.execute(sql, given).fetchall()
    return found


@lru_cache(maxsize=256)
def _written(dialect: str, condition: TextClause | None, judged: bool) -> str:
    among = _AMONG[dialect].format
    met = f"({condition.text})" if condition is not None else ""
    columns = f"record.id, {met}" if judged else _RECORD
    more = f" AND {met}" if met and not judged else ""
    sql = (
        f"SELECT {columns} FROM student CROSS JOIN record WHERE record.student_id = student.id"  # noqa: S608 - values are bound
        f" AND student.id {among(':students')} AND record.type {among(':kinds')}{more}"
    )
    return named_for(dialect, sql)
