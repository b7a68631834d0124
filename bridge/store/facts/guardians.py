"""Who may sign for a student, from which day to which, and on what ground. Nothing is deleted.

A name is kept as a keyed hash, as orders keep it: the register compares names and shows none.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Table, insert, select, update
from sqlmodel import Field, SQLModel

from bridge.schema import table_of


class GuardianRow(SQLModel, table=True):
    """One person's authority over one student's records, with two clocks and a source."""

    __tablename__ = "guardian"

    id: str = Field(primary_key=True)
    student_id: str = Field(foreign_key="student.id", index=True)
    who: str
    relationship: str
    may_sign: str
    first_day: date
    last_day: date
    source: str
    recorded_at: datetime
    superseded_at: datetime | None = None


_GUARDIAN: Table = table_of(GuardianRow)


@dataclass(frozen=True, slots=True)
class KeptGuardian:
    """One authority as known now.

    Attributes:
        who: keyed hash of the name.
        relationship: v3-RoleCode.
        may_sign: ``education``, ``health`` or both.
        first_day, last_day: days of the district, both included.
        source: what it rests on (``roster``, ``court-order``, ``affidavit`` ...).
    """

    id: str
    student_id: str
    who: str
    relationship: str
    may_sign: tuple[str, ...]
    first_day: date
    last_day: date
    source: str
    recorded_at: datetime

    def holds_on(self, day: date) -> bool:
        """Whether the authority holds on a day."""
        return self.first_day <= day <= self.last_day


def keep_guardian(connection: Connection, kept: KeptGuardian) -> bool:
    """Keep an authority; False if one of that id is there already."""
    there = select(_GUARDIAN.c.id).where(_GUARDIAN.c.id == kept.id)
    if connection.execute(there).one_or_none() is not None:
        return False
    row = {name: getattr(kept, name) for name in KeptGuardian.__slots__}
    connection.execute(insert(_GUARDIAN), row | {"may_sign": " ".join(kept.may_sign)})
    return True


def guardians_of(connection: Connection, student_id: str) -> list[KeptGuardian]:
    """Return the authorities over a student as known now, also those that have ended, by day."""
    row = _GUARDIAN.c
    query = select(_GUARDIAN).where(row.student_id == student_id, row.superseded_at.is_(None))
    found = connection.execute(query.order_by(row.first_day, row.id)).mappings()
    names = KeptGuardian.__slots__
    return [
        KeptGuardian(**{n: each[n] for n in names} | {"may_sign": tuple(each["may_sign"].split())})
        for each in found
    ]


def supersede_guardian(connection: Connection, guardian_id: str, at: datetime) -> None:
    """Note that what was known of an authority is known otherwise from now on."""
    known = update(_GUARDIAN).where(_GUARDIAN.c.id == guardian_id)
    connection.execute(known.values(superseded_at=at))
