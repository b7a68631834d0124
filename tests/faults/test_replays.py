"""An assertion is exchanged for a token once: by two servers, and whenever one is killed.

A short run stands in every test run; ``make faults`` makes the long one, and
``SCHOOLBRIDGE_TEST_SEED`` repeats one. The figures are printed (``-s``).
"""

import sys
from pathlib import Path

import pytest

from tests.faults import forgetful_server
from tests.faults.deployment import Deployment, make_deployment
from tests.faults.replaying import Replays, run_replays
from tests.faults.test_kills import seed

REPLAYS = [
    pytest.param(150, marks=pytest.mark.slow),
    pytest.param(10_000, marks=pytest.mark.faults),
]


def assert_used_once(run: Replays, deployment: Deployment, replays: int) -> None:
    assert run.second_acceptances == 0, run.figures()
    assert run.sent >= replays
    assert run.kills > 0
    assert set(run.answers) <= {200, 401}
    # They were refused for that reason, and not because the assertion was bad.
    log = (deployment.home / "server.log").read_text(encoding="utf-8")
    assert log.count("jti was used before") >= run.answers[401]
    assert run.answers[401] >= replays - len(run.accepted)


@pytest.mark.parametrize("replays", REPLAYS)
def test_an_assertion_is_used_once_by_two_servers_on_sqlite(tmp_path: Path, replays: int) -> None:
    deployment = make_deployment(tmp_path / "bridge", "sqlite:///bridge.sqlite3")
    assert_used_once(run_replays(deployment, replays, seed()), deployment, replays)


@pytest.mark.parametrize("replays", REPLAYS)
def test_an_assertion_is_used_once_by_two_servers_on_postgresql(
    postgres_url: str, tmp_path: Path, replays: int
) -> None:
    deployment = make_deployment(tmp_path / "bridge", postgres_url)
    assert_used_once(run_replays(deployment, replays, seed()), deployment, replays)


@pytest.mark.turns(3)
@pytest.mark.slow
def test_the_replay_test_finds_servers_that_remember_in_memory_alone(tmp_path: Path) -> None:
    deployment = make_deployment(tmp_path / "bridge", "sqlite:///bridge.sqlite3")
    deployment.program = (sys.executable, str(forgetful_server.__file__))
    assert run_replays(deployment, 150, seed=1).second_acceptances > 0
