"""What a subscriber is sent: a history Bundle that begins with the status of its subscription.

Source: HL7 Subscriptions R5 Backport 1.1.0, the R4 profiles *Topic-Based Subscription Notification
Bundle* and *Backported R5 Subscription Status*.

INVARIANT: an event gets into a Bundle only as something the gate released; no content of it does.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from bridge.gate import ReleasedResource
from bridge.store.partners.subscriptions import Subscription

_PROFILE: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
STATUS_PROFILE: Final = f"{_PROFILE}backport-subscription-status-r4"
BUNDLE_PROFILE: Final = f"{_PROFILE}backport-subscription-notification-r4"
EMPTY, ID_ONLY = "empty", "id-only"
CONTENTS: Final = (EMPTY, ID_ONLY)

Event = tuple[int, ReleasedResource]
"""The number of an event, and the record it is about as it was released."""


def notification(
    subscription: Subscription, kind: str, events: Sequence[Event], place: tuple[str, datetime]
) -> dict[str, Any]:
    """Return a notification, or the answer of ``$events``.

    Args:
        subscription: whose; its counter is told.
        kind: ``handshake``, ``heartbeat``, ``event-notification`` or ``query-event``.
        events: what is told, in order of their numbers.
        place: the base URL of the server, and the time of the Bundle.
    """
    base, at = place
    released = {(each.type, each.id): each for _, each in events}
    shown = released.values() if subscription.content == ID_ONLY else ()
    return {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "meta": {"profile": [BUNDLE_PROFILE]},
        "type": "history",
        "timestamp": at.isoformat(timespec="milliseconds"),
        "entry": [
            {
                "fullUrl": f"urn:uuid:{uuid.uuid4()}",
                "resource": status_of(subscription, kind, base, events),
                "request": {
                    "method": "GET",
                    "url": f"{base}/Subscription/{subscription.id}/$status",
                },
                "response": {"status": "200"},
            },
            *(_entry(base, each) for each in shown),
        ],
    }


def status_of(
    subscription: Subscription, kind: str, base: str, events: Sequence[Event] = ()
) -> dict[str, Any]:
    """Return the status of a subscription as a Parameters resource."""
    shows = subscription.content == ID_ONLY
    place = f"{base}/Subscription/{subscription.id}"
    told: list[dict[str, Any]] = [
        {"name": "subscription", "valueReference": {"reference": place}},
        {"name": "status", "valueCode": subscription.status},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(subscription.events)},
    ]
    if shows:  # with an empty payload the topic is not told either
        told.insert(1, {"name": "topic", "valueCanonical": subscription.topic})
    told += [{"name": "notification-event", "part": _parts(base, each, shows)} for each in events]
    if subscription.problem:
        told.append({"name": "error", "valueCodeableConcept": {"text": subscription.problem}})
    return {
        "resourceType": "Parameters",
        "id": str(uuid.uuid4()),
        "meta": {"profile": [STATUS_PROFILE]},
        "parameter": told,
    }


def _parts(base: str, event: Event, shows: bool) -> list[dict[str, Any]]:
    number, released = event
    parts: list[dict[str, Any]] = [{"name": "event-number", "valueString": str(number)}]
    if shows:
        focus = {"reference": f"{base}/{released.type}/{released.id}"}
        parts.append({"name": "focus", "valueReference": focus})
    return parts


def _entry(base: str, released: ReleasedResource) -> dict[str, Any]:
    place = f"{released.type}/{released.id}"
    return {
        "fullUrl": f"{base}/{place}",
        "request": {"method": "GET", "url": place},
        "response": {"status": "200"},
    }
