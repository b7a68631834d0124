"""Nothing acknowledged is lost and nothing doubled, whenever the server is killed.

A short run stands in every test run; ``make faults`` makes the long one (``SCHOOLBRIDGE_KILLS``)
and ``SCHOOLBRIDGE_TEST_SEED`` repeats one. The figures are printed (``-s``).
"""

import sys
from pathlib import Path

import pytest

from tests.faults import careless_server
from tests.faults.deployment import Deployment, make_deployment
from tests.faults.killing import Plan, Run, opener, run_kills
from tests.faults.provider import Journal
from tests.faults.reconcile import reconcile
from tests.faults.seeds import LONG, seed

pytestmark = pytest.mark.turns(3)

REFERRALS = 12
KILLS = [pytest.param(5, marks=pytest.mark.slow), pytest.param(LONG, marks=pytest.mark.faults)]
WORKER_KILLS = [
    pytest.param(3, marks=pytest.mark.slow),
    pytest.param(LONG, marks=pytest.mark.faults),
]


def assert_kept(run: Run, kills: int) -> None:
    assert not run.findings.any, (run.plan, run.findings)
    assert run.kills >= kills
    assert run.journal.acknowledged > kills  # it was killed at work
    assert run.journal.retries > 0  # and some answers were lost
    assert run.findings.entries > 0


def sqlite_deployment(folder: Path) -> Deployment:
    return make_deployment(folder / "bridge", "sqlite:///bridge.sqlite3", REFERRALS)


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_server_on_sqlite_loses_and_doubles_nothing(tmp_path: Path, kills: int) -> None:
    run = run_kills(sqlite_deployment(tmp_path), Plan(kills, seed()))
    assert_kept(run, kills)


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_server_or_database_on_postgresql_loses_and_doubles_nothing(
    own_postgres_url: str, tmp_path: Path, kills: int
) -> None:
    deployment = make_deployment(tmp_path / "bridge", own_postgres_url, REFERRALS)
    plan = Plan(kills, seed(), backend_every=5)
    run = run_kills(deployment, plan, opener(own_postgres_url))
    assert_kept(run, kills)
    assert run.backend_kills >= kills // 6


@pytest.mark.parametrize("kills", WORKER_KILLS)
@pytest.mark.parametrize("url_of", ["sqlite", "postgresql"])
def test_a_killed_worker_of_several_loses_and_doubles_nothing(
    request: pytest.FixtureRequest, tmp_path: Path, url_of: str, kills: int
) -> None:
    url = "sqlite:///bridge.sqlite3"
    if url_of == "postgresql":
        url = str(request.getfixturevalue("postgres_url"))
    deployment = make_deployment(tmp_path / "bridge", url, REFERRALS)
    deployment.workers = 3
    run = run_kills(deployment, Plan(kills, seed(), of_workers=True))
    assert_kept(run, kills)


@pytest.mark.slow
def test_the_kill_test_finds_a_server_that_acknowledges_before_it_commits(tmp_path: Path) -> None:
    deployment = sqlite_deployment(tmp_path)
    deployment.program = (sys.executable, str(careless_server.__file__))
    run = run_kills(deployment, Plan(kills=20, seed=1))
    assert run.findings.lost or run.findings.unrecorded
    assert run.kills <= 20


@pytest.mark.slow
def test_the_kill_test_finds_a_client_whose_repeats_look_new(tmp_path: Path) -> None:
    deployment = sqlite_deployment(tmp_path)
    run = run_kills(deployment, Plan(kills=8, seed=2, deaf=0.5, careful=False))
    assert run.findings.doubled
    assert not run.findings.lost


def test_the_kill_test_finds_a_release_the_ledger_does_not_know(tmp_path: Path) -> None:
    bridge = sqlite_deployment(tmp_path).open()
    journal = Journal(received={("Task", "a-task", "a-version")})
    found = reconcile(bridge.engine, journal)
    bridge.engine.dispose()
    assert found.unrecorded == ["Task received without an entry"]
    assert not found.lost
