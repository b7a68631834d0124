"""Who looked at which page about a person, and when. Rows are added and never changed.

A page is kept as its address, which holds opaque keys and no name: what the log says of a student
can be read by those alone who may see the student anyway.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Index, Table, delete, insert, select
from sqlmodel import Field, SQLModel

from bridge.schema import table_of


class PageLookRow(SQLModel, table=True):
    """One look at one page by somebody of a district or a provider: ``lea`` says of which."""

    __tablename__ = "page_look"
    __table_args__ = (Index("ix_page_look_lea_at", "lea", "at"),)

    id: str = Field(primary_key=True)
    lea: str
    at: datetime
    who: str
    role: str
    path: str


LOOK: Final[Table] = table_of(PageLookRow)


@dataclass(frozen=True, slots=True)
class PageLook:
    """One row of :class:`PageLookRow`."""

    id: str
    lea: str
    at: datetime
    who: str
    role: str
    path: str


def add_look(connection: Connection, look: PageLook) -> None:
    """Keep that somebody looked."""
    connection.execute(insert(LOOK), {name: getattr(look, name) for name in PageLook.__slots__})


def looks_of(
    connection: Connection, organization: str, cut: tuple[int, int], who: str = ""
) -> list[PageLook]:
    """Return the looks of an organisation's people, the newest first.

    Args:
        connection: the database.
        organization: a district or a provider.
        cut: how many are left out first, and how many there are at most.
        who: of one of them alone; "" for all.
    """
    newest = select(LOOK).where(LOOK.c.lea == organization).order_by(LOOK.c.at.desc(), LOOK.c.id)
    own = newest.where(LOOK.c.who == who) if who else newest
    first, most = cut
    return [PageLook(**row) for row in connection.execute(own.offset(first).limit(most)).mappings()]


def drop_looks_before(connection: Connection, moment: datetime) -> int:
    """Forget the looks before a moment; returns how many. On PostgreSQL the owner's alone."""
    return connection.execute(delete(LOOK).where(LOOK.c.at < moment)).rowcount
