"""Subscriptions of clients and the events numbered for them: references, never content."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, and_, delete, func, insert, select, update

from bridge.driver import cursor_of, read_instant, spelled_for, stored_instant
from bridge.schema import table_of
from bridge.store.facts.evidence import ALWAYS_TO
from bridge.store.partners.notification_tables import NotificationEventRow, SubscriptionRow

_SUBSCRIPTION: Final = table_of(SubscriptionRow)
_EVENT: Final = table_of(NotificationEventRow)
REQUESTED, ACTIVE, ERROR, OFF = "requested", "active", "error", "off"
KINDS: Final = ("ServiceRequest", "Task")
"""The types of records that can be subscribed to."""
STATUSES: Final = (REQUESTED, ACTIVE, ERROR, OFF)
FORGOTTEN: Final = 1_000_000
"""No more events than this are numbered between a copy and the day it is put in place."""
KEPT_FOR: Final = timedelta(days=30)
"""How long a delivered event can be asked for again."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One row of :class:`bridge.store.partners.notification_tables.SubscriptionRow`."""

    id: str
    client_id: str
    organization: str
    scopes: str
    status: str
    topic: str
    kind: str
    criteria: str = field(repr=False)
    endpoint: str = field(repr=False)
    host: str = field(repr=False)
    content: str
    heartbeat: int
    timeout: int
    most: int
    ends_at: datetime | None
    body: str = field(repr=False)
    created_at: datetime
    last_updated: datetime
    changed_through: int
    version: int = 1
    events: int = 0
    delivered: int = 0
    attempts: int = 0
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    sent_at: datetime | None = None
    lease: str = ""
    leased_until: datetime | None = None
    problem: str = ""


class Waiting(NamedTuple):
    """A subscription that may be sent to now, as far as it says whether there is anything to send.

    Attributes:
        ends_at: when it ends; None if it does not.
        beats_at: when its next heartbeat is due if nothing is told before; None if it has none.
    """

    id: str
    organization: str
    host: str
    kind: str
    status: str
    version: int
    events: int
    delivered: int
    attempts: int
    changed_through: int
    ends_at: datetime | None
    beats_at: datetime | None


def put_subscription(connection: Connection, subscription: Subscription) -> None:
    """Keep a new subscription."""
    row = {each.name: getattr(subscription, each.name) for each in fields(subscription)}
    connection.execute(insert(_SUBSCRIPTION), row)


def locked_subscription(connection: Connection, subscription_id: str) -> Subscription | None:
    """Return a subscription, locked until the transaction ends; None if there is none."""
    query = select(_SUBSCRIPTION).where(_SUBSCRIPTION.c.id == subscription_id).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    return Subscription(**row) if row else None


def subscriptions_of(connection: Connection, client_id: str) -> list[Subscription]:
    """Return a client's own subscriptions, the oldest first."""
    query = select(_SUBSCRIPTION).where(_SUBSCRIPTION.c.client_id == client_id)
    return _found(connection, query)


def every_subscription(connection: Connection) -> list[Subscription]:
    """Return every client's subscriptions, the oldest first, for the operator."""
    return _found(connection, select(_SUBSCRIPTION))


def waiting_subscriptions(connection: Connection, now: datetime) -> list[Waiting]:
    """Return those that may be sent to now: nobody does it, and none of them is to wait longer.

    Whoever took something longest ago comes first.
    """
    dialect = connection.dialect.name
    at = stored_instant(dialect, now)
    with cursor_of(connection) as cursor:
        found = cursor.execute(spelled_for(dialect, _WAITING), (at, at)).fetchall()
    return [_waiting(*row) for row in found]


_WAITING: Final = (
    "SELECT id, organization, host, kind, status, version, events, delivered, attempts,"  # noqa: S608 - names of ours
    " changed_through, ends_at, heartbeat, coalesce(sent_at, created_at) FROM subscription"
    f" WHERE status IN ('{REQUESTED}', '{ACTIVE}') AND (retry_at IS NULL OR retry_at <= ?)"
    " AND (leased_until IS NULL OR leased_until <= ?)"
    " ORDER BY sent_at IS NOT NULL, sent_at, created_at, id"
)


def _waiting(*row: Any) -> Waiting:  # noqa: ANN401 - the driver's
    *first, ends_at, heartbeat, last = row
    beats_at = None
    if heartbeat:
        beats_at = (read_instant(last) or ALWAYS_TO) + timedelta(seconds=heartbeat)
    return Waiting._make((*first, read_instant(ends_at), beats_at))


def changed_after(connection: Connection, change: int) -> list[tuple[str, str, str, int]]:
    """Return which records changed after a change: type, audience, custodian and the last change.

    Of the types that can be subscribed to. Nothing of it is told to anybody: only whether the gate
    is to be asked.
    """
    dialect = connection.dialect.name
    # By the number of the change alone: few changed, however many are whosever.
    index = " INDEXED BY ix_record_type" if dialect == "sqlite" else ""
    sql = (
        f"SELECT type, audience, custodian, max(change) FROM record{index} WHERE type IN"  # noqa: S608 - names of ours
        f" ({', '.join('?' * len(KINDS))}) AND change > ? GROUP BY type, audience, custodian"
    )
    with cursor_of(connection) as cursor:
        return list(cursor.execute(spelled_for(dialect, sql), (*KINDS, change)).fetchall())


def oldest_waiting(connection: Connection) -> datetime | None:
    """Return when the oldest event was numbered that will still be sent; None if none waits."""
    row = _SUBSCRIPTION.c
    query = (
        select(func.min(_EVENT.c.numbered_at))
        .join(_SUBSCRIPTION, row.id == _EVENT.c.subscription_id)
        .where(row.status.in_((REQUESTED, ACTIVE)), _EVENT.c.number > row.delivered)
    )
    found: datetime | None = connection.scalar(query)
    return found


def begin_numbers_anew(connection: Connection) -> None:
    """Go on behind every number a copy that was put in place may have forgotten, and tell all anew.

    A receiver counts each number once: one that it has counted already would be lost to it.
    """
    last = _SUBSCRIPTION.c.events + FORGOTTEN
    values = {"events": last, "delivered": last, "changed_through": 0}
    connection.execute(update(_SUBSCRIPTION).values(**values))


def set_subscription(connection: Connection, subscription_id: str, **values: object) -> None:
    """Change columns of a subscription that the caller has locked."""
    changed = update(_SUBSCRIPTION).where(_SUBSCRIPTION.c.id == subscription_id)
    connection.execute(changed.values(**values))


def drop_subscription(connection: Connection, subscription_id: str) -> None:
    """Forget a subscription and its events."""
    connection.execute(delete(_EVENT).where(_EVENT.c.subscription_id == subscription_id))
    connection.execute(delete(_SUBSCRIPTION).where(_SUBSCRIPTION.c.id == subscription_id))


def put_events(
    connection: Connection, subscription: Subscription, record_ids: Sequence[str], at: datetime
) -> None:
    """Number events after the last one of a subscription that the caller has locked."""
    rows = [
        {
            "subscription_id": subscription.id,
            "number": subscription.events + n,
            "record_id": record_id,
            "numbered_at": at,
        }
        for n, record_id in enumerate(record_ids, start=1)
    ]
    if rows:
        connection.execute(insert(_EVENT), rows)


def events_of(
    connection: Connection, subscription_id: str, first: int, last: int, limit: int
) -> list[tuple[int, str]]:
    """Return number and record of the first events of a range, in order."""
    row = _EVENT.c
    query = (
        select(row.number, row.record_id)
        .where(row.subscription_id == subscription_id, row.number.between(first, last))
        .order_by(row.number)
        .limit(limit)
    )
    return [(found.number, found.record_id) for found in connection.execute(query)]


def take_events_back(connection: Connection, subscription_id: str, after: int) -> None:
    """Forget the events with higher numbers, of which nobody has been told."""
    row = _EVENT.c
    connection.execute(
        delete(_EVENT).where(row.subscription_id == subscription_id, row.number > after)
    )


def forget_events(connection: Connection, subscription: Subscription, now: datetime) -> None:
    """Forget delivered events that were numbered long ago."""
    row = _EVENT.c
    old = and_(row.number <= subscription.delivered, row.numbered_at < now - KEPT_FOR)
    connection.execute(delete(_EVENT).where(row.subscription_id == subscription.id, old))


def _found(connection: Connection, query: Select[Any]) -> list[Subscription]:
    ordered = query.order_by(_SUBSCRIPTION.c.created_at, _SUBSCRIPTION.c.id)
    return [Subscription(**row) for row in connection.execute(ordered).mappings()]
