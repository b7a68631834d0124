"""No notification is decided after an acknowledged revocation, by two workers."""

import os
from pathlib import Path

import pytest

from tests.faults.notification_races import run_races
from tests.faults.seeds import seed
from tests.support.receiver import receiving
from tests.support.subscribing import BACKPORT, active
from tests.support.worlds import make_world

pytestmark = pytest.mark.turns(2)

ONE_AT_A_TIME = {"url": f"{BACKPORT}backport-max-count", "valuePositiveInt": 1}
LONG = int(os.environ.get("SCHOOLBRIDGE_RACES") or 10_000)  # noqa: TID251 - how long to test
RACES = [
    pytest.param(25, marks=pytest.mark.slow),
    pytest.param(LONG, marks=pytest.mark.faults),
]


@pytest.mark.parametrize("races", RACES)
def test_nothing_is_told_that_was_decided_after_an_acknowledged_revocation(
    database_url: str, tmp_path: Path, races: int, capsys: pytest.CaptureFixture[str]
) -> None:
    world, run = make_world(database_url, tmp_path), seed()
    with receiving() as receiver:
        one = active(world, receiver, channel={"extension": [ONE_AT_A_TIME]})
        came, _ = run_races(world.bridge, receiver, races, run)
        before, after = came.committed(world.bridge)
        row = one.row
    world.bridge.engine.dispose()
    numbers = [number for _, number in receiver.effects]
    with capsys.disabled():
        worst = 1000 * max(came.in_flight, default=0.0)
        print(  # noqa: T201 - the figures
            f"\n{database_url.partition(':')[0]}: {races} races, {came.reads} told of, {before} "
            f"releases committed before the revocation and {after} after it; {len(came.in_flight)}"
            f" were under way when it was acknowledged, the slowest for {worst:.1f} ms; "
            f"{came.seconds:.0f} s (seed {run})"
        )
    assert (after, came.late) == (0, 0)
    assert sorted(numbers) == list(range(1, row.events + 1))
    # It was a race: some were told of before, some never.
    assert 0 < came.reads < races
