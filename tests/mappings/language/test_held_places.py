"""Held messages and records in a sheet: the map's places are its columns, and a row comes back."""

import tempfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.language import (
    CompiledMap,
    Held,
    HeldLine,
    Mapped,
    compile_map,
    fits,
    held_sheet,
    load_map,
)
from mappings.language.held_sheet import MARKS, SAYS_SEVERAL, Returned, open_source
from mappings.readers import SourceError, SourceFormat
from tests.support.roster_exports import ONEROSTER_CLASSES

MESSAGE = (
    "MSH|^~\\&|EHR|HARBOR|BRIDGE|XX|20260914120000-0400||SIU^S14^SIU_S12|EX-1|P|2.5\r"
    "SCH|1|APPT-1||||Add|||||||||||||||||||{status}|R-0001\r"
    "TQ1|||||||20260914093000-0400|20260914102000-0400\r"
    "PID|1||{patient}\rRGS|1\rAIS|1|A|IND^{kind}^L\rAIL|1||ROOM1|S^School^L\r"
)
GOOD = {"status": "Noshow", "patient": "P-1^^^SCHOOLBRIDGE", "kind": "Individual"}
PATIENT = "PID-3.1 where .4 is SCHOOLBRIDGE"
BUNDLE = (
    '{"resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "AMB"},'
    ' "subject": {"reference": "Patient/p1"}, "period": {"start": "2026-09-14T13:30:00Z"}}\n'
    '{"resourceType": "Patient", "id": "p1"}\n'
)


def message(folder: Path, **said: str) -> Path:
    path = folder / "messages.hl7"
    path.write_text(MESSAGE.format(**GOOD | said), encoding="utf-8", newline="")
    return path


def sheet_of(compiled: CompiledMap, source: Path, folder: Path) -> Path:
    """Write what a run holds into a sheet, as the import does."""
    found = [one for one in compiled.run([source]) if isinstance(one, Held)]
    header, rows = compiled.rows_at([source], [one.origin.row for one in found])
    lines = [
        HeldLine(str(one.reasons[0]), f"row {one.origin.row}", f"t{number}", rows[one.origin.row])
        for number, one in enumerate(found)
        if fits(rows[one.origin.row], header)
    ]
    assert len(lines) == len(found) > 0
    path = folder / "held.xlsx"
    path.write_bytes(held_sheet(header, lines))
    return path


def corrected(path: Path, row: int, changes: dict[str, str]) -> Path:
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    columns = {cell.value: cell.column for cell in sheet[1]}
    for place, text in changes.items():
        sheet.cell(row, columns[place]).value = text
    book.save(path)
    return path


def mapped(compiled: CompiledMap, path: Path) -> list[object]:
    """Return the records of a run without where they came from."""
    found = list(compiled.run([path]))
    return [replace(one.record, origin=None) for one in found if isinstance(one, Mapped)]  # type: ignore[arg-type] # only compared


@pytest.mark.parametrize(
    ("wrong", "change"),
    [
        ({"patient": "77^^^HARBOR"}, {PATIENT: "P-1"}),
        ({"status": "Unheard of"}, {"SCH-25.1": "Noshow"}),
        ({"kind": "Art"}, {"AIS-3.2": "Individual"}),
    ],
)
def test_a_corrected_message_is_what_it_would_have_been(
    tmp_path: Path, wrong: dict[str, str], change: dict[str, str]
) -> None:
    compiled = compile_map(load_map("harbor-hl7v2"))
    expected = mapped(compiled, message(tmp_path))
    sheet = sheet_of(compiled, message(tmp_path, **wrong), tmp_path)
    assert mapped(compiled, sheet) == []  # as it came, it is held again
    corrected(sheet, 2, change)
    assert mapped(compiled, sheet) == expected
    assert mapped(compiled, sheet) == expected
    (outcome,) = compiled.run([sheet])
    assert isinstance(outcome, Mapped)
    assert outcome.record.origin.ticket == "t0"
    assert outcome.record.origin.key == "EX-1"


def test_a_place_that_says_several_things_is_held_until_one_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "or"
    folder.mkdir()
    for name, text in ONEROSTER_CLASSES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    compiled = compile_map(load_map("oneroster"))
    sheet = sheet_of(compiled, folder, tmp_path)
    cells = [cell.value for row in openpyxl.load_workbook(sheet).active.iter_rows() for cell in row]  # type: ignore[union-attr] # the sheet has cells
    assert cells.count(SAYS_SEVERAL) == 3
    assert mapped(compiled, sheet) == []
    corrected(sheet, 3, {"enrollment.grade": "09"})
    (third,) = [one for one in compiled.run([sheet]) if isinstance(one, Mapped)]
    assert (third.record.local_id, third.record.grade.code) == ("3", "09")  # type: ignore[union-attr] # a student's record


def test_a_corrected_record_of_fhir_is_mapped(tmp_path: Path) -> None:
    (tmp_path / "visits.ndjson").write_text(BUNDLE, encoding="utf-8")
    compiled = compile_map(load_map("fhir-encounters"))
    (held,) = compiled.run([tmp_path / "visits.ndjson"])
    assert isinstance(held, Held)
    (place,) = [reason.column for reason in held.reasons]
    sheet = sheet_of(compiled, tmp_path / "visits.ndjson", tmp_path)
    corrected(sheet, 2, {place: "P-1"})
    (outcome,) = compiled.run([sheet])
    assert isinstance(outcome, Mapped)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_every_text_of_a_place_comes_back_as_it_was(text: str) -> None:
    places = ("MSH-10", "PID-5.1")
    if not fits(("m", text), places):
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "held.xlsx")
        path.write_bytes(held_sheet(places, [HeldLine("why", "row 1", "t", ("m", text))]))
        table = open_source(path, SourceFormat(("hl7v2",), locations=places))
        (cells,) = table.rows
    assert table.header == places
    assert isinstance(cells, Returned)
    assert cells[1].replace("\r\n", "\n") == text.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (("MSH-10",), 'the column "PID-5.1" is missing'),
        (("MSH-10", "PID-5.1", "PID-7"), "column F is no place this map asks for"),
        (("MSH-10", "PID-5.1", "MSH-10"), "column F is no place this map asks for"),
    ],
)
def test_a_sheet_with_other_columns_is_refused(
    tmp_path: Path, header: tuple[str, ...], words: str
) -> None:
    path = tmp_path / "held.xlsx"
    path.write_bytes(held_sheet(header, [HeldLine("why", "row 1", "t", ["x"] * len(header))]))
    with pytest.raises(SourceError, match=words):
        open_source(path, SourceFormat(("hl7v2",), locations=("MSH-10", "PID-5.1")))


def test_a_row_that_stands_there_without_its_cells_does_not_come_back(tmp_path: Path) -> None:
    path, places = tmp_path / "held.xlsx", ("MSH-10", "PID-5.1")
    lines = [HeldLine("too long", "row 1", "t0", ()), HeldLine("why", "row 2", "t1", ("m", "x"))]
    path.write_bytes(held_sheet(places, lines))
    table = open_source(path, SourceFormat(("hl7v2",), locations=places))
    assert [row for row in table.rows if row] == [["m", "x"]]
    assert openpyxl.load_workbook(path)["held rows"]["A2"].value == "too long"
    assert not fits(("m", SAYS_SEVERAL), places)
    assert MARKS[0] == "Held because"
