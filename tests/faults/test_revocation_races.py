"""No release is committed after an acknowledged revocation, by a server of two workers."""

import os
import sys
from pathlib import Path

import pytest

from tests.faults.deployment import Deployment, kill, make_deployment
from tests.faults.revocation_races import Races, readers, run_races
from tests.faults.seeds import seed

LONG = int(os.environ.get("SCHOOLBRIDGE_RACES") or 10_000)  # noqa: TID251 - how long to test
SHORT = 40
RACES = [
    pytest.param(SHORT, marks=pytest.mark.slow),
    pytest.param(LONG, marks=pytest.mark.faults),
]
# Either is found in its races; a test run looks for one.
BY_TURNS = ["sqlite_url", pytest.param("postgres_url", marks=pytest.mark.faults)]
HASTY = (sys.executable, str(Path(__file__).with_name("hasty_server.py")))


def raced(made: Deployment, races: int, run: int) -> tuple[Races, int, int]:
    """Race against a running server; returns what came of it, and releases in time and too late."""
    server = made.start()
    made.wait(server)
    bridge = made.open()
    try:
        with readers(made.base_url) as reading:
            came = run_races(bridge, reading, range(races), run)
        return came, *came.committed(bridge)
    finally:
        bridge.engine.dispose()
        kill(server)


@pytest.mark.turns(2)
@pytest.mark.parametrize("races", RACES)
def test_no_release_is_committed_after_an_acknowledged_revocation(
    database_url: str, tmp_path: Path, races: int, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_deployment(tmp_path / "home", database_url, referrals=races)
    made.workers, run = 2, seed()
    came, some, late = raced(made, races, run)
    worst = 1000 * max(came.in_flight, default=0.0)
    with capsys.disabled():
        print(  # noqa: T201 - the figures
            f"\n{database_url.partition(':')[0]}: {races} races, {came.reads} reads, "
            f"{some} releases committed before the revocation and {late} after it, {came.late} "
            "reads begun after its acknowledgement answered with the record; "
            f"{len(came.in_flight)} answers of releases before it were still under way, the "
            f"slowest for {worst:.1f} ms; {came.seconds:.0f} s (seed {run})"
        )
    assert (late, came.late, came.failed) == (0, 0, [])
    # It was a race: in some the record was read before, and each was read after it.
    assert races * 2 < came.reads
    assert some > races / 4


@pytest.mark.turns(4)
@pytest.mark.parametrize("url_of", BY_TURNS)
def test_a_server_that_looks_before_it_locks_is_found_out(
    request: pytest.FixtureRequest, tmp_path: Path, url_of: str
) -> None:
    url = str(request.getfixturevalue(url_of))
    made = make_deployment(tmp_path / "home", url, referrals=3 * SHORT)
    made.workers, made.program = 2, HASTY
    *_, late = raced(made, 3 * SHORT, seed())
    assert late > 0
