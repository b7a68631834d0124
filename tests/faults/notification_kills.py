"""Killing a server at random moments while it tells a subscriber of changes."""

import json
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx

from bridge.store.database.engine import read
from bridge.store.partners.subscriptions import Subscription, every_subscription
from tests.faults.deployment import Deployment, kill
from tests.faults.provider import Journal, Provider
from tests.support.receiver import Json, Receiver, events_in
from tests.support.subscribing import BACKPORT, subscription

MOST_SECONDS = 240
_QUICK = {"url": f"{BACKPORT}backport-timeout", "valueUnsignedInt": 1}


@dataclass
class Run:
    """What a run came to.

    Attributes:
        effects: events the receiver counted, each number once; ``repeats`` came again.
        doubled: numbers that came again with another record.
        missing: Tasks whose last acknowledged change was not told of after it began.
        gaps: numbers that were skipped.
        drained: seconds until nothing waited any more.
    """

    kills: int = 0
    seed: int = 0
    acknowledged: int = 0
    effects: int = 0
    repeats: int = 0
    doubled: int = 0
    missing: list[str] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    drained: float = 0.0

    def figures(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in ("kills", "acknowledged", "effects")}
        told |= {"repeats_absorbed": self.repeats, "doubled": self.doubled}
        told |= {"missing": len(self.missing), "gaps": len(self.gaps)}
        return told | {"drained_s": round(self.drained, 1), "seed": self.seed}


@dataclass
class Told:
    """When the receiver was told of each record last, and what it was told under each number."""

    last: dict[str, float] = field(default_factory=dict)
    numbers: dict[int, set[str]] = field(default_factory=dict)

    def answer(self, bundle: Json) -> tuple[int, dict[str, str]]:
        now = time.monotonic()
        for number, place in events_in(bundle):
            self.last[place] = now
            self.numbers.setdefault(number, set()).add(place)
        return 200, {}


class Mover(Provider):
    """A provider's system that knows when each of its last moves began."""

    def __init__(self, base_url: str, journal: Journal, seed: int, stop: threading.Event) -> None:
        super().__init__(base_url, journal, seed, (0, 1), stop, deaf=0.0)
        self.moved_at: dict[str, float] = {}

    def _move(self, task: Json, status: str) -> Json:
        began = time.monotonic()
        done = super()._move(task, status)
        self.moved_at[task["id"]] = began
        return done


def run_kills(deployment: Deployment, receiver: Receiver, kills: int, seed: int) -> Run:
    """Kill and restart the server so many times, then let it tell what is left."""
    run, dice, stop = Run(seed=seed), random.Random(seed), threading.Event()  # noqa: S311 - repeatable
    told = Told()
    receiver.answer = told.answer
    journal = Journal()
    server = deployment.start()
    deployment.wait(server)
    provider = Mover(deployment.base_url, journal, seed, stop)
    _subscribe(deployment.base_url, provider.token(), receiver.url)
    worker = threading.Thread(target=provider.work, daemon=True)
    worker.start()
    try:
        while run.kills < kills:
            _let_work(journal, dice)
            kill(server)
            run.kills += 1
            server = deployment.start()
            deployment.wait(server)
        stop.set()
        worker.join(timeout=120)
        ended = time.monotonic()
        _wait_until_drained(deployment)
        run.drained = time.monotonic() - ended
    finally:
        stop.set()
        kill(server)
    _judge(run, (provider, told, receiver), deployment)
    sys.stdout.write(f"\n{json.dumps(run.figures())}\n")
    return run


def _let_work(journal: Journal, dice: random.Random) -> None:
    """Wait for some changes to be acknowledged, and a random moment more."""
    enough, until = journal.acknowledged + dice.randrange(1, 8), time.monotonic() + 30
    while journal.acknowledged < enough and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(dice.uniform(0.0, 0.5))


def _subscribe(base_url: str, token: str, hook: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(trust_env=False, headers=headers) as web:
        sent = subscription(hook, channel={"extension": [_QUICK]})
        answer = web.post(f"{base_url}/fhir/Subscription", json=sent)
        assert answer.status_code == 201, answer.text
        place = f"{base_url}/fhir/Subscription/{answer.json()['id']}"
        until = time.monotonic() + 30
        while web.get(place).json()["status"] != "active":
            assert time.monotonic() < until
            time.sleep(0.05)


def _rows(deployment: Deployment) -> list[Subscription]:
    bridge = deployment.open()
    try:
        with read(bridge.engine) as connection:
            return every_subscription(connection)
    finally:
        bridge.engine.dispose()


def _wait_until_drained(deployment: Deployment) -> None:
    """Wait until nothing waits and nothing new has come for a while."""
    until, quiet = time.monotonic() + MOST_SECONDS, 0
    before: object = None
    while quiet < 3:
        assert time.monotonic() < until, "the backlog does not drain"
        rows = _rows(deployment)
        now = [(r.events, r.delivered) for r in rows]
        rest = all(r.events == r.delivered for r in rows)
        quiet = quiet + 1 if rest and now == before else 0
        before = now
        time.sleep(0.7)


def _judge(run: Run, parts: tuple[Mover, Told, Receiver], deployment: Deployment) -> None:
    provider, told, receiver = parts
    (row,) = _rows(deployment)
    numbers = {number for _, number in receiver.effects}
    run.acknowledged, run.effects = provider.journal.acknowledged, len(numbers)
    run.repeats = receiver.repeats
    run.gaps = [n for n in range(1, row.events + 1) if n not in numbers]
    run.doubled = sum(len(places) > 1 for places in told.numbers.values())
    last = {place.partition("/")[2]: at for place, at in told.last.items()}
    run.missing = [i for i, at in provider.moved_at.items() if last.get(i, 0.0) < at]
