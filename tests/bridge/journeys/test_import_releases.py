"""Signed forms from files. All people made up."""

import csv
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from bridge.journeys.files.import_releases import ReleasesReport, columns, import_releases
from mappings.readers.errors import SourceError
from tests.support.worlds import HARBOR, LEA, World, caller, referral

ROW = {
    "Student number": "1001",
    "Form": "education",
    "Answer": "signed",
    "Signer": "Max Winterbourne",
    "Relationship": "FTH",
    "Signed on": "2026-09-01",
    "Covers": "referral",
    "Purposes": "refer",
    "Recipient": "provider",
    "Own consent": "no",
}


def written(folder: Path, *rows: dict[str, str]) -> Path:
    path = folder / "forms.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(columns()), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def imported(world: World, path: Path) -> ReleasesReport:
    return import_releases(world.parts, (LEA, HARBOR), path)


def sees(world: World) -> bool:
    request = world.id_of("ServiceRequest", "R-1")
    return world.bridge.gate.read(caller(), "ServiceRequest", request) is not None


def test_a_form_in_a_file_opens_the_referral_and_importing_it_again_changes_nothing(
    world: World, tmp_path: Path
) -> None:
    world.refer([referral(1, releases=())])
    path = written(tmp_path, ROW)
    first, again = imported(world, path), imported(world, path)
    assert first.as_data() == {
        "read": 1, "filed": 1, "unchanged": 0, "incomplete": 0, "held": 0
    }  # fmt: skip
    assert (again.filed, again.unchanged) == (0, 1)
    assert sees(world)


def test_the_same_form_in_a_workbook_is_the_same_form(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1, releases=())])
    path = written(tmp_path, ROW)
    book = openpyxl.Workbook()
    book.active.append(list(columns()))
    book.active.append([_cell(heading) for heading in columns()])
    book.save(tmp_path / "forms.xlsx")
    assert imported(lite, path).filed == 1
    assert imported(lite, tmp_path / "forms.xlsx").unchanged == 1


def _cell(heading: str) -> object:
    """Return a cell as an office enters it: a day is a day."""
    text = ROW.get(heading, "")
    return date.fromisoformat(text) if heading.endswith(" on") and text else text


@pytest.mark.parametrize(
    ("heading", "value", "said"),
    [
        ("Student number", "", 'column "Student number": is empty'),
        ("Student number", "9999", "millbrook has no student of that number"),
        ("Answer", "sure", 'column "Answer": write signed, refused, pending'),
        ("Signed on", "9/1/2026", 'column "Signed on": write the day as YYYY-MM-DD'),
        ("Expires on", "2026-13-01", 'column "Expires on": write the day as YYYY-MM-DD'),
        ("Own consent", "maybe", 'column "Own consent": write yes or no'),
    ],
)
def test_a_row_that_cannot_be_read_is_held_with_its_reason_and_no_value(
    lite: World, tmp_path: Path, heading: str, value: str, said: str
) -> None:
    lite.refer([referral(1, releases=())])
    report = imported(lite, written(tmp_path, {**ROW, heading: value}, ROW))
    (held,) = report.held
    assert (report.filed, held.file, held.row) == (1, "forms.csv", 2)
    assert held.reasons[0].startswith(said)
    assert not value or value not in held.reasons[0]


def test_a_form_without_a_signature_is_filed_and_sets_no_fact(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1, releases=())])
    report = imported(lite, written(tmp_path, {**ROW, "Signer": ""}))
    assert (report.filed, report.incomplete, report.held) == (1, 1, [])
    assert not sees(lite)


def test_a_file_in_another_layout_is_refused_whole(lite: World, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("Student number,Form\n1001,education\n", encoding="utf-8")
    with pytest.raises(SourceError, match="lacks the column"):
        imported(lite, path)
