"""Who of a school follows up on a referral, and when. Rows are added and never changed.

The last one of a referral holds; those before it say who gave it to whom. It is the school's own:
nothing of it is part of a record, and the gate gives it to nobody but the district.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, Table, UniqueConstraint, func, insert, select
from sqlmodel import Field, SQLModel

from bridge.schema import table_of
from bridge.store.people.last_said import last_said
from bridge.store.people.page_looks import LOOK


class FollowOwnerRow(SQLModel, table=True):
    """That somebody follows up on a referral from now on.

    ``turn`` counts the rows of one referral; ``number`` and ``provider`` (a key) name it as the
    district knows it. ``owner`` is the handle of one of its staff, "" for nobody.
    """

    __tablename__ = "follow_owner"
    __table_args__ = (
        UniqueConstraint("referral_id", "turn", name="uq_follow_owner_referral_id_turn"),
    )

    id: str = Field(primary_key=True)
    lea: str
    student_id: str = Field(index=True)
    referral_id: str
    turn: int
    number: str
    provider: str
    at: datetime
    who: str
    role: str
    owner: str
    follow_up_on: date | None = None


FOLLOW_OWNER: Final[Table] = table_of(FollowOwnerRow)


@dataclass(frozen=True, slots=True)
class FollowOwner:
    """One row of :class:`FollowOwnerRow`."""

    id: str
    lea: str
    student_id: str
    referral_id: str
    turn: int
    number: str
    provider: str
    at: datetime
    who: str
    role: str
    owner: str
    follow_up_on: date | None = None


def add_owner(connection: Connection, row: FollowOwner) -> None:
    """Keep who follows up on a referral."""
    values = {name: getattr(row, name) for name in FollowOwner.__slots__}
    connection.execute(insert(FOLLOW_OWNER), values)


def last_of(connection: Connection, referral_id: str) -> FollowOwner | None:
    """Return who follows up on one referral, by the id of its ServiceRequest; None if never said.

    In a writing transaction with the student locked, what it returns stays the last.
    """
    query = select(FOLLOW_OWNER).where(FOLLOW_OWNER.c.referral_id == referral_id)
    found = connection.execute(query.order_by(FOLLOW_OWNER.c.turn.desc()).limit(1)).mappings()
    return next((FollowOwner(**row) for row in found), None)


def owners_of(
    connection: Connection, leas: Collection[str], students: Collection[str] | None = None
) -> Mapping[tuple[str, str], FollowOwner]:
    """Return who follows up on each referral of a district, by number and provider's key.

    Only of some students, of whom there are no more than a statement may name.
    """
    row = FOLLOW_OWNER.c
    said, order = row.lea.in_(sorted(leas)), (row.turn, row.id)
    found = last_said(connection, FOLLOW_OWNER, students, said, order)
    return {own: FollowOwner(**last) for own, last in found.items()}


def staff_since(connection: Connection, lea: str, day: datetime) -> dict[str, str]:
    """Return the handles of a district's staff who looked at a page since, and their last role."""
    seen = (LOOK.c.lea == lea) & (LOOK.c.at >= day)
    last = func.max(LOOK.c.at)
    query = select(LOOK.c.who, LOOK.c.role).where(seen).group_by(LOOK.c.who, LOOK.c.role)
    return {row.who: row.role for row in connection.execute(query.order_by(last))}
