"""Killing a server at random moments while a provider's system works against it."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, text

from bridge.store.database.engine import open_engine
from tests.faults.deployment import Deployment, kill, workers_of
from tests.faults.provider import Journal, Provider
from tests.faults.reconcile import Findings, reconcile

WORKERS = 3
MOST_WRITES = 25
LONGEST_LIFE = 30.0  # where the machine is busy
KILLED_WHILE_STARTING = 0.15


@dataclass
class Plan:
    """One run.

    Attributes:
        backend_every: after so many kills of the server, also kill a process of the database.
        of_workers: kill one of the processes that answer, which the server replaces by itself.
        deaf: how often an answer is taken for lost although it came.
        careful: whether the provider's system sends what tells a repeat from something new.
    """

    kills: int
    seed: int
    backend_every: int = 0
    careful: bool = True
    of_workers: bool = False
    deaf: float = 0.1


@dataclass
class Run:
    """What a run came to."""

    plan: Plan
    journal: Journal = field(default_factory=Journal)
    kills: int = 0
    backend_kills: int = 0
    findings: Findings = field(default_factory=Findings)
    seconds: float = 0.0
    slowest_start: float = 0.0

    def figures(self) -> dict[str, Any]:
        """Return the figures to report; 95 % sure that fewer than ``bound`` of kills lose any."""
        found = self.findings
        return {
            "kills": self.kills,
            "kills_of_the_database": self.backend_kills,
            "acknowledged": self.journal.acknowledged,
            "released_versions": len(self.journal.received),
            "ledger_entries": found.entries,
            "lost": len(found.lost),
            "doubled": len(found.doubled),
            "unrecorded": len(found.unrecorded),
            "unsound": len(found.unsound),
            "sent_again": self.journal.retries,
            "landed_unanswered": self.journal.landed,
            "slowest_start_s": round(self.slowest_start, 1),
            "seconds": round(self.seconds, 1),
            "seed": self.plan.seed,
            "bound": f"{3 / max(1, self.kills + self.backend_kills):.3f}",
        }


def run_kills(
    deployment: Deployment, plan: Plan, database: Callable[[], Engine] | None = None
) -> Run:
    """Kill and restart as planned; stops early at the first thing found wrong."""
    run, began = Run(plan), time.monotonic()
    server = deployment.start()
    stop, dice = threading.Event(), random.Random(plan.seed)  # noqa: S311 - repeatable
    threads = [_worker(deployment, run, (n, stop)) for n in range(WORKERS)]
    try:
        deployment.wait(server)
        for thread in threads:
            thread.start()
        while run.kills < plan.kills and not run.findings.any:
            _let_work(run, dice)
            _kill_backend(run, database)
            run.kills += 1
            if plan.of_workers:
                _kill_worker(server, dice)
                run.findings = _checked(deployment, run, at_rest=False)
                continue
            kill(server)
            run.findings = _checked(deployment, run, at_rest=False)
            server = _started(deployment, run, dice)
        stop.set()
        for thread in threads:
            thread.join(timeout=120)
        if not run.findings.any:
            run.findings = _checked(deployment, run, at_rest=True)
    finally:
        stop.set()
        kill(server)
    run.seconds, run.slowest_start = time.monotonic() - began, deployment.slowest_start
    sys.stdout.write(f"\n{json.dumps(run.figures())}\n")
    return run


def _let_work(run: Run, dice: random.Random) -> None:
    """Wait for some writes to be acknowledged (none, now and then), and a random moment more."""
    enough = run.journal.acknowledged + dice.randrange(MOST_WRITES)
    until = time.monotonic() + LONGEST_LIFE
    while run.journal.acknowledged < enough and time.monotonic() < until:
        time.sleep(0.002)
    time.sleep(dice.uniform(0, 0.1))


def _worker(deployment: Deployment, run: Run, of: tuple[int, threading.Event]) -> threading.Thread:
    number, stop = of
    seed = run.plan.seed * WORKERS + number
    share, plan = (number, WORKERS), run.plan
    provider = Provider(
        deployment.base_url, run.journal, seed, share, stop, careful=plan.careful, deaf=plan.deaf
    )
    return threading.Thread(target=provider.work, daemon=True)


def _started(deployment: Deployment, run: Run, dice: random.Random) -> Any:  # noqa: ANN401 - a process of whichever kind
    """Start the server again; now and then kill it before it is up, which must not matter."""
    server = deployment.start()
    if dice.random() < KILLED_WHILE_STARTING and run.kills < run.plan.kills:
        time.sleep(dice.uniform(0, 2.0))
        kill(server)
        run.kills += 1
        server = deployment.start()
    deployment.wait(server)
    return server


def _kill_worker(server: "subprocess.Popen[bytes]", dice: random.Random) -> None:
    """Kill one of the processes that answer, once there is one, however many are just starting."""
    for _ in range(600):
        workers = workers_of(server)
        if workers:
            dice.choice(workers).kill()
            return
        time.sleep(0.05)
    raise AssertionError("no worker is left")


def _checked(deployment: Deployment, run: Run, *, at_rest: bool) -> Findings:
    bridge = deployment.open()
    try:
        return reconcile(bridge.engine, run.journal, at_rest=at_rest)
    finally:
        bridge.engine.dispose()


def _kill_backend(run: Run, database: Callable[[], Engine] | None) -> None:
    """Kill one process of the database server that works for the bridge."""
    every = run.plan.backend_every
    if database is None or not every or run.kills % every != every - 1:
        return
    run.backend_kills += kill_database(database)


def kill_database(database: Callable[[], Engine]) -> int:
    """Kill one process that works for a client, upon which the server ends all and recovers.

    Returns how many were killed, after the recovery.
    """
    engine, pid = database(), None
    query = text(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
        " AND datname = current_database() AND pid <> pg_backend_pid() ORDER BY query_start DESC"
    )
    until = time.monotonic() + 3  # a server that has just begun again may not have come yet
    while pid is None and time.monotonic() < until:
        with engine.connect() as connection:
            pid = connection.execute(query).scalars().first()
        time.sleep(0.02)
    engine.dispose()
    if pid is None:
        return 0
    os.kill(pid, signal.SIGKILL)
    _until_recovered(database)
    return 1


def _until_recovered(database: Callable[[], Engine]) -> None:
    """Wait while the database server recovers: it has ended every session."""
    for _ in range(600):
        engine = database()
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except Exception:  # noqa: BLE001 - whatever the driver says of a server that recovers
            time.sleep(0.05)
        else:
            return
        finally:
            engine.dispose()


def opener(url: str) -> Callable[[], Engine]:
    """Return what opens a database anew."""
    return lambda: open_engine(url)
