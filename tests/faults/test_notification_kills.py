"""A server is killed while it tells of changes: each effect once, none lost, the backlog drains."""

from pathlib import Path

import pytest

from tests.faults.deployment import make_deployment
from tests.faults.notification_kills import run_kills
from tests.faults.seeds import LONG, seed
from tests.support.receiver import receiving

pytestmark = pytest.mark.turns(2)

KILLS = [pytest.param(3, marks=pytest.mark.slow), pytest.param(LONG, marks=pytest.mark.faults)]


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_server_tells_of_every_change_and_of_none_twice(
    database_url: str, tmp_path: Path, kills: int
) -> None:
    url = database_url if database_url.startswith("postgresql") else "sqlite:///bridge.sqlite3"
    deployment = make_deployment(tmp_path / "bridge", url, referrals=8)
    with receiving() as receiver:
        run = run_kills(deployment, receiver, kills, seed())

    assert (run.missing, run.gaps, run.doubled) == ([], [], 0), run.figures()
    assert run.effects > 0
