"""What people have typed into the portal and not sent yet: sealed, and kept for days."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Text, delete, insert, select, update
from sqlmodel import Field, SQLModel

from bridge.schema import table_of


class DraftRow(SQLModel, table=True):
    """One draft.

    ``owner`` is a keyed digest of who types it, ``sealed`` what was typed, readable under the
    deployment's secret alone. ``became`` is the number of what it was sent as; then nothing of the
    text is kept.
    """

    __tablename__ = "portal_draft"

    id: str = Field(primary_key=True)
    owner: str = Field(index=True)
    kind: str
    sealed: str = Field(sa_type=Text)
    became: str = ""
    expires_at: datetime = Field(index=True)


_DRAFT: Final = table_of(DraftRow)


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """One row of :class:`DraftRow`."""

    id: str
    owner: str
    kind: str
    sealed: str = field(repr=False)
    became: str
    expires_at: datetime


def put_draft(connection: Connection, draft: KeptDraft) -> None:
    """Keep a draft; what was sent stays as it is."""
    values = {name: getattr(draft, name) for name in KeptDraft.__slots__}
    row = _DRAFT.c
    known = connection.execute(select(row.became).where(row.id == draft.id).with_for_update())
    became = known.scalar_one_or_none()
    if became is None:
        connection.execute(insert(_DRAFT), values)
    elif not became:
        mine = (row.id == draft.id) & (row.owner == draft.owner)
        connection.execute(update(_DRAFT).where(mine).values(values))


def drafts_of(
    connection: Connection, owner: str, kind: str, now: datetime, draft_id: str = ""
) -> list[KeptDraft]:
    """Return the drafts of one person that are kept still; the one that ends last comes first."""
    row = _DRAFT.c
    mine = (row.owner == owner) & (row.kind == kind) & (row.expires_at > now)
    if draft_id:
        mine &= row.id == draft_id
    found = connection.execute(select(_DRAFT).where(mine).order_by(row.expires_at.desc(), row.id))
    return [KeptDraft(**each) for each in found.mappings()]


def drop_draft(connection: Connection, owner: str, draft_id: str) -> None:
    """Forget a draft."""
    row = _DRAFT.c
    connection.execute(delete(_DRAFT).where((row.id == draft_id) & (row.owner == owner)))


def drop_drafts_before(connection: Connection, now: datetime) -> int:
    """Forget every draft whose time is over; returns how many."""
    return connection.execute(delete(_DRAFT).where(_DRAFT.c.expires_at <= now)).rowcount
