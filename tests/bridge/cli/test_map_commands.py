"""The commands a data manager uses, from a draft to a locked map and its held rows."""

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from bridge.cli import app
from documents import DocumentError
from mappings.language.shipped import FOLDER

SAMPLE = str(files("bridge.demo").joinpath("data/millbrook-referrals.csv"))
MAP = "schoolbridge-template"


def told(*words: str, code: int = 0) -> str:
    result: Result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def own_map(tmp_path: Path) -> Path:
    """A district's copy of a shipped map, with its tables and its lock."""
    shutil.copytree(FOLDER / "values", tmp_path / "values")
    for name in (f"{MAP}.yaml", f"{MAP}.lock.csv"):
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path / f"{MAP}.yaml"


def test_held_rows_of_a_trial_are_written_to_a_sheet_and_can_be_run_again(tmp_path: Path) -> None:
    first = json.loads(told("map", "run", SAMPLE, "--map", MAP, "--out", f"{tmp_path}/a", "--json"))
    assert first["held_sheet"] == first["held"] > 0
    assert sum(first["held_by_reason"].values()) >= first["held"]
    sheet = str(tmp_path / "a" / "held-rows.xlsx")
    again = json.loads(told("map", "run", sheet, "--map", MAP, "--out", f"{tmp_path}/b", "--json"))
    alone = first["held_by_reason"].pop("key-repeated")  # their twins are not in the sheet
    assert (again["read"], again["held"]) == (first["held"], first["held"] - alone)
    assert again["held_by_reason"] == first["held_by_reason"]


def test_a_map_that_does_what_nobody_approved_is_not_run(own_map: Path, tmp_path: Path) -> None:
    assert "3/3" in told("map", "test", str(own_map))
    table = own_map.parent / "values" / "urgency.csv"
    table.write_text(table.read_text("utf-8").replace("Crisis,stat", "Crisis,routine"), "utf-8")
    assert "no mistakes found" in told("map", "check", str(own_map))
    assert 'now "routine"' in told("map", "test", str(own_map), code=1)
    with pytest.raises(DocumentError, match='"stat", approved; now "routine"'):
        told("map", "run", SAMPLE, "--map", str(own_map), "--out", f"{tmp_path}/out")
    assert not (tmp_path / "out").exists()


def test_an_intended_change_is_approved_by_locking_again(own_map: Path) -> None:
    text = own_map.read_text("utf-8").replace("[Date of birth, DOB]", "[Date of birth, Born]")
    own_map.write_text(text, "utf-8")
    told("map", "test", str(own_map), code=1)
    assert "lock.csv" in told("map", "lock", str(own_map))
    assert "3/3" in told("map", "test", str(own_map))


def test_a_column_is_followed_to_fhir_and_so_is_one_row() -> None:
    assert "Urgency  ->  urgency  ->  " in told("map", "explain", MAP)
    row = json.loads(told("map", "explain", MAP, SAMPLE, "--row", "2", "--json"))
    (urgency,) = [line for line in row if line["goes_to"] == "urgency"]
    assert (urgency["cell"], urgency["value"]) == ("As soon as possible", "asap")


def test_a_draft_schema_dictionary_and_export_are_printed(tmp_path: Path) -> None:
    assert "decide? student.local_id" in told("map", "new", SAMPLE)
    assert json.loads(told("map", "schema"))["title"]
    assert told("map", "dictionary").startswith("# Data dictionary")
    exported = json.loads(told("map", "export", MAP))
    alone = json.loads(told("map", "export", MAP, "--structuremap"))
    assert alone["resourceType"] == "StructureMap"
    assert alone in [entry["resource"] for entry in exported["entry"]]
    maps = [
        e["resource"] for e in exported["entry"] if e["resource"]["resourceType"] == "ConceptMap"
    ]
    (tmp_path / "urgency.json").write_text(json.dumps(maps[0]), "utf-8")
    assert told("map", "table", str(tmp_path / "urgency.json")).startswith("source,code\nRoutine,")
