"""Other documents of an agreement that take effect on a day to come. Nothing is deleted."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import (
    Column,
    Connection,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlmodel import Field, SQLModel

from bridge.driver import cursor_of, spelled_for, stored_instant
from bridge.schema import table_of
from bridge.store.directory import AgreementEntry, agreements, replace_agreement
from bridge.store.facts.openings import look_at_agreements
from bridge.store.facts.table_documents import digest_of
from bridge.store.intake import touch
from bridge.store.referrals import open_requests


class AgreementChangeRow(SQLModel, table=True):
    """The texts an agreement will have from an instant on; ``applied_at`` once it has them."""

    __tablename__ = "agreement_change"

    agreement_id: str = Field(primary_key=True)
    effective_at: datetime = Field(primary_key=True)
    digest: str
    template_text: str = Field(sa_column=Column(Text, nullable=False))
    agreement_text: str = Field(sa_column=Column(Text, nullable=False))
    jurisdiction: str
    applied_at: datetime | None = None


_CHANGE: Table = table_of(AgreementChangeRow)
_TEXTS = ("template_text", "agreement_text", "jurisdiction")


def keep_change(
    connection: Connection, digest: str, entry: AgreementEntry, effective_at: datetime
) -> bool:
    """Keep what an agreement will say; False if that is what it says, or will say, at the last.

    Another change of the same instant is replaced while it has not taken effect.
    """
    row = _CHANGE.c
    of_agreement = select(_CHANGE).where(row.agreement_id == entry.id)
    last = connection.execute(of_agreement.order_by(row.effective_at.desc()).limit(1)).one_or_none()
    texts = {name: getattr(entry, name) for name in _TEXTS}
    used = next(each for each in agreements(connection) if each.id == entry.id)
    said = last if last is not None else used
    if all(getattr(said, name) == text for name, text in texts.items()):
        return False
    place = {"agreement_id": entry.id, "effective_at": effective_at}
    waiting = [row[name] == value for name, value in place.items()]
    connection.execute(delete(_CHANGE).where(*waiting, row.applied_at.is_(None)))
    # A first day that waits (:func:`keep_first_day`) must not bring back what this replaces.
    first = [row[name] == getattr(used, name) for name in _TEXTS]
    first += [row.agreement_id == entry.id, row.effective_at > effective_at]
    connection.execute(delete(_CHANGE).where(*first, row.applied_at.is_(None)))
    connection.execute(insert(_CHANGE), {**place, "digest": digest, **texts})
    return True


def keep_first_day(
    connection: Connection, digest: str, entry: AgreementEntry, begins: datetime
) -> None:
    """Keep that an agreement put to use before its first day begins on it.

    What came in before is then looked at anew, as after any other change of an agreement.
    """
    texts = {name: getattr(entry, name) for name in _TEXTS}
    row = {"agreement_id": entry.id, "effective_at": begins, "digest": digest, **texts}
    connection.execute(insert(_CHANGE), row)


def next_change(connection: Connection) -> datetime | None:
    """Return when the next change that waits takes effect; None if none waits."""
    first = select(func.min(_CHANGE.c.effective_at)).where(_CHANGE.c.applied_at.is_(None))
    found: datetime | None = connection.execute(first).scalar_one()
    return found


def take_effect(connection: Connection, now: datetime) -> int:
    """Put in place what is due, in the order of its days; returns how many changed.

    Open referrals under it get a new change number: what came in before the day may be seen from
    it on, and whoever polls by time would not learn of it. All else of its students is looked at
    by and by (:mod:`bridge.store.facts.openings`).

    INVARIANT: called before the agreements are read for a decision, in the same transaction, so a
    decision at or after the instant is taken by the new documents and none before it is.
    """
    if not _is_due(connection, now):
        return 0
    due = select(_CHANGE).where(_CHANGE.c.applied_at.is_(None), _CHANGE.c.effective_at <= now)
    rows = connection.execute(due.order_by(_CHANGE.c.effective_at).with_for_update()).all()
    for row in rows:
        used = next(entry for entry in agreements(connection) if entry.id == row.agreement_id)
        texts = {name: getattr(row, name) for name in _TEXTS}
        # By this instant others learn that there is a change: it grows with every one.
        later = max(row.effective_at, used.activated_at + timedelta(microseconds=1))
        look_at_agreements(connection, {used.id}, later, digest_of(connection, used))
        replace_agreement(connection, replace(used, activated_at=later, **texts))
        key = (
            _CHANGE.c.agreement_id == row.agreement_id,
            _CHANGE.c.effective_at == row.effective_at,
        )
        connection.execute(update(_CHANGE).where(*key).values(applied_at=now))
    changed = {row.agreement_id for row in rows}
    touch(connection, open_requests(connection, changed), now)
    return len(rows)


def _is_due(connection: Connection, now: datetime) -> bool:
    # Asked by every decision, of a table that is empty nearly always.
    dialect = connection.dialect.name
    with cursor_of(connection) as cursor:
        sql = spelled_for(dialect, _DUE)
        return cursor.execute(sql, (stored_instant(dialect, now),)).fetchone() is not None


_DUE = "SELECT 1 FROM agreement_change WHERE applied_at IS NULL AND effective_at <= ? LIMIT 1"
