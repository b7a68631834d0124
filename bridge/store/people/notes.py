"""Notes a school wrote about a referral. Rows are added and never changed.

What a note says cannot be read here: it is sealed under the deployment's secret.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Select, Table, Text, insert, select
from sqlmodel import Field, SQLModel

from bridge.schema import table_of

INTERNAL: Final = "internal"
SHARED: Final = "shared"


class NoteRow(SQLModel, table=True):
    """One note of a district about a referral to a provider (its key).

    ``kind`` is ``internal``: for the district alone, or ``shared``: for the provider too, as far as
    the gate lets it go.
    """

    __tablename__ = "note"

    id: str = Field(primary_key=True)
    lea: str
    provider: str
    agreement_id: str
    student_id: str = Field(index=True)
    referral_id: str = Field(index=True)
    kind: str
    sealed: str = Field(sa_type=Text)
    at: datetime
    who: str
    role: str


NOTE: Final[Table] = table_of(NoteRow)


@dataclass(frozen=True, slots=True)
class Note:
    """One row of :class:`NoteRow`."""

    id: str
    lea: str
    provider: str
    agreement_id: str
    student_id: str
    referral_id: str
    kind: str
    sealed: str = field(repr=False)
    at: datetime
    who: str
    role: str


def add_note(connection: Connection, note: Note) -> bool:
    """Keep a note; False if it is kept already."""
    if connection.scalar(select(NOTE.c.id).where(NOTE.c.id == note.id)) is not None:
        return False
    connection.execute(insert(NOTE), {name: getattr(note, name) for name in Note.__slots__})
    return True


def notes_about(connection: Connection, lea: str, referrals: Collection[str]) -> list[Note]:
    """Return a district's notes about some referrals, in the order they were written."""
    return _found(connection, select(NOTE).where(NOTE.c.lea == lea), referrals)


def notes_for(connection: Connection, provider: str, referral_id: str) -> list[Note]:
    """Return what was shared with a provider about a referral; what may go, the gate decides."""
    shared = select(NOTE).where(NOTE.c.provider == provider, NOTE.c.kind == SHARED)
    return _found(connection, shared, [referral_id])


def _found(
    connection: Connection, query: Select[tuple[object, ...]], referrals: Collection[str]
) -> list[Note]:
    of_them = query.where(NOTE.c.referral_id.in_(sorted(referrals)))
    found = connection.execute(of_them.order_by(NOTE.c.at, NOTE.c.id)).mappings()
    return [Note(**row) for row in found]
