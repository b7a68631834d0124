"""A server is killed while it tells of changes: each effect once, none lost, the backlog drains."""

import json
from pathlib import Path

import pytest

from tests.faults.deployment import make_deployment
from tests.faults.notification_kills import STAGES, run_kills
from tests.faults.seeds import LONG, seed
from tests.support.receiver import receiving

pytestmark = pytest.mark.turns(2)

ENOUGH = 60  # kills, of which each stage has a share however chance falls
KILLS = [pytest.param(3, marks=pytest.mark.slow), pytest.param(LONG, marks=pytest.mark.faults)]


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_server_tells_of_every_change_and_of_none_twice(
    database_url: str, tmp_path: Path, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    url = database_url if database_url.startswith("postgresql") else "sqlite:///bridge.sqlite3"
    deployment = make_deployment(tmp_path / "bridge", url, referrals=8)
    with receiving() as receiver:
        run = run_kills(deployment, receiver, kills, seed())
    with capsys.disabled():
        print(f"\n{database_url.partition(':')[0]}: {json.dumps(run.figures())}")  # noqa: T201

    assert (run.missing, run.gaps, run.doubled) == ([], [], 0), run.figures()
    assert run.effects > 0
    if kills >= ENOUGH:
        assert all(run.stages[each] >= kills / 20 for each in STAGES)
        assert run.repeats > 0  # some had been taken before it was known that they were
