"""Subscribers that never answer, beside one that does: it is told as soon as before."""

import itertools
import os
import socket
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.clock import SystemClock
from tests.support.delivering import delivering
from tests.support.hostile_server import OK, Act, drips, hostile, says, waits
from tests.support.receiver import Json, Receiver, events_in, receiving
from tests.support.subscribing import BACKPORT, Subscribed, subscribed, subscription
from tests.support.worlds import COVE, World, make_world, referral

pytestmark = pytest.mark.faults
EVENTS = int(os.environ.get("SCHOOLBRIDGE_EVENTS") or 300)  # noqa: TID251 - how long to test
SLOW = (waits, drips(OK, b"X: y\r\n"), drips(OK + b"Content-Length: 99999\r\n\r\n", b"{"))
"""Those that cost time; what costs memory or bytes would burn this process's own time as well."""
ALLOWED = 1.10
LEAST = 0.05
"""Seconds by which the slowest differ from run to run on a shared machine."""
BRIEF = {"url": f"{BACKPORT}backport-timeout", "valueUnsignedInt": 2}


def delays(world: World, receiver: Receiver, first: int) -> list[float]:
    """Return how long after its commit each change is told of, in order of length."""
    at: dict[str, float] = {}

    def answer(bundle: Json) -> tuple[int, dict[str, str]]:
        at.update(dict.fromkeys((place for _, place in events_in(bundle)), time.monotonic()))
        return 200, {}

    receiver.answer = answer
    took = []
    for number in range(first, first + EVENTS):
        world.refer([referral(number)])
        kept, place = time.monotonic(), f"Task/{world.id_of('Task', f'R-{number}')}"
        while place not in at:
            assert time.monotonic() - kept < 30
            time.sleep(0.001)
        took.append(at[place] - kept)
    return sorted(took)


def welcoming(act: Act) -> Act:
    """Take the handshake, then act."""
    greeted = itertools.count()

    def acts(connection: socket.socket) -> None:
        (says(OK + b"Content-Length: 0\r\n\r\n") if next(greeted) == 0 else act)(connection)

    return acts


def test_others_are_told_as_soon_while_some_do_not_answer(tmp_path: Path) -> None:
    world = make_world(f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path)
    # Its time goes on, as what waits for it must be tried again.
    bridge = replace(world.bridge, clock=SystemClock())
    with receiving() as receiver, ExitStack() as stack, delivering(bridge, 1, 0.01):
        one = subscribed(world, subscription(receiver.url))
        until_active(one)
        alone = delays(world, receiver, 0)
        for act in SLOW * 4:
            server = stack.enter_context(hostile(welcoming(act)))
            hook = f"http://localhost:{server.port}/"
            sent = subscription(hook, channel={"extension": [BRIEF]})
            until_active(subscribed(world, sent, "cove-ehr"))
        world.refer([referral(5000)], provider=COVE)
        beside = delays(world, receiver, EVENTS)
    world.bridge.engine.dispose()
    before, after = (times[int(EVENTS * 0.99)] for times in (alone, beside))
    print(f"p99 alone {before * 1e3:.1f} ms, beside hostile ones {after * 1e3:.1f} ms")  # noqa: T201
    assert after <= before * ALLOWED + LEAST


def until_active(one: Subscribed) -> None:
    end = time.monotonic() + 30
    while one.row.status != "active":
        assert time.monotonic() < end
        time.sleep(0.02)
