"""What a client does with its own subscriptions. One of another client is as absent as any."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from bridge.errors import BridgeError, ConflictError, Finding, NotFoundError, UnprocessableError
from bridge.identity import Caller, spelled
from bridge.journeys.partners.notification_bundle import Event
from bridge.journeys.partners.number_events import Asking, beside, number_all, subscriber
from bridge.store.intake import let_changes_end
from bridge.store.partners.export_jobs import last_change
from bridge.store.partners.subscriptions import (
    ACTIVE,
    ERROR,
    OFF,
    REQUESTED,
    Subscription,
    drop_subscription,
    locked_subscription,
    put_subscription,
    set_subscription,
    subscriptions_of,
)

MOST: Final = 50
"""So many subscriptions a client may have."""
PROFILE: Final = (
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A Subscription as its client wants it; ``body`` is what is kept of the resource, as JSON."""

    status: str
    topic: str
    kind: str
    criteria: str = field(repr=False)
    ends_at: datetime | None
    body: str = field(repr=False)
    endpoint: str = field(repr=False)
    host: str = field(repr=False)
    content: str
    heartbeat: int = 0
    timeout: int = 0
    most: int = 0


def create_subscription(
    connection: Connection, caller: Caller, asked: Asked, now: datetime
) -> Subscription:
    """Keep a new subscription: what changes from now on is told, once its endpoint has answered.

    Raises:
        UnprocessableError: it asks for another status than ``requested``, or there are too many.
    """
    if asked.status != REQUESTED:
        raise _refused("status", "of a new subscription is requested")
    if len(subscriptions_of(connection, caller.client_id)) >= MOST:
        raise UnprocessableError(Finding("too-costly", f"A client has up to {MOST} subscriptions."))
    let_changes_end(connection)
    made = Subscription(
        id=str(uuid.uuid4()),
        client_id=caller.client_id,
        organization=caller.organization,
        created_at=now,
        last_updated=now,
        changed_through=last_change(connection),
        scopes=spelled(caller.scopes),
        **_columns(asked),
    )
    put_subscription(connection, made)
    return made


def change_subscription(
    connection: Connection,
    caller: Caller,
    key: tuple[str, str | None],
    asked: Asked,
    now: datetime,
) -> Subscription:
    """Change a subscription, turn it off, or ask for it anew after an error.

    Its counter goes on; what waits is sent once the endpoint has answered again. What a change of
    topic or filter would have told of before is not told of.

    Args:
        connection: a write transaction.
        caller: the client.
        key: the id, and If-Match.
        asked: what it is to be.
        now: real time.

    Raises:
        NotFoundError: there is no such subscription of this client.
        ConflictError: without If-Match, or not the current version.
    """
    subscription_id, if_match = key
    found = own_subscription(connection, caller, subscription_id)
    if if_match is None:
        raise ConflictError(428, "Send If-Match with the ETag that was read.")
    if re.sub(r'^(W/)?"(.*)"$', r"\2", if_match.strip()) != str(found.version):
        raise ConflictError(412, "The resource has changed; read it again.")
    if asked.topic != found.topic:
        raise _refused("criteria", "stays what it is; make another subscription")
    goes_on = asked.status == ACTIVE == found.status and asked.endpoint == found.endpoint
    status = OFF if asked.status == OFF else ACTIVE if goes_on else REQUESTED
    values: dict[str, Any] = {
        **_columns(asked),
        "status": status,
        "scopes": spelled(caller.scopes),
        "version": found.version + 1,
        "last_updated": now,
        # Whoever sends for it now sends what it was: that is settled no more.
        "lease": "",
        "leased_until": None,
        "attempts": 0,
        "failing_since": None,
        "retry_at": None,
        "problem": "",
    }
    set_subscription(connection, found.id, **values)
    return replace(found, **values)


def delete_subscription(connection: Connection, caller: Caller, subscription_id: str) -> None:
    """Forget a subscription.

    Raises:
        NotFoundError: there is no such subscription of this client.
    """
    drop_subscription(connection, own_subscription(connection, caller, subscription_id).id)


def replay_subscription(connection: Connection, subscription_id: str, now: datetime) -> None:
    """Let what waits for a subscriber be tried again now, for the operator.

    Raises:
        BridgeError: there is no such subscription, or its client turned it off.
    """
    found = locked_subscription(connection, subscription_id)
    if found is None:
        raise BridgeError("there is no such subscription; see: schoolbridge notifications list")
    if found.status == OFF:
        raise BridgeError("its client turned it off; only that client turns it on again")
    values: dict[str, object] = {"retry_at": None, "failing_since": None}
    if found.status == ERROR:
        values |= {"status": REQUESTED, "version": found.version + 1, "last_updated": now}
    set_subscription(connection, found.id, **values)


def own_subscription(connection: Connection, caller: Caller, subscription_id: str) -> Subscription:
    """Return a client's own subscription, locked.

    Raises:
        NotFoundError: there is no such subscription of this client.
    """
    found = locked_subscription(connection, subscription_id)
    if found is None or found.client_id != caller.client_id:
        raise NotFoundError
    return found


def counted(connection: Connection, asking: Asking, subscription: Subscription) -> Subscription:
    """Return a subscription with its counter as of now: what may be known of now has a number."""
    caller = subscriber(connection, subscription)
    if caller is None or subscription.status == OFF:
        return subscription
    return number_all(connection, asking, subscription, caller)


def catch_up(
    connection: Connection,
    asking: Asking,
    subscription: Subscription,
    numbers: tuple[int, int, int],
) -> tuple[Subscription, Sequence[Event]]:
    """Return a subscription as of now and the events of a range, decided anew.

    Args:
        connection: a write transaction in which the subscription is locked.
        asking: the parts, and the gate.
        subscription: whose.
        numbers: the first, the last, and how many at most.
    """
    subscription = counted(connection, asking, subscription)
    caller = subscriber(connection, subscription)
    if caller is None:
        return subscription, ()
    return subscription, beside(connection, asking[1], subscription, caller, numbers)


def resource_of(subscription: Subscription) -> dict[str, Any]:
    """Return a subscription as the resource its client reads."""
    kept: dict[str, Any] = orjson.loads(subscription.body)
    told = {
        "resourceType": "Subscription",
        "id": subscription.id,
        "meta": {
            "versionId": str(subscription.version),
            "lastUpdated": subscription.last_updated.isoformat(timespec="milliseconds"),
            "profile": [PROFILE],
        },
        "status": subscription.status,
        **kept,
    }
    if subscription.status == ERROR and subscription.problem:
        told["error"] = subscription.problem
    return told


def _columns(asked: Asked) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in Asked.__slots__}


def _refused(place: str, text: str) -> UnprocessableError:
    place = f"Subscription.{place}"
    return UnprocessableError(Finding("not-supported", f"{place} {text}.", place))
