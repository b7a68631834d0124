"""Killing a server at random moments while it tells a subscriber of changes."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from bridge.store.database.engine import read
from bridge.store.partners.subscriptions import Subscription, every_subscription
from tests.faults.deployment import Deployment, Process, kill
from tests.faults.provider import Journal, Provider
from tests.faults.stages import until
from tests.support.receiver import Json, Receiver, events_in, told
from tests.support.subscribing import BACKPORT, subscription

MOST_SECONDS = 240
SUBSCRIPTIONS = 8
"""One whose call was cut off rests until its lease is over; the others go on."""
START, CHANGE, REST, CALL, OUTCOME = "start", "change", "before a call", "call", "outcome"
STAGES = (START, CHANGE, REST, CALL, OUTCOME)
"""The server begins; keeps a change; looks, decides and numbers; calls; keeps what came of it."""
# How long each takes about; a worker looks every half a second for what is due.
_TAKES = {START: 0.4, CHANGE: 0.02, REST: 0.6, CALL: 0.02, OUTCOME: 0.02}
_PATIENCE = 3.0
"""Seconds after which a kill falls wherever it falls."""
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
        stages: how many kills fell into each stage, by what was seen from outside.
    """

    kills: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    seed: int = 0
    acknowledged: int = 0
    effects: int = 0
    repeats: int = 0
    doubled: int = 0
    missing: list[str] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    drained: float = 0.0
    seconds: float = 0.0

    def figures(self) -> dict[str, Any]:
        names = ("kills", "stages", "acknowledged", "effects")
        told = {name: getattr(self, name) for name in names}
        told |= {"repeats_absorbed": self.repeats, "doubled": self.doubled}
        told |= {"missing": len(self.missing), "gaps": len(self.gaps)}
        told |= {"drained_s": round(self.drained, 1), "seconds": round(self.seconds)}
        return told | {"seed": self.seed}


@dataclass
class Seen:
    """What the provider and the receiver see of the server's work.

    Attributes:
        last: when each subscription was told of each record last.
        numbers: what it was told under each number.
        calls: how many are under way.
        answered, acknowledged: when a call, and a change, was answered last.
        changing: whether the provider waits for the answer to a change.
    """

    dice: random.Random
    last: dict[tuple[str, str], float] = field(default_factory=dict)
    numbers: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    calls: int = 0
    answered: float = 0.0
    acknowledged: float = 0.0
    changing: bool = False
    guard: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, bundle: Json) -> tuple[int, dict[str, str]]:
        now, whose = time.monotonic(), told(bundle, "subscription")
        with self.guard:
            self.calls += 1
            for number, place in events_in(bundle):
                self.last[whose, place] = now
                self.numbers.setdefault((whose, number), set()).add(place)
            wait = self.dice.uniform(0, _TAKES[CALL])
        time.sleep(wait)
        with self.guard:
            self.calls -= 1
            self.answered = time.monotonic()
        return 200, {}

    def stage(self) -> str:
        """Return the stage that goes on now."""
        if self.calls:
            return CALL
        if time.monotonic() - self.answered < _TAKES[OUTCOME]:
            return OUTCOME
        return CHANGE if self.changing else REST

    def come_to(self, wanted: str, dice: random.Random) -> None:
        """Wait for a stage that is seen from outside, and for a moment of chance within it."""
        began, patience = time.monotonic(), time.monotonic() + _PATIENCE
        begun = {
            CHANGE: lambda: self.changing,
            REST: lambda: self.acknowledged > began,
            CALL: lambda: self.calls > 0,
            OUTCOME: lambda: self.answered > began,
        }
        until(begun[wanted], patience)
        time.sleep(dice.uniform(0, _TAKES[wanted]))
        if wanted == REST:  # by now another change or call is under way more often than not
            until(lambda: self.stage() == REST, patience)


class Mover(Provider):
    """A provider's system that knows when each of its last moves began."""

    def __init__(self, base_url: str, seed: int, stop: threading.Event, seen: Seen) -> None:
        super().__init__(base_url, Journal(), seed, (0, 1), stop, deaf=0.0)
        self.moved_at: dict[str, float] = {}
        self._seen = seen

    def _move(self, task: Json, status: str) -> Json:
        began, self._seen.changing = time.monotonic(), True
        try:
            done = super()._move(task, status)
        finally:
            self._seen.changing = False
        self.moved_at[task["id"]], self._seen.acknowledged = began, time.monotonic()
        return done


def run_kills(deployment: Deployment, receiver: Receiver, kills: int, seed: int) -> Run:
    """Kill and restart the server so many times, then let it tell what is left."""
    run, dice, stop = Run(seed=seed), random.Random(seed), threading.Event()  # noqa: S311 - repeatable
    seen, began = Seen(random.Random(seed + 1)), time.monotonic()  # noqa: S311 - repeatable
    receiver.answer = seen.answer
    provider = Mover(deployment.base_url, seed, stop, seen)
    with _serving(deployment) as server:
        _subscribe(deployment.base_url, provider.token(), receiver.url)
        worker = threading.Thread(target=provider.work, daemon=True)
        worker.start()
        try:
            while run.kills < kills:
                server[0] = _killed(deployment, server[0], (run, seen), dice)
        finally:
            stop.set()
        worker.join(timeout=120)
        ended = time.monotonic()
        _wait_until_drained(deployment)
        run.drained = time.monotonic() - ended
    _judge(run, (provider, seen, receiver), deployment)
    run.seconds = time.monotonic() - began
    return run


@contextmanager
def _serving(deployment: Deployment) -> Iterator[list[Process]]:
    """Let a server run, which may be replaced by another, until the block ends."""
    server = [deployment.start()]
    try:
        deployment.wait(server[0])
        yield server
    finally:
        kill(server[0])


def _killed(
    deployment: Deployment, server: Process, of: tuple[Run, Seen], dice: random.Random
) -> Process:
    """Kill a server at a stage of chance; returns the one that answers in its place."""
    (run, seen), wanted = of, dice.choice(STAGES)
    if wanted == START:
        kill(server)
        server = deployment.start()
        time.sleep(dice.uniform(0, _TAKES[START]))
    else:
        seen.come_to(wanted, dice)
    run.stages[START if wanted == START else seen.stage()] += 1
    kill(server)
    run.kills += 1
    server = deployment.start()
    deployment.wait(server)
    return server


def _subscribe(base_url: str, token: str, hook: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(trust_env=False, headers=headers) as web:
        sent, made = subscription(hook, channel={"extension": [_QUICK]}), list[str]()
        for _ in range(SUBSCRIPTIONS):
            answer = web.post(f"{base_url}/fhir/Subscription", json=sent)
            assert answer.status_code == 201, answer.text
            made.append(f"{base_url}/fhir/Subscription/{answer.json()['id']}")
        patience = time.monotonic() + 30
        for place in made:
            while web.get(place).json()["status"] != "active":
                assert time.monotonic() < patience
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
    patience, quiet = time.monotonic() + MOST_SECONDS, 0
    before: object = None
    while quiet < 3:
        assert time.monotonic() < patience, "the backlog does not drain"
        rows = _rows(deployment)
        now = [(r.events, r.delivered) for r in rows]
        rest = all(r.events == r.delivered for r in rows)
        quiet = quiet + 1 if rest and now == before else 0
        before = now
        time.sleep(0.7)


def _judge(run: Run, parts: tuple[Mover, Seen, Receiver], deployment: Deployment) -> None:
    provider, seen, receiver = parts
    run.acknowledged, run.effects = provider.journal.acknowledged, len(receiver.effects)
    run.repeats = receiver.repeats
    run.doubled = sum(len(places) > 1 for places in seen.numbers.values())
    rows = _rows(deployment)
    assert len(rows) == SUBSCRIPTIONS
    for row in rows:
        run.gaps += [n for n in range(1, row.events + 1) if (row.id, n) not in receiver.effects]
        for task, began in provider.moved_at.items():
            if seen.last.get((row.id, f"Task/{task}"), 0.0) < began:
                run.missing.append(task)
