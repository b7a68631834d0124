"""The review queue: duties a release left for a person. Nothing is deleted.

An item names what went out by reference, never what it said.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Column, Connection, Row, Table, Text, insert, select, update
from sqlmodel import Field, SQLModel

from bridge.schema import table_of


class OwedDutyRow(SQLModel, table=True):
    """One item; lists are JSON."""

    __tablename__ = "owed_duty"

    id: str = Field(primary_key=True)
    code: str
    agreement_id: str
    student_id: str = Field(foreign_key="student.id", index=True)
    recipient: str
    sources: str = Field(sa_column=Column(Text, nullable=False))
    covers: str = Field(sa_column=Column(Text, nullable=False))
    opened_at: datetime
    due_at: datetime = Field(index=True)
    closed_at: datetime | None = None
    closed_by: str = ""
    reason: str = Field(default="", sa_column=Column(Text, nullable=False))


_OWED: Table = table_of(OwedDutyRow)
_LISTS = ("sources", "covers")


@dataclass(frozen=True, slots=True)
class OwedDuty:
    """One item.

    Attributes:
        code: the duty, such as ``REVIEW72H``.
        recipient: key of the organisation it went to.
        sources: ids of the evidence the release rested on (a declared emergency).
        covers: what went out, ``Type/id element``.
        closed_by, reason: who carried it out and what was found; "" while it is open.
    """

    id: str
    code: str
    agreement_id: str
    student_id: str
    recipient: str
    sources: tuple[str, ...]
    covers: tuple[str, ...]
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None = None
    closed_by: str = ""
    reason: str = ""


def items_of(
    connection: Connection, student_ids: Collection[str], codes: Collection[str]
) -> list[OwedDuty]:
    """Return every item of some students and duties, open or closed, oldest first."""
    query = select(_OWED).where(
        _OWED.c.student_id.in_(sorted(student_ids)), _OWED.c.code.in_(sorted(codes))
    )
    rows = connection.execute(query.order_by(_OWED.c.opened_at, _OWED.c.id))
    return [_item(row) for row in rows]


def open_items(connection: Connection) -> list[OwedDuty]:
    """Return every open item, the most urgent first."""
    query = select(_OWED).where(_OWED.c.closed_at.is_(None))
    return [_item(r) for r in connection.execute(query.order_by(_OWED.c.due_at, _OWED.c.id))]


def item(connection: Connection, item_id: str) -> OwedDuty | None:
    """Return one item, or None; on PostgreSQL it is locked until the transaction ends."""
    query = select(_OWED).where(_OWED.c.id == item_id).with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else _item(row)


def keep_items(connection: Connection, items: Iterable[OwedDuty]) -> None:
    """Keep new items."""
    rows = [_values(each) for each in items]
    if rows:
        connection.execute(insert(_OWED), rows)


def extend(connection: Connection, item_id: str, covers: Collection[str]) -> None:
    """Let an open item cover more; what it is due by stays."""
    values = {"covers": orjson.dumps(sorted(covers)).decode()}
    connection.execute(update(_OWED).where(_OWED.c.id == item_id).values(values))


def close_items(
    connection: Connection, item_ids: Collection[str], at: datetime, said: tuple[str, str]
) -> int:
    """Close open items; ``said`` is who closes them and why. Returns how many."""
    closed_by, reason = said
    chosen = _OWED.c.id.in_(sorted(item_ids)) & _OWED.c.closed_at.is_(None)
    values = {"closed_at": at, "closed_by": closed_by, "reason": reason}
    return connection.execute(update(_OWED).where(chosen).values(values)).rowcount


def _values(each: OwedDuty) -> dict[str, object]:
    row = {name: getattr(each, name) for name in OwedDuty.__slots__}
    return row | {name: orjson.dumps(getattr(each, name)).decode() for name in _LISTS}


def _item(row: Row[tuple[object, ...]]) -> OwedDuty:
    values = {name: getattr(row, name) for name in OwedDuty.__slots__}
    return OwedDuty(**values | {name: tuple(orjson.loads(values[name])) for name in _LISTS})
