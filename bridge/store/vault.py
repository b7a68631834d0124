"""Reading content. INVARIANT: importable by :mod:`bridge.gate` alone (an import contract says so).

Every function takes the condition that authorises the caller and puts it into the query itself:
before LIMIT, before counts, before includes. But for :func:`candidates`: the gate decides on what
that finds set by set, and asks of one of each (:func:`admitted`).
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    CursorResult,
    TextClause,
    bindparam,
    column,
    func,
    select,
    text,
)
from sqlalchemy.sql.selectable import TextualSelect
from sqlmodel import SQLModel

from bridge.driver import cursor_of, listed_for, named_for, stored_value
from bridge.store.facts.conditions import RECORD, STUDENT, Condition
from bridge.store.search.columns import WHOLE
from bridge.store.search.planning import planned_by_values
from bridge.store.search.query import Chain, Criterion, DateMatch, Match, Missing, Order, Query
from bridge.store.search.searching import (
    Sight,
    admitted_sql,
    candidates_sql,
    count_sql,
    page_sql,
    rows_sql,
    sampled_sql,
)
from bridge.store.search.stands import joined
from bridge.store.stored import Candidate, FoundRow, RawRow, Stored, read_rows

__all__ = [
    "Candidate",
    "Chain",
    "Condition",
    "Criterion",
    "DateMatch",
    "FoundRow",
    "Match",
    "Missing",
    "Order",
    "Query",
    "RawRow",
    "Stored",
    "admitted",
    "candidates",
    "count",
    "find",
    "named",
    "place_of",
    "placed",
    "rows",
    "sampled",
    "total_of",
    "versions_of",
    "whole",
    "whose",
]

_VERSION: Final = SQLModel.metadata.tables["record_version"]
_OWN: Final = (
    *("type", "id", "custodian", "sender_role", "audience", "agreement_id", "student_id"),
    *("referral_id", "element", "third_party", "version", "change", "last_updated", "body"),
)
_COLUMNS: Final = (
    *(RECORD.c[name] for name in _OWN),
    STUDENT.c.birth_date,
    column("place", BigInteger()),
    column("written", BigInteger()),
    column("student_version", BigInteger()),
)

_BODY: Final = Candidate._fields.index("body")
_Ready = tuple[str, dict[str, object]]
"""A statement as the driver takes it, and what is bound each time."""


def find(
    connection: Connection, query: Query, authorised: Condition
) -> tuple[list[Stored], int | None]:
    """Return up to ``limit`` records in the order asked for, and how many match in all.

    The number is None where the page does not tell it and the query does not ask for it.
    """
    sight = _sight(authorised)
    given = (authorised.condition, authorised.binds)
    found = list[Stored]()
    if query.limit:
        with planned_by_values(connection, query):
            found = read_rows(_run(connection, page_sql(query, sight), given).all())
    return found, total_of(connection, query, authorised, len(found))


def total_of(connection: Connection, query: Query, authorised: Condition, found: int) -> int | None:
    """Return how many match in all, of which so many are on the page.

    None where the page does not tell it and the query does not ask for it.
    """
    begins = query.order.after is None and not query.after_change
    if begins and (found < query.limit or (query.ids and found == len(set(query.ids)))):
        return found
    if not query.counted and query.limit:
        return None
    return count(connection, query, authorised)


def rows(connection: Connection, query: Query, authorised: Condition) -> str:
    """Do :func:`find` for what tells whether what was found before is what would be found now.

    In one text (:mod:`bridge.store.search.stands`).
    """
    dialect = connection.dialect.name
    sql, binds = _ready(query, authorised, dialect)
    more = _given(authorised, dialect)
    with planned_by_values(connection, query), cursor_of(connection) as cursor:
        found = cursor.execute(sql, {**binds, **more}).fetchall()
    return joined(row[0] for row in found)


def candidates(
    connection: Connection, query: Query, authorised: Condition, usual: Sequence[RawRow] = ()
) -> list[RawRow]:
    """Return up to ``limit`` records, and not many more bytes than ``most_bytes``, by their change.

    Each is a :class:`bridge.store.stored.Candidate` before ``_make``; ``usual`` kin say a number.

    INVARIANT: nobody has decided that they may be told. Whoever asks decides on each of them, by
    what :func:`admitted` answers: the condition is the same for all records that are alike.
    """
    sight, dialect = _sight(authorised), connection.dialect.name
    sql, binds = candidates_sql(query, sight, dialect, usual)
    given = {name: stored_value(dialect, value) for name, value in binds.items()}
    found, size, most = list[RawRow](), 0, query.most_bytes or math.inf
    # A cursor of its own name stays in PostgreSQL's server, which else sends all at once.
    own = "" if dialect == "sqlite" else "candidates"
    with planned_by_values(connection, query), cursor_of(connection, own) as cursor:
        cursor.execute(named_for(dialect, sql), given)
        for row in cursor:
            found.append((*row[:_BODY], row[_BODY].encode(), *row[_BODY + 1 :]) if own else row)
            if (size := size + len(row[_BODY])) >= most:
                break
    return found


def whole(connection: Connection, kind: str, record_id: str, authorised: Condition) -> FoundRow:
    """Return all there is of a candidate found in the same transaction.

    Raises:
        LookupError: it is not there.
    """
    given = {"kind": kind, "id": record_id, "standing": _sight(authorised).standing}
    with cursor_of(connection) as cursor:
        found = cursor.execute(named_for(connection.dialect.name, WHOLE), given).fetchone()
    if found is None:
        raise LookupError("a record that was found is not there")
    return FoundRow._make(found)


def sampled(
    connection: Connection, query: Query, authorised: Condition, most: int
) -> list[tuple[str, int]]:
    """Return, of so many records at most, those of the lowest ids: id and last change seen."""
    sql, binds = sampled_sql(query, _sight(authorised), most)
    dialect = connection.dialect.name
    given = {k: stored_value(dialect, v) for k, v in {**binds, **authorised.binds}.items()}
    with planned_by_values(connection, query), cursor_of(connection) as cursor:
        found = cursor.execute(named_for(dialect, sql), given).fetchall()
    return [(str(key), int(change)) for key, change in found]


def admitted(
    connection: Connection, kind: str, ids: Collection[str], authorised: Condition
) -> set[str]:
    """Return the ids of those records that the condition that authorises a caller admits."""
    dialect = connection.dialect.name
    bound = {"kind": kind, "ids": listed_for(dialect, ids), **authorised.binds}
    given = {name: stored_value(dialect, value) for name, value in bound.items()}
    sql = named_for(dialect, admitted_sql(_sight(authorised), dialect))
    with cursor_of(connection) as cursor:
        return {key for (key,) in cursor.execute(sql, given).fetchall()}


def _sight(authorised: Condition) -> Sight:
    return Sight(authorised.condition.text, authorised.bins, authorised.standing)


_GIVEN: dict[str, tuple[Condition, dict[str, object]]] = {}
"""By dialect, what a condition binds that was asked for last: a batch asks by the same."""


def _given(authorised: Condition, dialect: str) -> dict[str, object]:
    """Return what a condition binds, as the driver takes it."""
    known = _GIVEN.get(dialect)
    if known is None or known[0] is not authorised:
        made = {name: stored_value(dialect, value) for name, value in authorised.binds.items()}
        known = _GIVEN[dialect] = (authorised, made)
    return known[1]


_READY: Final[dict[tuple[int, int], tuple[Query, TextClause, tuple[object, ...], _Ready]]] = {}
_MOST_READY: Final = 2048


def _ready(query: Query, authorised: Condition, dialect: str) -> _Ready:
    """Do :func:`_counters`, without comparing what is the very same as it was."""
    condition, of = authorised.condition, (authorised.bins, authorised.standing, dialect)
    key = (id(query), id(condition))
    known = _READY.get(key)
    if known is None or (known[0] is not query) or (known[1] is not condition) or known[2] != of:
        if len(_READY) >= _MOST_READY:
            _READY.clear()
        made = _counters(query, _sight(authorised), dialect)
        known = _READY[key] = (query, condition, of, made)
    return known[3]


@lru_cache(maxsize=2048)
def _counters(query: Query, sight: Sight, dialect: str) -> _Ready:
    sql, binds = rows_sql(query, sight, dialect)
    return named_for(dialect, sql), {name: stored_value(dialect, v) for name, v in binds.items()}


def count(connection: Connection, query: Query, authorised: Condition) -> int:
    """Return how many records match, counted among what the caller may know."""
    sight = _sight(authorised)
    given = (authorised.condition, authorised.binds)
    with planned_by_values(connection, query):
        return int(_run(connection, count_sql(query, sight), given, counting=True).scalar_one())


def place_of(order: Order, stored: Stored) -> tuple[int, str]:
    """Return where a record stands in an order: its place, and what breaks a tie, as one word."""
    return placed(order, (stored.place, stored.change, stored.id))


def placed(order: Order, found: tuple[int, int, str]) -> tuple[int, str]:
    """Do :func:`place_of` for a place, the number of the change its viewer saw, and an id."""
    place, change, record_id = found
    return place, f"{change:032x}" if order.tie == "change" else record_id


def versions_of(connection: Connection, stored: Stored) -> list[Stored]:
    """Return what a record said before, the latest first; whose it is is taken from today."""
    row = _VERSION.c
    query = (
        select(*(row.version, row.element, row.third_party, row.change, row.last_updated, row.body))
        .where(row.type == stored.type, row.id == stored.id)
        .order_by(row.version.desc())
    )
    return [replace(stored, **found._mapping) for found in connection.execute(query)]  # noqa: SLF001 - a row's public mapping


def _run(
    connection: Connection,
    written: tuple[str, dict[str, object]],
    given: tuple[TextClause, Mapping[str, object]],
    *,
    counting: bool = False,
) -> CursorResult[Any]:
    (sql, binds), (condition, more) = written, given
    instants = tuple(name for name, value in binds.items() if isinstance(value, datetime))
    statement = _prepared(sql, condition, instants, counting)
    return connection.execute(statement, {**more, **binds})


@lru_cache(maxsize=2048)
def _prepared(
    sql: str, condition: TextClause, instants: tuple[str, ...], counting: bool
) -> TextClause | TextualSelect:
    """Return a statement ready to run: reading the names in a long text takes its time."""
    typed = [bindparam(name, type_=RECORD.c.last_updated.type) for name in instants]
    typed += [each for each in condition._bindparams.values() if f":{each.key}" in sql]  # noqa: SLF001 - nothing public lists them
    statement = text(sql).bindparams(*typed)
    return statement if counting else statement.columns(*_COLUMNS)


def named(connection: Connection, kind: str, ids: Collection[str]) -> list[Stored]:
    """Return records by id whoever asks; the gate decides each before anything is told of it."""
    joined = RECORD.outerjoin(STUDENT, STUDENT.c.id == RECORD.c.student_id)
    own = [RECORD.c.change.label("place"), RECORD.c.change.label("written")]
    own.append(func.coalesce(STUDENT.c.version, 0).label("student_version"))
    query = select(RECORD, STUDENT.c.birth_date, *own).select_from(joined)
    ordered = sorted(ids)
    found: list[Stored] = []
    for start in range(0, len(ordered), 500):
        some = RECORD.c.id.in_(ordered[start : start + 500])
        found += read_rows(connection.execute(query.where(RECORD.c.type == kind, some)))
    return found


def whose(connection: Connection, kind: str, ids: Collection[str]) -> list[Stored]:
    """Do :func:`named` for who decides on many records and tells nothing of them: without bodies.

    It takes a third of the time of reading them whole.
    """
    if not ids:
        return []
    dialect = connection.dialect.name
    given = {"kind": kind, "ids": json.dumps(sorted(ids)) if dialect == "sqlite" else sorted(ids)}
    with cursor_of(connection) as cursor:
        found = cursor.execute(named_for(dialect, _WHOSE[dialect]), given).fetchall()
    return [FoundRow._make(row).stored() for row in found]


_WITHOUT_BODY: Final = ", ".join("''" if name == "body" else f"record.{name}" for name in _OWN)
_WHOSE_FROM: Final = (
    f"SELECT {_WITHOUT_BODY}, student.birth_date, record.change, record.change,"  # noqa: S608 - names of ours
    " COALESCE(student.version, 0) FROM record LEFT JOIN student ON student.id = record.student_id"
    " WHERE record.type = :kind AND record.id"
)
_WHOSE: Final = {
    "sqlite": f"{_WHOSE_FROM} IN (SELECT value FROM json_each(:ids))",  # noqa: S608 - the same
    "postgresql": f"{_WHOSE_FROM} = ANY(:ids)",
}
