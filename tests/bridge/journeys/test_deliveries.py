"""The worker: whose turn it is, what a dead process leaves, and who waits for whom."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
from structlog.testing import capture_logs

from bridge.clock import SystemClock
from bridge.identity.signing import SigningKey
from bridge.journeys.partners import deliver_notifications
from bridge.journeys.partners.send_notifications import Sender
from tests.support.delivering import delivering
from tests.support.hostile_server import hostile, waits
from tests.support.receiver import Receiver, receiving
from tests.support.subscribing import BACKPORT, active, subscribed, subscription, task
from tests.support.worlds import COVE, Json, World, referral

WAIT = {"url": f"{BACKPORT}backport-timeout", "valueUnsignedInt": 2}


def until(true: object, seconds: float = 20.0) -> None:
    """Wait until a function returns something true."""
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_several_workers_tell_each_subscriber_everything_once(world: World) -> None:
    with receiving() as receiver, delivering(world.bridge, 3):
        ones = [subscribed(world, subscription(f"{receiver.url}{n}")) for n in range(3)]
        until(lambda: all(one.row.status == "active" for one in ones))
        for start in range(0, 12, 4):
            world.refer(referral(n) for n in range(start, start + 4))
        until(lambda: len(receiver.effects) == 36)
        until(lambda: all(one.row.delivered == 12 for one in ones))

    assert receiver.repeats == 0
    for one in ones:
        told = {number: place for (of, number), place in receiver.effects.items() if of == one.id}
        assert sorted(told) == list(range(1, 13))
        assert set(told.values()) == {task(world, n) for n in range(12)}


def test_what_a_dead_process_began_is_sent_under_its_numbers_once_its_lease_is_over(
    world: World, receiver: Receiver
) -> None:
    one = active(world, receiver)
    world.refer([referral(1)])
    with world.bridge.engine.begin() as connection:
        begun = one.sender._prepared(connection, one.id)  # and then the process died
    assert begun

    assert one.send() == 0
    world.clock.advance(timedelta(seconds=20))
    assert one.send() == 1
    assert receiver.events() == [(1, task(world, 1))]


def test_what_comes_of_a_call_after_its_lease_was_lost_changes_nothing(
    lite: World, receiver: Receiver
) -> None:
    one = active(lite, receiver)
    lite.refer([referral(1)])
    with lite.bridge.engine.begin() as connection:
        begun = one.sender._prepared(connection, one.id)
    one.put(subscription(receiver.url, status="off"))
    assert begun

    with lite.bridge.engine.begin() as connection:
        one.sender._settle(connection, begun, one.sender._called(begun))
    assert (one.row.status, one.row.delivered) == ("off", 0)


def test_one_that_does_not_answer_keeps_nobody_waiting(lite: World, receiver: Receiver) -> None:
    quick = active(lite, receiver)
    with hostile(waits) as slow:
        for n in range(12):
            hook, brief = f"http://localhost:{slow.port}/{n}", {"extension": [WAIT]}
            subscribed(lite, subscription(hook, channel=brief))
        with delivering(lite.bridge):
            time.sleep(0.3)  # by now the slow one has all the calls it may have
            began = time.monotonic()
            lite.refer([referral(1)])
            until(lambda: receiver.effects, 5)
            took = time.monotonic() - began
    assert took < 2
    assert receiver.effects == {(quick.id, 1): task(lite, 1)}


def test_those_that_answer_late_keep_nobody_waiting(
    lite: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, bound in {"AT_ONCE": 4, "TO_ONE_HOST": 4, "TO_FAILING": 1, "SLOW": 0.3}.items():
        monkeypatch.setattr(deliver_notifications, name, bound)
    quick = active(lite, receiver)
    with late(0.8) as slow, delivering(lite.bridge):
        crowd = [subscribed(lite, subscription(slow), "cove-ehr") for _ in range(8)]
        until(lambda: all(one.row.status == "active" for one in crowd))
        lite.refer([referral(100)], provider=COVE)
        time.sleep(0.2)  # what they are told of waits, or is under way
        took = []
        for number in range(3):
            began = time.monotonic()
            lite.refer([referral(number)])
            until(lambda: (quick.id, number + 1) in receiver.effects)  # noqa: B023 - used at once
            took.append(time.monotonic() - began)
        until(lambda: all(one.row.delivered == 1 for one in crowd))
    assert max(took) < 0.7


@contextmanager
def late(seconds: float) -> Iterator[str]:
    """Run an endpoint that takes everything, after a while."""

    def answer(_: Json) -> tuple[int, dict[str, str]]:
        time.sleep(seconds)
        return 200, {}

    with receiving() as slow:
        slow.answer = answer
        yield slow.url


def test_what_nobody_thought_of_is_told_and_costs_the_others_nothing(
    lite: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = active(lite, receiver), active(lite, receiver)
    usual = Sender.send

    def send(self: Sender, subscription_id: str) -> bool:
        return usual(self, subscription_id) if subscription_id == good.id else 1 / 0 > 1

    monkeypatch.setattr(Sender, "send", send)
    lite.refer([referral(1)])
    with capture_logs() as lines, delivering(lite.bridge):
        until(lambda: good.row.delivered == 1)
        until(lambda: lines)
    assert {line["kind"] for line in lines} == {"ZeroDivisionError"}
    assert bad.row.delivered == 0


@dataclass
class Message:
    """A request as its receiver has it."""

    method: str
    url: str
    headers: dict[str, str]


class Keys(HTTPSignatureKeyResolver):
    """The key a receiver has read from the bridge's set."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> object:
        assert key_id == self._key.kid
        return load_pem_private_key(self._key.pem, None).public_key()

    def resolve_private_key(self, key_id: str) -> object:
        raise AssertionError("a receiver has no private key")


def test_a_notification_is_signed_with_the_bridges_key(lite: World, receiver: Receiver) -> None:
    key = SigningKey.generate()
    # The library that verifies goes by the machine's clock.
    with delivering(replace(lite.bridge, signing=key, clock=SystemClock())):
        subscribed(lite, subscription(receiver.url))
        until(lambda: receiver.headers)

    headers = {name.lower(): value for name, value in receiver.headers[0].items()}
    message = Message("POST", receiver.url, headers)
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ECDSA_P384_SHA384, key_resolver=Keys(key)
    )
    covered = ("@method", "@authority", "@path", "@query", "content-digest", "content-type")
    body, how = receiver.bodies[0], {"expect_tag": "schoolbridge", "require_components": covered}
    assert verifier.verify(message, body=body, **how)
