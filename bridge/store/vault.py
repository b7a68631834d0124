"""Reading content. INVARIANT: importable by :mod:`bridge.gate` alone (an import contract says so).

Every function takes the condition that authorises the caller and puts it into the query itself:
before LIMIT, before counts, before includes.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    TextClause,
    and_,
    exists,
    func,
    or_,
    select,
)
from sqlmodel import SQLModel

from bridge.store.conditions import RECORD, STUDENT

_SEARCH = SQLModel.metadata.tables["search_value"]


@dataclass(frozen=True, slots=True)
class Match:
    """One search criterion: any of the values; ``system`` None means any system.

    ``comparator`` is a FHIR date prefix (eq, gt, ge, lt, le) for dates, "eq" otherwise.
    """

    param: str
    values: tuple[tuple[str | None, str], ...]
    comparator: str = "eq"


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for, once the caller is authorised."""

    type: str
    ids: tuple[str, ...] = ()
    matches: tuple[Match, ...] = ()
    updated: tuple[tuple[str, datetime], ...] = ()
    after_change: int = 0
    upto_change: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as stored, with what a decision needs to know about it."""

    type: str
    id: str
    custodian: str
    sender_role: str
    audience: str
    agreement_id: str
    student_id: str
    referral_id: str
    element: str
    third_party: bool
    version: int
    change: int
    last_updated: datetime
    birth_date: date | None
    body: str = field(repr=False)

    def resource(self) -> dict[str, Any]:
        """Return the content as parsed JSON."""
        parsed: dict[str, Any] = orjson.loads(self.body)
        return parsed


class Condition(Protocol):
    """What authorises a caller: a condition on ``record`` and what to bind when it runs."""

    @property
    def condition(self) -> ColumnElement[bool] | TextClause:
        """The condition."""

    @property
    def binds(self) -> Mapping[str, object]:
        """Values of its parameters."""


def find(connection: Connection, query: Query, authorised: Condition) -> tuple[list[Stored], int]:
    """Return up to ``limit`` records in the order they changed, and how many match in all."""
    where = and_(RECORD.c.type == query.type, authorised.condition, *_criteria(query))
    joined = RECORD.outerjoin(STUDENT, STUDENT.c.id == RECORD.c.student_id)
    rows = (
        select(RECORD, STUDENT.c.birth_date)
        .select_from(joined)
        .where(where, RECORD.c.change > query.after_change)
        .order_by(RECORD.c.change)
        .limit(query.limit)
    )
    found = _stored(connection.execute(rows, authorised.binds))
    every_id = bool(query.ids) and len(found) == len(set(query.ids))
    whole = every_id or len(found) < query.limit
    if query.after_change == 0 and whole:
        return found, len(found)
    counted = select(func.count()).select_from(joined).where(where)
    return found, int(connection.execute(counted, authorised.binds).scalar_one())


def named(connection: Connection, kind: str, ids: Collection[str]) -> list[Stored]:
    """Return records by id whoever asks; the gate decides each before anything is told of it."""
    joined = RECORD.outerjoin(STUDENT, STUDENT.c.id == RECORD.c.student_id)
    query = select(RECORD, STUDENT.c.birth_date).select_from(joined)
    ordered = sorted(ids)
    found: list[Stored] = []
    for start in range(0, len(ordered), 500):
        some = RECORD.c.id.in_(ordered[start : start + 500])
        found += _stored(connection.execute(query.where(RECORD.c.type == kind, some)))
    return found


def _criteria(query: Query) -> list[ColumnElement[bool]]:
    criteria = [_matches(match) for match in query.matches]
    if len(query.ids) == 1:
        criteria.append(RECORD.c.id == query.ids[0])
    elif query.ids:
        criteria.append(RECORD.c.id.in_(query.ids))
    if query.upto_change is not None:
        criteria.append(RECORD.c.change <= query.upto_change)
    for comparator, instant in query.updated:
        criteria.append(_compared(RECORD.c.last_updated, comparator, instant))
    return criteria


def _matches(match: Match) -> ColumnElement[bool]:
    row = _SEARCH.c
    alternatives = []
    for system, value in match.values:
        compared = _compared(row.value, match.comparator, value)
        alternatives.append(compared if system is None else and_(compared, row.system == system))
    return exists(
        select(row.id)
        .where(row.type == RECORD.c.type, row.id == RECORD.c.id, row.param == match.param)
        .where(or_(*alternatives))
    )


def _compared(column: Any, comparator: str, value: object) -> ColumnElement[bool]:  # noqa: ANN401
    compared: ColumnElement[bool]
    match comparator:
        case "gt":
            compared = column > value
        case "ge":
            compared = column >= value
        case "lt":
            compared = column < value
        case "le":
            compared = column <= value
        case _:
            compared = column == value
    return compared


def _stored(rows: Iterable[Row[Any]]) -> list[Stored]:
    return [
        Stored(
            type=row.type,
            id=row.id,
            custodian=row.custodian,
            sender_role=row.sender_role,
            audience=row.audience,
            agreement_id=row.agreement_id,
            student_id=row.student_id or "",
            referral_id=row.referral_id or "",
            element=row.element,
            third_party=row.third_party,
            version=row.version,
            change=row.change,
            last_updated=row.last_updated,
            birth_date=row.birth_date,
            body=row.body,
        )
        for row in rows
    ]
