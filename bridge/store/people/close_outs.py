"""What a school decided at the end of a year about each open referral. Rows are never changed.

One row for each referral of each press of a button: it is the record of who closed it or keeps it,
and why; for one that stays open also of who looks after it until when.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, Index, Table, UniqueConstraint, insert, select
from sqlmodel import Field, SQLModel

from bridge.schema import table_of
from bridge.store.people.last_said import last_said


class CloseOutRow(SQLModel, table=True):
    """What was decided of one referral.

    ``act`` is the press of the button; ``number`` and ``provider`` (a key) name the referral as the
    district knows it. ``holder`` and ``follow_up_on`` stand where it stays open.
    """

    __tablename__ = "close_out"
    __table_args__ = (
        UniqueConstraint("act", "referral_id", name="uq_close_out_act_referral_id"),
        Index("ix_close_out_lea_at", "lea", "at"),
    )

    id: str = Field(primary_key=True)
    act: str
    lea: str
    student_id: str = Field(index=True)
    referral_id: str
    number: str
    provider: str
    at: datetime
    who: str
    role: str
    outcome: str
    reason: str = ""
    holder: str = ""
    follow_up_on: date | None = None


CLOSE_OUT: Final[Table] = table_of(CloseOutRow)


@dataclass(frozen=True, slots=True)
class CloseOut:
    """One row of :class:`CloseOutRow`."""

    id: str
    act: str
    lea: str
    student_id: str
    referral_id: str
    number: str
    provider: str
    at: datetime
    who: str
    role: str
    outcome: str
    reason: str = ""
    holder: str = field(default="", repr=False)
    follow_up_on: date | None = None


def add_close_out(connection: Connection, row: CloseOut) -> None:
    """Keep what was decided of a referral."""
    values = {name: getattr(row, name) for name in CloseOut.__slots__}
    connection.execute(insert(CLOSE_OUT), values)


def is_decided(connection: Connection, act: str, referral_id: str) -> bool:
    """Tell whether a press of the button did its part for a referral already."""
    found = select(CLOSE_OUT.c.id).where(
        CLOSE_OUT.c.act == act, CLOSE_OUT.c.referral_id == referral_id
    )
    return connection.scalar(found) is not None


def of_act(connection: Connection, lea: str, act: str) -> list[CloseOut]:
    """Return what one press of the button did in a district, by number."""
    query = select(CLOSE_OUT).where(CLOSE_OUT.c.lea == lea, CLOSE_OUT.c.act == act)
    found = connection.execute(query.order_by(CLOSE_OUT.c.number)).mappings()
    return [CloseOut(**row) for row in found]


def latest_of(
    connection: Connection, leas: Collection[str], students: Collection[str] | None = None
) -> Mapping[tuple[str, str], CloseOut]:
    """Return the last decision on each referral of a district, by number and provider's key.

    Only of some students, of whom there are no more than a statement may name.
    """
    row = CLOSE_OUT.c
    said = row.lea.in_(sorted(leas)) & (row.outcome != "left")
    found = last_said(connection, CLOSE_OUT, students, said, (row.at, row.id))
    return {own: CloseOut(**last) for own, last in found.items()}


def of_referral(connection: Connection, lea: str, own: tuple[str, str]) -> list[CloseOut]:
    """Return what was decided of one referral, by number and provider's key, in its order."""
    query = select(CLOSE_OUT).where(CLOSE_OUT.c.lea == lea, CLOSE_OUT.c.outcome != "left")
    query = query.where(CLOSE_OUT.c.number == own[0], CLOSE_OUT.c.provider == own[1])
    found = connection.execute(query.order_by(CLOSE_OUT.c.at, CLOSE_OUT.c.id)).mappings()
    return [CloseOut(**row) for row in found]
