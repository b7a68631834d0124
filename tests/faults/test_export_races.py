"""A form is revoked while files are being exported: between two files, between page and page."""

import os
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.context import Bridge
from bridge.gate.disclosures import subject_of
from bridge.journeys.families.record_releases import revoke_release
from bridge.parts import parts_of
from tests.faults.deployment import Deployment, kill, make_deployment
from tests.faults.export_reader import Exporter, downloads, judge
from tests.faults.hub_exports import EACH, make_hub_deployment
from tests.faults.hub_exports import raced as hub_raced
from tests.faults.revocation_races import READERS, Races
from tests.faults.seeds import seed
from tests.faults.test_revocation_races import BY_TURNS, HASTY
from tests.support.worlds import HARBOR, LEA

pytestmark = pytest.mark.turns(3)

LONG = int(os.environ.get("SCHOOLBRIDGE_RACES") or 10_000)  # noqa: TID251 - how long to test
SHORT = 40
MOST_SECONDS = 0.02
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
    dice, came, over = random.Random(run), Races(), threading.Event()  # noqa: S311 - repeatable
    students = list(range(races))
    dice.shuffle(students)
    acknowledged: dict[str, float] = {}
    partners = [Exporter(base_url) for _ in range(READERS)]
    began = time.monotonic()
    with ThreadPoolExecutor(READERS) as pool:
        reading = [pool.submit(downloads, each, over) for each in partners]
        try:
            for number in students:
                time.sleep(dice.uniform(0, MOST_SECONDS))
                _revoke(bridge, number, came, acknowledged)
        finally:
            over.set()
        files = [file for each in reading for file in each.result()]
    for each in partners:
        each.close()
    judge(came, files, acknowledged)
    came.seconds = time.monotonic() - began
    return came


def _revoke(bridge: Bridge, number: int, came: Races, acknowledged: dict[str, float]) -> None:
    issue = bridge.identifiers.issue
    request = issue(LEA, HARBOR, "ServiceRequest", f"R-{number}")
    came.subjects.add(subject_of(bridge.identifiers, issue("student", LEA, str(1000 + number))))
    assert revoke_release(parts_of(bridge), issue("release", request, "education"))
    acknowledged[request] = time.monotonic()


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
            f"{came.late} rows in files begun after its acknowledgement; {came.seconds:.0f} s "
            f"(seed {run})"
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
            f"{came.late} rows in files begun after its acknowledgement; {came.seconds:.0f} s "
            f"(seed {run})"
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
