"""Records about some students, asked about once for all that are alike to a condition.

INVARIANT: importable by :mod:`bridge.gate` alone. Nobody has decided on what is found here: the
gate does, before anything is told of it.

A consent filter asks what is said of a record's student, referral and element, whether it speaks of
others, and what is said of the record itself. Of two records of which all that is the same it says
the same, so the database asks about one of them, and about twenty sessions of a student once.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, TextClause

from bridge.driver import among, cursor_of, listed_for, named_for, stored_value
from bridge.store.facts.conditions import Condition
from bridge.store.stored import RECORD, FoundRow, Stored

SAME: Final = ("referral_id", "type", "element", "third_party", "student_id", "agreement_id")
"""Columns that a condition may ask of a record, besides which one it is."""
_ROW: Final = (
    "e.fact || ' ' || coalesce(CAST(e.value AS TEXT), '-') || ' ' || e.agreement_id || ' '"
    " || e.referral_id || ' ' || e.element || ' ' || e.purpose || ' ' || e.recipient"
)
# What is said of each record itself, and holds now; in whichever order: groups are then smaller.
_SAID: Final = {
    "sqlite": f"group_concat({_ROW}, ' ')",
    "postgresql": f"string_agg({_ROW}, ' ')",
}
_CHANGES: Final = {
    "sqlite": ("json_group_array(record.change)", "json_each(told.changes) AS one"),
    "postgresql": (
        "json_agg(record.change)",
        "json_array_elements_text(told.changes) AS one(value)",
    ),
}
_ALL: Final = 1 << 31
_OWN: Final = {"sqlite": " INDEXED BY ix_record_student", "postgresql": ""}


class Sought(NamedTuple):
    """Records of some types about some students.

    Attributes:
        kinds: the types.
        students: whose.
        referrals: about which referrals; whatever element a record is of.
        also: about which others, if it is of ``element``.
        element: an element.
    """

    kinds: Collection[str]
    students: Collection[str]
    referrals: Collection[str]
    also: Collection[str]
    element: str


class Told(NamedTuple):
    """A record that meets a condition.

    Attributes:
        stored: the record.
        alike: how many there are to which the condition says the same, this one included.
    """

    stored: Stored
    alike: int


def told_alike(
    connection: Connection, sought: Sought, met: Condition, most: int | None = None
) -> list[Told]:
    """Return the records that meet a condition, which is asked once for all that are alike.

    Args:
        connection: the database.
        sought: the records.
        met: the condition; it asks no column of a record but :data:`SAME` and ``id``.
        most: of more that are alike the newest alone is returned; None returns all.
    """
    if not sought.students:
        return []
    dialect = connection.dialect.name
    given: dict[str, Any] = {k: stored_value(dialect, value) for k, value in met.binds.items()}
    for name in ("kinds", "students", "referrals", "also"):
        given[name] = listed_for(dialect, sorted(getattr(sought, name)))
    # What is said of a record may name no student.
    given["whose"] = listed_for(dialect, ["", *sorted(sought.students)])
    given |= {"element": sought.element, "most": _ALL if most is None else most}
    with cursor_of(connection) as cursor:
        found = cursor.execute(_written(dialect, met.condition), given).fetchall()
    return [Told(FoundRow._make(row).stored(), size) for *row, size in found]


@lru_cache(maxsize=64)
def _written(dialect: str, condition: TextClause) -> str:
    same = ", ".join(f"record.{name}" for name in SAME)
    changes, one = _CHANGES[dialect]
    sql = (
        "WITH own AS MATERIALIZED ("  # noqa: S608 - names of ours, values are bound
        f"SELECT e.record_id, {_SAID[dialect]} AS said FROM evidence e"
        f" WHERE e.student_id {among(dialect, 'whose')} AND e.record_id <> ''"
        " AND e.valid_from <= :as_of AND e.valid_to > :as_of AND e.recorded_at <= :as_of"
        " AND (e.superseded_at IS NULL OR e.superseded_at > :as_of) GROUP BY e.record_id),"
        f" alike AS MATERIALIZED (SELECT {same}, own.said, max(record.change) AS newest,"
        f" count(*) AS size, {changes} AS changes"
        f" FROM student CROSS JOIN record{_OWN[dialect]} LEFT JOIN own ON own.record_id = record.id"
        f" WHERE record.student_id = student.id AND student.id {among(dialect, 'students')}"
        f" AND record.type {among(dialect, 'kinds')}"
        f" AND (record.referral_id {among(dialect, 'referrals')}"
        f" OR record.element = :element AND record.referral_id {among(dialect, 'also')})"
        f" GROUP BY {same}, own.said),"
        " told AS MATERIALIZED (SELECT alike.* FROM alike CROSS JOIN record CROSS JOIN student"
        " WHERE record.type = alike.type AND record.change = alike.newest"
        f" AND student.id = alike.student_id AND ({condition.text})),"
        " shown AS MATERIALIZED (SELECT told.type, told.size, CAST(one.value AS BIGINT) AS change"
        f" FROM told CROSS JOIN {one}"
        " WHERE told.size <= :most OR CAST(one.value AS BIGINT) = told.newest)"
        f" SELECT {RECORD}, shown.size FROM shown CROSS JOIN record CROSS JOIN student"
        " WHERE record.type = shown.type AND record.change = shown.change"
        " AND student.id = record.student_id"
    )
    return named_for(dialect, sql)
