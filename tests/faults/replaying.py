"""One assertion, sent over and over to two servers on one database, which get killed."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from bridge.clock import SystemClock
from tests.faults.deployment import CLIENT, SERVE, Deployment, Process, _free_port, kill
from tests.support.nursery import born
from tests.support.worlds import ASSERTION_TYPE, client_key

SENDERS = 4
ALIVE_SECONDS = 200.0  # an assertion is good for 240 s, and 30 more
KILL_EVERY = 300
LONGEST_START = 180.0  # where the machine is busy


@dataclass
class Replays:
    """What a run came to.

    Attributes:
        accepted: how often each assertion was exchanged for a token.
        answers: how often each status came.
        unanswered: how many requests met a server that was down, or died with it.
    """

    wanted: int
    seed: int
    accepted: list[int] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    unanswered: int = 0
    kills: int = 0
    seconds: float = 0.0

    @property
    def sent(self) -> int:
        return self.answers.total()

    @property
    def second_acceptances(self) -> int:
        return sum(max(0, times - 1) for times in self.accepted)

    def figures(self) -> dict[str, Any]:
        return {
            "replays": self.sent - len(self.accepted),
            "assertions": len(self.accepted),
            "second_acceptances": self.second_acceptances,
            "refused": self.answers[401],
            "unanswered": self.unanswered,
            "kills": self.kills,
            "seconds": round(self.seconds, 1),
            "seed": self.seed,
        }


@dataclass
class Worker:
    """One server process of a deployment, on a port of its own."""

    deployment: Deployment
    port: int
    process: Process | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = self._process()
        until = time.monotonic() + LONGEST_START
        with httpx.Client(base_url=self.url, trust_env=False, timeout=30) as web:
            while time.monotonic() < until and self.process.poll() is None:
                try:
                    if web.get("/healthz").status_code == 200:
                        return
                except httpx.TransportError:
                    time.sleep(0.1)
        raise AssertionError(f"the server did not start: exit code {self.process.poll()}")

    def _process(self) -> Process:
        log, own = self.deployment.home / "server.log", {"SCHOOLBRIDGE_PORT": str(self.port)}
        if self.deployment.program == SERVE:
            words = ["serve", "--home", str(self.deployment.home)]
            return born(words, log, environment=own)
        command = [*self.deployment.program, str(self.deployment.home)]
        with log.open("ab") as out:
            environment = {**os.environ, **own}  # noqa: TID251 - a child's own
            return subprocess.Popen(command, env=environment, stdout=out, stderr=out)  # noqa: S603 - our own program

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def end(self) -> None:
        if self.process is not None:
            kill(self.process)


def run_replays(deployment: Deployment, wanted: int, seed: int) -> Replays:
    """Send until ``wanted`` requests were made, killing a server now and then."""
    run, dice, began = Replays(wanted, seed), random.Random(seed), time.monotonic()  # noqa: S311 - to be repeated, not to be secret
    workers = [Worker(deployment, _free_port()) for _ in range(2)]
    try:
        for worker in workers:
            worker.start()
        while run.sent < wanted and not run.second_acceptances:
            _round(run, workers, deployment, dice)
    finally:
        for worker in workers:
            worker.end()
    run.seconds = time.monotonic() - began
    sys.stdout.write(f"\n{json.dumps(run.figures())}\n")
    return run


def _round(
    run: Replays, workers: list[Worker], deployment: Deployment, dice: random.Random
) -> None:
    """Send one assertion for as long as it lives."""
    audience = f"{deployment.base_url}/auth/token"
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.rs",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": client_key().assertion(CLIENT, audience, SystemClock().real_now()),
    }
    run.accepted.append(0)
    until, guard, ended = time.monotonic() + ALIVE_SECONDS, threading.Lock(), threading.Event()

    def send(number: int) -> None:
        http = httpx.Client(trust_env=False, timeout=30)
        while not ended.is_set() and run.sent < run.wanted:
            number += 1
            try:
                status = http.post(f"{workers[number % 2].url}/auth/token", data=form).status_code
            except httpx.TransportError:
                run.unanswered += 1
                time.sleep(0.05)
                continue
            with guard:
                run.answers[status] += 1
                run.accepted[-1] += status == 200
        http.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(SENDERS)]
    for thread in threads:
        thread.start()
    try:
        _disturb(run, workers, dice, until)
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def _disturb(run: Replays, workers: list[Worker], dice: random.Random, until: float) -> None:
    while run.sent < run.wanted and time.monotonic() < until and not run.second_acceptances:
        before = run.sent
        enough = before + dice.randrange(KILL_EVERY // 2, KILL_EVERY)
        while run.sent < min(enough, run.wanted) and time.monotonic() < until:
            time.sleep(0.01)
        if run.sent >= run.wanted and run.kills:
            return
        victim = dice.choice(workers)
        victim.end()
        run.kills += 1
        victim.start()
