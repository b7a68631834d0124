"""From changes to numbered events: what a subscriber may know of now, and nothing else.

Events are found by the change cursor, as a poller finds them, and numbered one after another in the
transaction that lets somebody be told of them. A change of what is withheld gets no number, so the
numbers have no gap that could tell of it (docs/adr/0039).

INVARIANT: whoever is told of an event is told by what the gate releases in this transaction. A
number once told of stays; if its record may no longer be known, the number stands for the next
event that may, or for the one before, as if that record had changed twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import orjson
from sqlalchemy import Connection

from bridge.gate import Gate, Match, Query, ReleasedResource
from bridge.identity import Caller, client_caller
from bridge.journeys.partners.notification_bundle import Event
from bridge.parts import Parts
from bridge.store.intake import let_changes_end
from bridge.store.partners.export_jobs import last_change
from bridge.store.partners.subscriptions import (
    Subscription,
    events_of,
    put_events,
    set_subscription,
)

MOST_AT_ONCE: Final = 100
"""So many events are numbered in one transaction, and are in one answer."""
NEEDED: Final = ("read", "search-type")
"""What a client must be allowed to do with a type to be told of its changes."""

Asking = tuple[Parts, Gate]


def subscriber(connection: Connection, subscription: Subscription) -> Caller | None:
    """Return who is told, as of this writing transaction; None if it may not be told of the type.

    Nothing is lost to one that is let in again: the search goes on from where it stands.
    """
    caller = client_caller(connection, subscription.client_id, subscription.scopes)
    if caller is None or caller.organization != subscription.organization:
        return None
    may = all(caller.limits(subscription.kind, each) for each in NEEDED)
    return caller if may else None


def number_new(
    connection: Connection,
    asking: Asking,
    subscription: Subscription,
    caller: Caller,
    most: int = MOST_AT_ONCE,
) -> tuple[Subscription, list[Event]]:
    """Number what changed since a subscription was last looked at.

    Args:
        connection: a write transaction in which the subscription is locked.
        asking: the parts, and the gate.
        subscription: whose.
        caller: who is told.
        most: how many events at most.

    Raises:
        GateError: the decision could not be taken; nothing was numbered.
    """
    parts, gate = asking
    let_changes_end(connection)
    query = replace(_query(subscription), after_change=subscription.changed_through, limit=most)
    found = gate.search_within(connection, caller, query, ((), request_of(subscription)))
    through = found.last_change if len(found.matches) == most else last_change(connection)
    ids = [released.id for released in found.matches]
    put_events(connection, subscription, ids, parts.clock.real_now())
    numbered = list(enumerate(found.matches, start=subscription.events + 1))
    last = subscription.events + len(ids)
    set_subscription(connection, subscription.id, changed_through=through, events=last)
    return replace(subscription, changed_through=through, events=last), numbered


def number_all(
    connection: Connection, asking: Asking, subscription: Subscription, caller: Caller
) -> Subscription:
    """Do :func:`number_new` until nothing is left, for who asks for the counter itself."""
    for _ in range(20):
        before = subscription.events
        subscription, _new = number_new(connection, asking, subscription, caller)
        if subscription.events == before:
            break
    return subscription


def told_again(
    connection: Connection,
    gate: Gate,
    subscription: Subscription,
    caller: Caller,
    numbers: tuple[int, int, int],
) -> list[Event]:
    """Release the records of numbered events once more, as far as they may be known now.

    Args:
        connection: a write transaction.
        gate: the gate.
        subscription: whose events.
        caller: who is told.
        numbers: the first, the last, and how many at most.

    Returns:
        Every number of the range, without a gap; empty if none of the records may be known.
    """
    first, last, most = numbers
    kept = events_of(connection, subscription.id, first, last, most)
    released = _released(connection, gate, subscription, caller, [each for _, each in kept])
    return filled([(number, released.get(record_id)) for number, record_id in kept])


def beside(
    connection: Connection,
    gate: Gate,
    subscription: Subscription,
    caller: Caller,
    numbers: tuple[int, int, int],
) -> list[Event]:
    """Do :func:`told_again`; numbers of which no record may be known stand for one beside them."""
    first, last, most = numbers
    told = told_again(connection, gate, subscription, caller, numbers)
    kept = [] if told else events_of(connection, subscription.id, first, last, most)
    if not kept:
        return told
    for others in ((last + 1, subscription.events), (max(1, first - MOST_AT_ONCE), first - 1)):
        near = told_again(connection, gate, subscription, caller, (*others, MOST_AT_ONCE))
        if near:
            _, released = near[0] if others[0] > last else near[-1]
            return [(number, released) for number, _ in kept]
    return []


def filled(events: Sequence[tuple[int, ReleasedResource | None]]) -> list[Event]:
    """Let numbers whose record may not be known stand for the next event, or the last before."""
    found: list[Event] = []
    following: ReleasedResource | None = None
    for number, released in reversed(events):
        following = released or following
        if following is not None:
            found.append((number, following))
    found.reverse()
    if found:
        _, last = found[-1]
        found += [(number, last) for number, _ in events[len(found) :]]
    return found


def request_of(subscription: Subscription) -> str:
    """Return what the ledger names as the request that led to a notification."""
    return f"subscription {subscription.id}"


def _query(subscription: Subscription) -> Query:
    wanted = orjson.loads(subscription.criteria)
    matches = tuple(
        Match(name, tuple((system, value) for system, value in values))
        for name, values in wanted["matches"]
    )
    return Query(subscription.kind, ids=tuple(wanted["ids"]), matches=matches)


def _released(
    connection: Connection,
    gate: Gate,
    subscription: Subscription,
    caller: Caller,
    record_ids: Sequence[str],
) -> dict[str, ReleasedResource]:
    ids = tuple(dict.fromkeys(record_ids))
    if not ids:
        return {}
    query = Query(subscription.kind, ids=ids, limit=len(ids), interaction="read")
    found = gate.search_within(connection, caller, query, ((), request_of(subscription)))
    return {released.id: released for released in found.matches}
