"""Notifications with all that goes with them, against a loop that posts as many of their bytes."""

import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
from sqlalchemy import text

from benchmarks.frame import Arms, Sample, UnequalOutputError
from bridge.identity.signing import SigningKey
from bridge.journeys.partners.send_notifications import Sender
from bridge.outbound.signatures import signer_of
from bridge.parts import parts_of
from bridge.store.database.engine import write
from tests.support.subscribing import BACKPORT, Subscribed, subscribed, subscription
from tests.support.worlds import FHIR, World, make_world, referral

EVENTS = 200
_ONE = {"url": f"{BACKPORT}backport-max-count", "valuePositiveInt": 1}


def open_arms() -> Arms:
    """Make a bridge with a subscriber and changes to tell of, and prove that both tell the same."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        world = make_world(f"sqlite:///{folder / 'bridge.db'}", folder)
        opened.callback(world.bridge.engine.dispose)
        hook = _receiver(opened)
        one = subscribed(world, subscription(hook, channel={"extension": [_ONE]}))
        one.send()
        world.refer(referral(n) for n in range(EVENTS))
        sender, bodies = _sender(world), _bodies(one)
        _ours(one, sender)
        told = _seen(hook)
        _loop(hook, bodies)
        if sorted(told) != sorted(_seen(hook)) or len(told) != EVENTS:
            raise UnequalOutputError("not the same records were told of")
        return Arms(lambda: _ours(one, sender), lambda: _loop(hook, bodies), opened.pop_all().close)


def _receiver(opened: ExitStack) -> str:
    command = [sys.executable, "-m", "benchmarks.arms.receiver"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ours
    opened.callback(process.wait)
    opened.callback(process.kill)
    assert process.stdout is not None
    opened.callback(process.stdout.close)
    return f"http://127.0.0.1:{int(process.stdout.readline())}/hook"


def _sender(world: World) -> Sender:
    bridge = world.bridge
    signer = signer_of(SigningKey.generate(), bridge.clock)
    return Sender((parts_of(bridge), bridge.gate), FHIR, bridge.notifying, signer)


def _again(one: Subscribed) -> None:
    """Let everything be told of once more, as if for the first time."""
    with write(one.world.bridge.engine) as connection:
        connection.execute(text("DELETE FROM notification_event"))
        connection.execute(
            text("UPDATE subscription SET events = 0, delivered = 0, changed_through = 0")
        )


def _bodies(one: Subscribed) -> list[bytes]:
    """Return what a notification of each event looks like, one event each."""
    _again(one)
    answers = (one.web.get(f"/fhir/Subscription/{one.id}/$events?{_of(n)}") for n in _numbers())
    bodies = [replace_kind(answer.content) for answer in answers]
    _again(one)
    return bodies


def replace_kind(body: bytes) -> bytes:
    """Return the answer of ``$events`` as the notification of it."""
    return body.replace(b"query-event", b"event-notification")


def _numbers() -> range:
    return range(1, EVENTS + 1)


def _of(number: int) -> str:
    return f"eventsSinceNumber={number}&eventsUntilNumber={number}"


def _ours(one: Subscribed, sender: Sender) -> Sample:
    _again(one)
    cpu = time.process_time()
    sent = 0
    while sender.send(one.id):
        sent += 1
    return Sample(sent, time.process_time() - cpu)


def _loop(hook: str, bodies: list[bytes]) -> Sample:
    headers = {"Content-Type": "application/fhir+json"}
    cpu = time.process_time()
    with httpx.Client(trust_env=False, headers=headers) as client:
        for body in bodies:
            client.post(hook, content=body).raise_for_status()
    return Sample(len(bodies), time.process_time() - cpu)


def _seen(hook: str) -> list[str]:
    with httpx.Client(trust_env=False) as client:
        return list(client.get(hook).json())
