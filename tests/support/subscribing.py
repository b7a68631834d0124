"""Subscriptions as a client makes them, and their notifications sent one after another."""

from dataclasses import dataclass
from typing import Any

from bridge.journeys.partners.send_notifications import Sender
from bridge.parts import parts_of
from bridge.store.database.engine import read
from bridge.store.partners.subscriptions import every_subscription
from tests.support.receiver import Receiver
from tests.support.worlds import FHIR, Json, Web, World

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
TOPIC = "http://hl7.org/fhir/us/sdoh-clinicalcare/SubscriptionTopic/"
MOST = 20
"""One that goes on for longer never ends."""
STATUS = f"{BACKPORT}backport-subscription-status-r4"


def subscription(endpoint: str, *filters: str, **changes: Any) -> Json:  # noqa: ANN401 - JSON
    """Return a Subscription of the Task topic as a client sends it."""
    content = changes.pop("content", "id-only")
    topic = changes.pop("topic", f"{TOPIC}Task")
    channel: Json = {
        "type": "rest-hook",
        "endpoint": endpoint,
        "payload": "application/fhir+json",
        "_payload": {
            "extension": [{"url": f"{BACKPORT}backport-payload-content", "valueCode": content}]
        },
    }
    made: Json = {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "To hear of referrals",
        "criteria": topic,
        "channel": channel | changes.pop("channel", {}),
    }
    if filters:
        url = f"{BACKPORT}backport-filter-criteria"
        made["_criteria"] = {"extension": [{"url": url, "valueString": f} for f in filters]}
    return {name: value for name, value in {**made, **changes}.items() if value is not None}


@dataclass
class Subscribed:
    """One subscription and the sending for its world."""

    world: World
    web: Web
    id: str

    @property
    def sender(self) -> Sender:
        bridge = self.world.bridge
        return Sender((parts_of(bridge), bridge.gate), FHIR, bridge.notifying)

    def send(self) -> int:
        """Send what is due, one notification after another; returns how many were sent."""
        sent = 0
        while sent < MOST and self.sender.send(self.id):
            sent += 1
            if self.row.attempts or self.row.status == "error":
                break
        return sent

    @property
    def row(self) -> Any:  # noqa: ANN401 - a row
        with read(self.world.bridge.engine) as connection:
            return next(s for s in every_subscription(connection) if s.id == self.id)

    def resource(self) -> Json:
        return dict(self.web.get(f"/fhir/Subscription/{self.id}").json())

    def status(self) -> Json:
        bundle = self.web.get(f"/fhir/Subscription/{self.id}/$status").json()
        return dict(bundle["entry"][0]["resource"])

    def events(self, query: str = "") -> Json:
        return dict(self.web.get(f"/fhir/Subscription/{self.id}/$events{query}").json())

    def put(self, resource: Json, **headers: str) -> Any:  # noqa: ANN401 - a response
        etag = {"If-Match": f'W/"{self.row.version}"', **headers}
        place = f"/fhir/Subscription/{self.id}"
        return self.web.send("PUT", place, json=resource, headers=etag)


def subscribed(world: World, resource: Json, client: str = "harbor-ehr") -> Subscribed:
    """Create a subscription; its handshake has not been sent yet."""
    web = world.web(client)
    answer = web.send("POST", "/fhir/Subscription", json=resource)
    assert answer.status_code == 201, answer.text
    return Subscribed(world, web, answer.json()["id"])


def active(world: World, receiver: Receiver, *filters: str, **changes: Any) -> Subscribed:  # noqa: ANN401 - JSON
    """Subscribe, and let the handshake succeed."""
    one = subscribed(world, subscription(receiver.url, *filters, **changes))
    assert one.send() == 1
    assert one.row.status == "active"
    return one


def task(world: World, number: int) -> str:
    """Return the reference to the Task of a student's referral."""
    return f"Task/{world.id_of('Task', f'R-{number}')}"
