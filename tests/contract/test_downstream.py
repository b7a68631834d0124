"""The pipeline a state would run on our rows reads what smart-fetch fetched, both unmodified."""

import json
from pathlib import Path

import pytest

from tests.contract.programs import ROOT, run
from tests.contract.serving import Served
from tests.contract.test_bulk_clients import exported, lines

# Its environment takes a minute and 600 MB to install, so it stands beside the long runs.
pytestmark = [pytest.mark.xdist_group("contract"), pytest.mark.faults]
PIPELINE = ROOT / ".clients-etl"
TASKS = {"encounter": "Encounter", "patient": "Patient", "servicerequest": "ServiceRequest"}


def test_cumulus_etl_reads_what_smart_fetch_fetched(on_sqlite: Served, tmp_path: Path) -> None:
    if not (PIPELINE / ".ready").exists():
        pytest.fail("cumulus-etl is not installed: make etl")
    fetched, made = tmp_path / "fetched", tmp_path / "made"
    rows = exported(on_sqlite, fetched)
    (source,) = fetched.glob("*/")
    # Told what it may not guess; of what smart-fetch left in its log it takes the rest.
    told = ("--export-group", "millbrook", "--export-timestamp", "2026-11-23T14:00:00Z")
    which = ("--task", ",".join(TASKS), "--output-format", "ndjson", "--allow-missing-resources")
    program = (str(PIPELINE / "bin" / "cumulus-etl"), str(source), str(made))
    run([*program, str(tmp_path / "phi"), *which, *told], within=200)

    written = {kind: _written(made, task) for task, kind in TASKS.items()}
    sent = {kind: [row for name in rows if name.split(".")[0] == kind for row in rows[name]]
            for kind in TASKS.values()}  # fmt: skip
    assert {kind: len(found) for kind, found in written.items()} == {
        kind: len(found) for kind, found in sent.items()
    }
    assert all(written.values())
    # It made ids of its own, and what referred to a person still does.
    people = {f"Patient/{row['id']}" for row in written["Patient"]}
    for kind in ("Encounter", "ServiceRequest"):
        assert {row["subject"]["reference"] for row in written[kind]} <= people
    asked = {f"ServiceRequest/{row['id']}" for row in written["ServiceRequest"]}
    assert {row["basedOn"][0]["reference"] for row in written["Encounter"]} <= asked
    # Nothing was lost but names and numbers, which it is there to take out.
    assert {row["status"] for row in written["Encounter"]} == {
        row["status"] for row in sent["Encounter"]
    }
    hidden = json.dumps(written)
    assert not any(each in hidden for ids in on_sqlite.hidden.values() for each in ids)


def _written(made: Path, task: str) -> list[dict[str, object]]:
    paths = sorted(made.glob(f"{task}/*.ndjson"))
    return [row for path in paths for row in lines(path)]
