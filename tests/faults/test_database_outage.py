"""While the database is down or recovers, every answer is 503 with Retry-After; then all is well.

The database server is stopped, killed and started again under a running bridge.
"""

import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.deployment import Deployment, kill, make_deployment
from tests.faults.provider import Journal, Provider
from tests.support.command_line import said

pytestmark = pytest.mark.turns(3)

ROUTES = ("/fhir/Task?_count=5", "/fhir/Task/no-such-task", "/fhir/Patient?_count=1")


@dataclass
class Caller:
    """Asks without pause, and keeps what it was told."""

    base_url: str
    token: str
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.base_url, trust_env=False, timeout=60) as web:
            while not self.stop.is_set():
                for route in ROUTES:
                    self.keep(route, web.get(route, headers=headers))

    def keep(self, route: str, answer: httpx.Response) -> None:
        self.statuses[answer.status_code] += 1
        if answer.status_code == 503:
            told = answer.json()
            if told["resourceType"] != "OperationOutcome" or "Retry-After" not in answer.headers:
                self.wrong.append(f"{route}: 503 without what goes with it")
            if told["issue"][0]["code"] != "transient":
                self.wrong.append(f"{route}: {told['issue'][0]['code']}")
        elif answer.status_code >= 500:
            self.wrong.append(f"{route}: {answer.status_code}")


@dataclass
class Running:
    deployment: Deployment
    server: "subprocess.Popen[bytes]"
    caller: Caller

    def until(self, told: Callable[[Caller], bool], within: float = 60) -> None:
        began = time.monotonic()
        while not told(self.caller):
            assert time.monotonic() - began < within, self.caller.statuses
            time.sleep(0.05)


@pytest.fixture
def deployment(own_postgres_url: str, tmp_path: Path) -> Deployment:
    return make_deployment(tmp_path / "bridge", own_postgres_url, referrals=3)


@pytest.fixture
def running(deployment: Deployment) -> Iterator[Running]:
    server = deployment.start()
    deployment.wait(server)
    provider = Provider(deployment.base_url, Journal(), 1, (0, 1), threading.Event())
    caller = Caller(deployment.base_url, provider.token())
    provider._http.close()
    threads = [threading.Thread(target=caller.work) for _ in range(4)]
    for thread in threads:
        thread.start()
    yield Running(deployment, server, caller)
    caller.stop.set()
    for thread in threads:
        thread.join()
    kill(server)


def answered(caller: Caller) -> bool:
    return caller.statuses[200] >= 10


def start_again(own_postgres: Any) -> None:  # noqa: ANN401 - a driver's object
    """Start the database server, which may be longer about its recovery than its starter waits."""
    for _ in range(10):
        try:
            own_postgres.ensure_postgres_running()
        except subprocess.SubprocessError:
            continue
        return


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_database_that_is_away_for_a_while_is_told_as_503_and_no_call_fails_otherwise(
    running: Running,
    own_postgres: Any,  # noqa: ANN401 - a driver's object
    how: str,
) -> None:
    running.until(answered)
    if how == "stopped":
        own_postgres.stop()
    else:
        os.kill(own_postgres.get_pid(), signal.SIGQUIT)  # "immediate": it recovers when it starts
    running.until(lambda caller: caller.statuses[503] >= 20)
    time.sleep(1)
    start_again(own_postgres)
    running.caller.statuses[200] = 0
    running.until(answered)
    assert running.caller.wrong == []
    assert set(running.caller.statuses) == {200, 404, 503}


@pytest.mark.slow
def test_a_bridge_that_starts_before_its_database_waits_for_it(
    deployment: Deployment,
    own_postgres: Any,  # noqa: ANN401 - a driver's object
) -> None:
    own_postgres.stop()
    server = deployment.start()
    time.sleep(5)
    assert server.poll() is None
    start_again(own_postgres)
    deployment.wait(server)
    kill(server)


def test_what_a_server_acknowledges_as_it_comes_is_on_disk(deployment: Deployment) -> None:
    told = json.loads(
        said(deployment.home, "doctor", "--json", "--home", str(deployment.home)).stdout
    )
    assert told["acknowledged_means_on_disk"] is True
