"""A form is revoked while files are being exported: between two files, between page and page.

Eight revoke at a time, for one alone mostly waited for the part under way: 300 revocations took
20 s in place of 73 on PostgreSQL, and 25 in place of 31 on SQLite. Each is still asked for at a
moment of chance, over all the time a part may take, and each is held against every file. The
servers below that decide before they lock, or on what they knew, are found out by 80 such.
"""

import os
import sys
import time
from pathlib import Path

import pytest

from bridge.context import Bridge
from bridge.gate.disclosures import subject_of
from bridge.journeys.families.record_releases import revoke_release
from bridge.parts import parts_of
from tests.faults.deployment import Deployment, kill, make_deployment
from tests.faults.export_reader import Exporter, exports_raced
from tests.faults.hub_exports import EACH, make_hub_deployment
from tests.faults.hub_exports import raced as hub_raced
from tests.faults.revocation_races import READERS, Races
from tests.faults.seeds import seed
from tests.faults.test_revocation_races import BY_TURNS, HASTY
from tests.support.worlds import HARBOR, LEA

pytestmark = pytest.mark.turns(3)

LONG = int(os.environ.get("SCHOOLBRIDGE_RACES") or 10_000)  # noqa: TID251 - how long to test
SHORT = 40
TRUSTING = (sys.executable, str(Path(__file__).with_name("trusting_server.py")))
FAULTY = [
    pytest.param(HASTY, id="hasty"),
    pytest.param(TRUSTING, id="trusting", marks=pytest.mark.faults),
]
RACES = [
    pytest.param(SHORT, marks=pytest.mark.slow),
    pytest.param(LONG, marks=pytest.mark.faults),
]


def raced(made: Deployment, races: int, run: int) -> tuple[Races, int, int]:
    """Race against a running server; returns what came of it, and releases in time and too late."""
    server = made.start()
    made.wait(server)
    bridge = made.open()
    try:
        came = run_races(bridge, made.base_url, races, run)
        return came, *came.committed(bridge)
    finally:
        bridge.engine.dispose()
        kill(server)


def run_races(bridge: Bridge, base_url: str, races: int, run: int) -> Races:
    """Revoke the forms of so many students in an order of chance while partners export."""
    acknowledged: dict[str, float] = {}
    subjects: set[str] = set()

    def revoke(number: int) -> None:
        issue = bridge.identifiers.issue
        request = issue(LEA, HARBOR, "ServiceRequest", f"R-{number}")
        student = issue("student", LEA, str(1000 + number))
        assert revoke_release(parts_of(bridge), issue("release", request, "education"))
        acknowledged[request] = time.monotonic()
        subjects.add(subject_of(bridge.identifiers, student))

    partners = [Exporter(base_url) for _ in range(READERS)]
    came = exports_raced(partners, range(races), run, revoke, acknowledged)
    came.subjects = subjects
    return came


@pytest.mark.parametrize("races", RACES)
def test_no_row_of_a_file_is_released_after_its_acknowledged_revocation(
    database_url: str, tmp_path: Path, races: int, capsys: pytest.CaptureFixture[str]
) -> None:
    made, run = make_deployment(tmp_path / "home", database_url, referrals=races), seed()
    made.workers = 2
    came, some, late = raced(made, races, run)
    with capsys.disabled():
        print(  # noqa: T201 - the figures
            f"\n{database_url.partition(':')[0]}: {races} revocations during {came.reads} files; "
            f"{some} releases committed before the revocation and {late} after it, "
            f"{came.late} rows in files begun after its acknowledgement; "
            f"the slowest {came.waited:.2f} s, in all {came.seconds:.0f} s (seed {run})"
        )
    assert (late, came.late) == (0, 0)
    assert some > races / 4


@pytest.mark.parametrize("url_of", BY_TURNS)
def test_a_server_that_looks_before_it_locks_is_found_out_by_exports(
    request: pytest.FixtureRequest, tmp_path: Path, url_of: str
) -> None:
    url = str(request.getfixturevalue(url_of))
    made = make_deployment(tmp_path / "home", url, referrals=2 * SHORT)
    made.workers, made.program = 2, HASTY
    *_, late = raced(made, 2 * SHORT, seed())
    assert late > 0


@pytest.mark.parametrize("races", RACES)
def test_no_coded_row_is_released_after_an_acknowledged_order_keeps_the_hub_out(
    database_url: str, tmp_path: Path, races: int, capsys: pytest.CaptureFixture[str]
) -> None:
    made, run = make_hub_deployment(tmp_path / "home", database_url, races), seed()
    made.workers = 2
    came, (some, late) = hub_raced(made, races, run)
    with capsys.disabled():
        print(  # noqa: T201 - the figures
            f"\n{database_url.partition(':')[0]}: {races} orders during {came.reads} files; "
            f"{some} rows committed before the order and {late} after it, "
            f"{came.late} rows in files begun after its acknowledgement; "
            f"the slowest {came.waited:.2f} s, in all {came.seconds:.0f} s (seed {run})"
        )
    assert (late, came.late) == (0, 0)
    assert some > races * EACH / 4


@pytest.mark.parametrize("program", FAULTY)
@pytest.mark.parametrize("url_of", BY_TURNS)
def test_a_server_that_decides_coded_rows_on_what_it_knew_is_found_out(
    request: pytest.FixtureRequest, tmp_path: Path, url_of: str, program: tuple[str, str]
) -> None:
    url = str(request.getfixturevalue(url_of))
    made = make_hub_deployment(tmp_path / "home", url, 2 * SHORT)
    made.workers, made.program = 2, program
    _, (_, late) = hub_raced(made, 2 * SHORT, seed())
    assert late > 0
