"""An import that is killed and done again ends as if it had never been killed."""

import json
import random
import sys
import time
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.ledger.append import logs
from bridge.ledger.check import verify_log
from bridge.settings import read_settings
from bridge.store.database.engine import read
from tests.faults.deployment import Deployment, kill, make_deployment
from tests.faults.seeds import LONG
from tests.faults.seeds import seed as given_seed
from tests.support.nursery import Born, born
from tests.support.worlds import HARBOR, LEA

pytestmark = pytest.mark.turns(2)

KILLS = [pytest.param(1, marks=pytest.mark.slow), pytest.param(LONG // 5, marks=pytest.mark.faults)]
COPIES = 2  # of the sample, for several batches
Content = dict[str, list[tuple[object, ...]]]


def referral_file(folder: Path, number: int) -> Path:
    """The sample's messy rows several times over, each time under other referral numbers."""
    sample = files("bridge.demo").joinpath("data", "millbrook-referrals.csv").read_text("utf-8")
    header, _, rows = sample.partition("\n")
    copies = [rows.replace("MPS-2026-", f"MPS-{number}-{n}-2026-") for n in range(COPIES)]
    path = folder / f"referrals-{number}.csv"
    path.write_text("\n".join([header, *(copy.rstrip("\n") for copy in copies)]), "utf-8")
    return path


def importing(deployment: Deployment, file: Path) -> Born:
    words = ["import", "referrals", str(file), "--json"]
    words += ["--lea", LEA, "--provider", HARBOR, "--home", str(deployment.home)]
    out = deployment.home / "import.json"
    out.write_bytes(b"")
    return born(words, out, deployment.home / "import.log")


def finished(deployment: Deployment, file: Path) -> dict[str, int]:
    """Import to the end; returns the report."""
    assert importing(deployment, file).wait() == 0
    report: dict[str, int] = json.loads((deployment.home / "import.json").read_text("utf-8"))
    return report


def content(deployment: Deployment) -> Content:
    """Return what is kept, without the times at which it was.

    Nor the version of a student's own data: the newest row read counts, so a file with two
    spellings of one address makes two versions each time it is read.
    """
    queries = {
        "record": "SELECT type, id, content_digest, student_id FROM record"
        " WHERE type <> 'Provenance'",
        "versions": "SELECT type, id, version FROM record"
        " WHERE type NOT IN ('Patient', 'RelatedPerson')",
        "found by": "SELECT type, id, param, system, value FROM search_value",
        "evidence": "SELECT id, fact, student_id, element, purpose, recipient FROM evidence",
        "releases": "SELECT id, student_id, parts FROM signed_release",
        "held": "SELECT id, file, row, reasons FROM held_row WHERE released_at IS NULL",
        "students": "SELECT id, local_key FROM student",
    }
    bridge = deployment.open()
    with read(bridge.engine) as connection:
        found = {
            name: sorted(tuple(str(v) for v in row) for row in connection.execute(text(query)))
            for name, query in queries.items()
        }
        assert all(verify_log(connection, log).sound for log in logs(connection))
    bridge.engine.dispose()
    return found  # type: ignore[return-value] # texts are objects


def killed_then_done(
    deployment: Deployment, imports: list[Path], plan: tuple[int, int, float]
) -> tuple[list[int], list[dict[str, int]]]:
    """Kill each import twice before it may end; returns records after each kill, and reports."""
    kills, seed, whole = plan
    dice, kept = random.Random(seed), list[int]()  # noqa: S311 - repeatable, not secret
    for n in range(kills):
        process = importing(deployment, imports[n // 2])
        time.sleep(dice.uniform(whole * 0.35, whole))
        kill(process)
        kept.append(len(content(deployment)["record"]))
        if n % 2 or n + 1 == kills:
            finished(deployment, imports[n // 2])
    return kept, [finished(deployment, file) for file in imports]


@pytest.mark.parametrize("kills", KILLS)
@pytest.mark.parametrize("url_of", ["sqlite_url", "postgres_url"])
def test_a_killed_import_done_again_ends_as_if_never_killed(
    request: pytest.FixtureRequest, tmp_path: Path, url_of: str, kills: int
) -> None:
    deployment = make_deployment(tmp_path / "bridge", request.getfixturevalue(url_of))
    seed = given_seed()
    secret = read_settings(deployment.home).secret
    twin = make_deployment(tmp_path / "twin", "sqlite:///bridge.sqlite3", secret=secret)
    imports = [referral_file(tmp_path, n) for n in range((kills + 1) // 2)]
    began = time.monotonic()
    for file in imports:
        finished(twin, file)
    whole = (time.monotonic() - began) / len(imports)
    kept, reports = killed_then_done(deployment, imports, (kills, seed, whole))
    figures = {"url_of": url_of, "kills": kills, "records_after_each": kept, "seed": seed}
    sys.stdout.write(f"\n{json.dumps(figures | {'seconds': round(time.monotonic() - began)})}\n")
    for told in reports:
        assert told["stored"] == 0
        assert told["read"] == told["unchanged"] + told["held"] + told["duplicates"]
    assert kept == sorted(kept)  # what was kept stays kept
    assert content(deployment) == content(twin), seed
