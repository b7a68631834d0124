"""Who is told by mail that referrals wait: addresses, and when the next mail is due."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select, update

from bridge.schema import table_of
from bridge.store.partners.notification_tables import DigestContactRow

_CONTACT: Final = table_of(DigestContactRow)


@dataclass(frozen=True, slots=True)
class DigestContact:
    """One row of :class:`bridge.store.partners.notification_tables.DigestContactRow`."""

    client_id: str
    address: str = field(repr=False)
    hours: int
    next_at: datetime
    attempts: int = 0
    failing_since: datetime | None = None
    sent_at: datetime | None = None
    lease: str = ""
    leased_until: datetime | None = None
    refused: int = 0


def put_contact(connection: Connection, contact: DigestContact) -> None:
    """Keep an address, in place of what was kept of it: a refusal is forgotten."""
    drop_contact(connection, contact.client_id, contact.address)
    row = {name: getattr(contact, name) for name in DigestContact.__slots__}
    connection.execute(insert(_CONTACT), row)


def drop_contact(connection: Connection, client_id: str, address: str) -> bool:
    """Forget an address; False if there is none."""
    dropped = connection.execute(delete(_CONTACT).where(_is(client_id, address)))
    return bool(dropped.rowcount)


def contacts(connection: Connection) -> list[DigestContact]:
    """Return every address, for the operator."""
    ordered = select(_CONTACT).order_by(_CONTACT.c.client_id, _CONTACT.c.address)
    return [DigestContact(**row) for row in connection.execute(ordered).mappings()]


def take_due(
    connection: Connection, now: datetime, lease: str, until: datetime
) -> DigestContact | None:
    """Return an address whose mail is due, taken by its lease; None if none is."""
    row = _CONTACT.c
    free = or_(row.leased_until.is_(None), row.leased_until <= now)
    due = select(_CONTACT).where(row.next_at <= now, row.refused == 0, free)
    found = connection.execute(
        due.order_by(row.next_at).limit(1).with_for_update(skip_locked=True)
    ).mappings()
    contact = next((DigestContact(**each) for each in found), None)
    if contact is not None:
        changed = update(_CONTACT).where(_is(contact.client_id, contact.address))
        connection.execute(changed.values(lease=lease, leased_until=until))
    return contact


def settle_contact(
    connection: Connection, contact: DigestContact, lease: str, values: dict[str, Any]
) -> None:
    """Keep what came of a mail, unless someone else has taken it over."""
    mine = and_(_is(contact.client_id, contact.address), _CONTACT.c.lease == lease)
    free = {"lease": "", "leased_until": None}
    connection.execute(update(_CONTACT).where(mine).values(**free, **values))


def _is(client_id: str, address: str) -> ColumnElement[bool]:
    return and_(_CONTACT.c.client_id == client_id, _CONTACT.c.address == address)
