"""Hostile receivers under the limits that hold in use, all at once; the figures are printed."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.outbound import OutboundError, Outgoing
from bridge.outbound.bodies import Limits
from bridge.outbound.calls import Request
from bridge.outbound.client import FILE, STEP
from bridge.outbound.fetching import DOCUMENT
from tests.support.hostile_server import ACTS, OK, Act, drips, hostile, says, waits

pytestmark = pytest.mark.faults
ENDLESS = ("has a body without end", "has chunks without end", "sends a bomb")
"""What a file of rows may look like for longer: it ends at its bytes, not at its seconds."""


def resident() -> int:
    """Return the memory this process holds, in bytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def took(outgoing: Outgoing, url: str, limits: Limits) -> float:
    """Make a call and read its answer, if any; returns how long that took."""
    began = time.perf_counter()
    try:
        with outgoing.calling(Request("GET", url), limits) as answer:
            for _ in answer.body:
                pass
    except OutboundError:
        pass
    return time.perf_counter() - began


def at_once(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("name", ["document", "step", "file"])
def test_every_call_ends_within_ten_seconds_and_memory_stays_flat(name: str) -> None:
    limits = {"document": DOCUMENT, "step": STEP, "file": FILE}[name]
    acts = {k: v for k, v in ACTS.items() if name != "file" or k not in ENDLESS}
    found: dict[str, float] = {}
    before = resident()
    with ExitStack() as stack:

        def work(key: str, act: Act) -> Callable[[], None]:
            server = stack.enter_context(hostile(act))
            url = f"http://127.0.0.1:{server.port}/"

            def call() -> None:
                # They share one host: slots of their own, so that none is told to wait.
                found[key] = took(Outgoing(loopback=True), url, limits)

            return call

        at_once([work(key, act) for key, act in acts.items()])
    grown = resident() - before
    print(f"{name}: longest {max(found.values()):.2f} s, grown {grown / 1e6:.1f} MB")  # noqa: T201 - what the run found
    assert max(found.values()) <= 10.0
    assert grown < 50_000_000


def test_others_are_called_as_quickly_while_some_do_not_answer() -> None:
    calls = 400
    outgoing = Outgoing(loopback=True)
    slow = (waits, drips(OK, b"X: y\r\n"), drips(OK + b"\r\n", b"{"))
    with ExitStack() as stack:
        quick = stack.enter_context(hostile(says(OK + b"Content-Length: 2\r\n\r\n{}")))
        url = f"http://127.0.0.1:{quick.port}/"
        alone = sorted(took(outgoing, url, DOCUMENT) for _ in range(calls))
        ports = [stack.enter_context(hostile(act)).port for act in slow]
        ended = threading.Event()

        def keep_calling(port: int) -> None:
            while not ended.is_set():
                took(outgoing, f"http://localhost:{port}/", Limits(seconds=1.0))

        threads = [threading.Thread(target=keep_calling, args=(port,)) for port in ports]
        for thread in threads:
            thread.start()
        beside = sorted(took(outgoing, url, DOCUMENT) for _ in range(calls))
        ended.set()
        for thread in threads:
            thread.join()
    before, after = (times[int(calls * 0.99)] for times in (alone, beside))
    print(f"p99 alone {before * 1e3:.2f} ms, beside slow ones {after * 1e3:.2f} ms")  # noqa: T201 - what the run found
    assert after <= before * 1.1 + 0.005
