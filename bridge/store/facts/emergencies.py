"""Emergencies declared, and the reviews they owe. Nothing is deleted."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import Column, Connection, Row, Table, Text, insert, select, update
from sqlmodel import Field, SQLModel

from bridge.schema import table_of


class EmergencyRow(SQLModel, table=True):
    """One declaration (34 CFR 99.32(a)(5)): the threat is a record value and stays in here."""

    __tablename__ = "emergency"

    id: str = Field(primary_key=True)
    agreement_id: str
    student_id: str = Field(foreign_key="student.id", index=True)
    threat: str = Field(sa_column=Column(Text, nullable=False))
    to_whom: str
    elements: str
    declared_by: str
    declared_at: datetime
    recorded_at: datetime
    ends_at: datetime
    review_due: datetime
    reviewed_at: datetime | None = None
    upheld: bool | None = None
    guardian_told_at: datetime | None = None


_EMERGENCY: Table = table_of(EmergencyRow)


@dataclass(frozen=True, slots=True)
class KeptEmergency:
    """A declaration as kept. ``upheld`` is None until it was reviewed."""

    id: str
    agreement_id: str
    student_id: str
    threat: str
    to_whom: str
    elements: tuple[str, ...]
    declared_by: str
    declared_at: datetime
    recorded_at: datetime
    ends_at: datetime
    review_due: datetime
    reviewed_at: datetime | None = None
    upheld: bool | None = None
    guardian_told_at: datetime | None = None


def keep_emergency(connection: Connection, kept: KeptEmergency) -> None:
    """Keep a declaration."""
    row = {name: getattr(kept, name) for name in KeptEmergency.__slots__}
    connection.execute(insert(_EMERGENCY), row | {"elements": orjson.dumps(kept.elements).decode()})


def emergency(connection: Connection, emergency_id: str) -> KeptEmergency | None:
    """Return one declaration, or None."""
    query = select(_EMERGENCY).where(_EMERGENCY.c.id == emergency_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else _kept(row)


def emergencies(connection: Connection, ids: Collection[str]) -> dict[str, KeptEmergency]:
    """Return some declarations by id; ids of other sources are passed over."""
    query = select(_EMERGENCY).where(_EMERGENCY.c.id.in_(sorted(ids)))
    return {row.id: _kept(row) for row in connection.execute(query)}


def owed(connection: Connection) -> list[KeptEmergency]:
    """Return what still owes a review or a word to the guardian, the most urgent first."""
    waiting = _EMERGENCY.c.reviewed_at.is_(None) | _EMERGENCY.c.guardian_told_at.is_(None)
    query = select(_EMERGENCY).where(waiting).order_by(_EMERGENCY.c.review_due, _EMERGENCY.c.id)
    return [_kept(row) for row in connection.execute(query)]


def mark_reviewed(connection: Connection, emergency_id: str, at: datetime, *, upheld: bool) -> None:
    """Keep the outcome of a review."""
    values = {"reviewed_at": at, "upheld": upheld}
    connection.execute(update(_EMERGENCY).where(_EMERGENCY.c.id == emergency_id).values(values))


def mark_guardian_told(connection: Connection, emergency_id: str, at: datetime) -> None:
    """Keep when the guardian was told."""
    told = update(_EMERGENCY).where(_EMERGENCY.c.id == emergency_id)
    connection.execute(told.values(guardian_told_at=at))


def _kept(row: Row[tuple[object, ...]]) -> KeptEmergency:
    values = {name: getattr(row, name) for name in KeptEmergency.__slots__}
    return KeptEmergency(**values | {"elements": tuple(orjson.loads(row.elements))})
