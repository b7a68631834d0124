"""What is pushed tells no more than what may be asked for: rows 44, 45, 46 and 48 of the matrix.

Each test is then called on a bridge with a planted fault, and must fail.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, text

from bridge.gate.released import GATE_MARK, ReleasedResource
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.partners import notification_bundle, number_events, send_notifications
from bridge.journeys.partners.notification_bundle import Event
from bridge.store.database.engine import read
from bridge.store.partners.export_jobs import last_change
from bridge.store.partners.subscriptions import Subscription, events_of, set_subscription
from tests.leaks.callers import Opened
from tests.leaks.trio import populated
from tests.leaks.viewpoints import VIEWPOINTS, Variant, answer, send, stir_for_provider
from tests.support.receiver import Receiver, events_in, receiving, told
from tests.support.subscribing import Subscribed, active, subscription, task
from tests.support.worlds import NOW, World, make_world, referral

Planting = pytest.MonkeyPatch
PROVIDER = VIEWPOINTS[0]
BEAT = timedelta(seconds=60)
_RANDOM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_HOOK = re.compile(r"127\.0\.0\.1:[0-9]+")


@contextmanager
def noticed() -> Iterator[None]:
    """Hold where what is called inside notices the fault."""
    with pytest.raises(AssertionError):
        yield


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[World]:
    made = make_world(f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path)
    yield made
    made.bridge.engine.dispose()


def revoke(world: World, number: int) -> None:
    request = world.id_of("ServiceRequest", f"R-{number}")
    issued = world.bridge.identifiers.issue("release", request, "education")
    assert revoke_release(world.parts, issued)


# --- three worlds (44, 46) ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Opened, ...]:
    return populated(PROVIDER, tmp_path_factory.mktemp("worlds"))


def traffic(opened: Opened, variant: Variant) -> list[bytes]:
    """Return all that a subscriber of one world hears and is answered, random ids left out."""
    said: list[bytes] = []
    with receiving() as receiver:
        web = opened.web("harbor intake")
        made = web.send("POST", "/fhir/Subscription", json=subscription(receiver.url))
        one = Subscribed(opened.world, web, made.json()["id"])
        for turn in range(2):
            opened.at(NOW + timedelta(minutes=200 + 10 * turn))
            stir_for_provider(opened, variant, turn)
            sent = [one.send()]
            send(opened, 201 + 10 * turn, referral(200 + turn))
            sent.append(one.send())
            answer(opened, 202 + 10 * turn, 200 + turn, "accepted", consent="guardian")
            opened.at(NOW + timedelta(minutes=203 + 10 * turn))
            sent += [one.send()]
            said += [orjson.dumps(sent), orjson.dumps([one.status(), one.events()])]
        said += [orjson.dumps(bundle) for bundle in receiver.came]
        said.append(orjson.dumps(one.resource()))
    opened.world.bridge.engine.dispose()
    return [_HOOK.sub("*", _RANDOM.sub("*", each.decode())).encode() for each in said]


def test_subscribers_of_three_worlds_hear_the_same(
    models: tuple[Opened, ...], tmp_path: Path
) -> None:
    full, absent, different = (
        traffic(model.copied(tmp_path / variant.value), variant)
        for model, variant in zip(models, Variant, strict=True)
    )

    assert len(full) > 6
    assert b"event-notification" in b"".join(full)
    assert full == absent
    assert full == different


def counts_all(monkeypatch: Planting) -> None:
    """Let the counter follow every change, whoever may know of it."""

    def wrong(
        connection: Connection, _gate: object, found: Subscription, *_: object
    ) -> list[Event]:
        set_subscription(connection, found.id, version=last_change(connection))
        return []

    monkeypatch.setattr(send_notifications, "told_again", wrong)


def hears_of_changes(monkeypatch: Planting) -> None:
    """Send a heartbeat whenever anything was looked at anew."""
    seen: set[tuple[str, int]] = set()

    def wrong(found: Subscription, _now: object) -> bool:
        place = (found.id, found.changed_through)
        new = place not in seen
        seen.add(place)
        return new

    monkeypatch.setattr(send_notifications, "_heart_beats", wrong)


@pytest.mark.parametrize("fault", [counts_all, hears_of_changes], ids=lambda f: f.__name__)
def test_a_sender_that_tells_of_hidden_changes_is_noticed(
    fault: Callable[[Planting], None],
    models: tuple[Opened, ...],
    tmp_path: Path,
    monkeypatch: Planting,
) -> None:
    fault(monkeypatch)
    with noticed():
        test_subscribers_of_three_worlds_hear_the_same(models, tmp_path)


# --- decided at each try (44, 48) ---------------------------------------------------------------


def test_what_is_revoked_before_it_is_sent_is_not_sent(lite: World, receiver: Receiver) -> None:
    one = active(lite, receiver)

    lite.refer([referral(1), referral(2)])
    revoke(lite, 1)
    one.send()
    assert receiver.events() == [(1, task(lite, 2))]
    assert told(one.events(), "events-since-subscription-start") == "1"


def test_what_is_revoked_between_two_tries_is_not_sent_again_and_leaves_no_gap(
    lite: World, receiver: Receiver
) -> None:
    one = active(lite, receiver)
    receiver.answer = lambda _: (503, {})
    lite.refer([referral(1)])
    one.send()
    tried = len(receiver.came)
    revoke(lite, 1)
    receiver.answer = lambda _: (200, {})
    lite.clock.advance(timedelta(minutes=1))
    one.web = lite.web()

    one.send()
    assert len(receiver.came) == tried
    lite.refer([referral(2)])
    one.send()
    # Its number was told of once, so it stands for the next event: that has one of its own too.
    assert events_in(receiver.came[-1]) == [(1, task(lite, 2)), (2, task(lite, 2))]
    assert {focus for _, focus in events_in(one.events())} == {task(lite, 2)}
    assert [number for number, _ in events_in(one.events())] == [1, 2]


def as_it_was(
    connection: Connection,
    _gate: object,
    found: Subscription,
    _caller: object,
    numbers: Any,  # noqa: ANN401 - as the function it stands for
) -> list[Event]:
    """Tell again what was decided once."""
    first, last, most = numbers
    kept = events_of(connection, found.id, first, last, most)
    return [(n, ReleasedResource(found.kind, i, "", NOW, b"{}", mark=GATE_MARK)) for n, i in kept]


def test_a_sender_that_does_not_decide_again_is_noticed(
    lite: World, receiver: Receiver, monkeypatch: Planting
) -> None:
    monkeypatch.setattr(send_notifications, "told_again", as_it_was)
    with noticed():
        test_what_is_revoked_between_two_tries_is_not_sent_again_and_leaves_no_gap(lite, receiver)


def test_a_sender_that_numbers_before_it_asks_is_noticed(
    lite: World, receiver: Receiver, monkeypatch: Planting
) -> None:
    right = number_events.filled

    def gaps(events: Sequence[tuple[int, ReleasedResource | None]]) -> list[Event]:
        there = {number for number, released in events if released is not None}
        return [event for event in right(events) if event[0] in there]

    monkeypatch.setattr(number_events, "filled", gaps)
    with noticed():
        test_what_is_revoked_between_two_tries_is_not_sent_again_and_leaves_no_gap(lite, receiver)


def test_what_waits_in_the_database_is_references(lite: World, receiver: Receiver) -> None:
    one = active(lite, receiver)
    receiver.answer = lambda _: (503, {})
    lite.refer([referral(1)])
    one.send()

    kept = dump(lite, "subscription") + dump(lite, "notification_event")
    assert task(lite, 1).partition("/")[2] in kept
    stored = orjson.dumps(lite.stored("Task", task(lite, 1).partition("/")[2])).decode()
    for word in ("Winterbourne", "requested", lite.id_of("Patient", "1001"), "authoredOn"):
        assert word in stored or word.startswith("W") or "-" in word
        assert word not in kept


def dump(world: World, table: str) -> str:
    with read(world.bridge.engine) as connection:
        rows = connection.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608 - a name of ours
    return "\n".join(str(tuple(row)) for row in rows)


def test_a_queue_that_keeps_payloads_is_noticed(
    lite: World, receiver: Receiver, monkeypatch: Planting
) -> None:
    right = number_events.put_events

    def wrong(connection: Connection, found: Subscription, ids: Sequence[str], at: Any) -> None:  # noqa: ANN401 - as the function it stands for
        right(connection, found, ids, at)
        bodies = text("SELECT body FROM record WHERE type = 'Task' AND id = :id")
        for each in ids:
            body = connection.execute(bodies, {"id": each}).scalar_one()
            set_subscription(connection, found.id, body=found.body[:-1] + f',"kept":{body}}}')

    monkeypatch.setattr(number_events, "put_events", wrong)
    with noticed():
        test_what_waits_in_the_database_is_references(lite, receiver)


# --- the payload (45) ---------------------------------------------------------------------------


def test_a_notification_holds_ids_and_a_pull_decides_again(lite: World, receiver: Receiver) -> None:
    one = active(lite, receiver)
    lite.refer([referral(1)])
    one.send()

    (bundle,) = receiver.of("event-notification")
    resources = [entry["resource"] for entry in bundle["entry"] if "resource" in entry]
    assert [each["resourceType"] for each in resources] == ["Parameters"]
    (_, place), *_ = receiver.events()
    assert one.web.get(f"/fhir/{place}").status_code == 200
    revoke(lite, 1)
    assert one.web.get(f"/fhir/{place}").status_code == 404


def test_a_notification_with_the_resource_in_it_is_noticed(
    lite: World, receiver: Receiver, monkeypatch: Planting
) -> None:
    right = notification_bundle._entry

    def wrong(base: str, released: ReleasedResource) -> dict[str, Any]:
        return {**right(base, released), "resource": orjson.loads(released.body)}

    monkeypatch.setattr(notification_bundle, "_entry", wrong)
    with noticed():
        test_a_notification_holds_ids_and_a_pull_decides_again(lite, receiver)
