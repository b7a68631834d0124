"""Recall notices: who got what should no longer be used, and whether they have said so.

A notice lists receipts and element ids of what its recipient already has; nothing else about the
person is in it.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Column, Connection, Row, Table, Text, insert, select, update
from sqlmodel import Field, SQLModel

from bridge.schema import table_of


class RecallRow(SQLModel, table=True):
    """One notice to one recipient. It is drafted, sent, read, acknowledged, in that order."""

    __tablename__ = "recall"

    id: str = Field(primary_key=True)
    agreement_id: str
    recipient: str = Field(index=True)
    student_id: str = Field(foreign_key="student.id")
    reason: str
    source_id: str
    lines: str = Field(sa_column=Column(Text, nullable=False))
    drafted_at: datetime
    sent_at: datetime | None = None
    read_at: datetime | None = None
    acknowledged_at: datetime | None = None


_RECALL: Table = table_of(RecallRow)


@dataclass(frozen=True, slots=True)
class RecallLine:
    """One resource the recipient has: the elements that went, and the ledger's indexes."""

    type: str
    id: str
    elements: tuple[str, ...]
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Recall:
    """One notice."""

    id: str
    agreement_id: str
    recipient: str
    student_id: str
    reason: str
    source_id: str
    lines: tuple[RecallLine, ...]
    drafted_at: datetime
    sent_at: datetime | None = None
    read_at: datetime | None = None
    acknowledged_at: datetime | None = None

    @property
    def state(self) -> str:
        """How far it has come."""
        for name in ("acknowledged", "read", "sent"):
            if getattr(self, f"{name}_at") is not None:
                return name
        return "drafted"


def keep_recall(connection: Connection, recall: Recall) -> bool:
    """Keep a notice; False if the same one is there already."""
    there = select(_RECALL.c.id).where(_RECALL.c.id == recall.id)
    if connection.execute(there).one_or_none() is not None:
        return False
    row = {name: getattr(recall, name) for name in Recall.__slots__}
    lines = orjson.dumps([asdict(line) for line in recall.lines]).decode()
    connection.execute(insert(_RECALL), row | {"lines": lines})
    return True


def recalls(connection: Connection, recipient: str = "") -> list[Recall]:
    """Return every notice (to one recipient), oldest first."""
    query = select(_RECALL).order_by(_RECALL.c.drafted_at, _RECALL.c.id)
    if recipient:
        query = query.where(_RECALL.c.recipient == recipient)
    return [_recall(row) for row in connection.execute(query)]


def mark(connection: Connection, ids: Collection[str], state: str, at: datetime) -> int:
    """Note that notices were ``sent``, ``read`` or ``acknowledged``; the first time stands."""
    column = _RECALL.c[f"{state}_at"]
    noted = update(_RECALL).where(_RECALL.c.id.in_(sorted(ids)), column.is_(None))
    return connection.execute(noted.values({column.name: at})).rowcount


def _recall(row: Row[Any]) -> Recall:
    values = {name: getattr(row, name) for name in Recall.__slots__}
    lines = tuple(
        RecallLine(one["type"], one["id"], tuple(one["elements"]), tuple(one["indexes"]))
        for one in orjson.loads(row.lines)
    )
    return Recall(**values | {"lines": lines})
