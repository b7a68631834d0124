"""Held rows wait, are corrected in a sheet and come back; what was loaded is left alone."""

import csv
import io
from importlib.resources import files
from pathlib import Path

import openpyxl
import pytest

from bridge.errors import BridgeError
from bridge.journeys.files.held_rows import row_key, write_held
from bridge.journeys.files.import_referrals import ImportReport, ReferralImport
from bridge.journeys.files.import_sessions import SessionReport, import_sessions
from bridge.journeys.files.run_maps import compiled_map, run_of
from bridge.store.database.engine import read
from bridge.store.directory import HeldEntry, held
from tests.support.worlds import HARBOR, LEA, World, referral

MAP = "schoolbridge-template"
SAMPLE = files("bridge.demo").joinpath("data/millbrook-referrals.csv").read_text("utf-8-sig")
HEADER, GOOD = (dict(r) for r in [next(csv.DictReader(io.StringIO(SAMPLE)))] * 2)


def rows_file(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(HEADER))
        writer.writeheader()
        writer.writerows(GOOD | row for row in rows)
    return path


def brought_in(world: World, path: Path) -> ImportReport:
    return ReferralImport(world.parts, LEA, HARBOR).run(run_of(MAP, [path]))


def sheet_of(world: World, source: Path, report: ImportReport, out: Path) -> Path:
    rows = {
        h.origin.row: (" | ".join(h.texts), row_key(world.parts.identifiers, LEA, h.origin))
        for h in report.held
    }
    assert write_held(compiled_map(MAP), [source], rows, out) == len(rows)
    return out


def waiting(world: World) -> tuple[HeldEntry, ...]:
    with read(world.bridge.engine) as connection:
        return held(connection, LEA)


def corrected(path: Path, changes: dict[int, dict[str, str]]) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    columns = {cell.value: cell.column for cell in sheet[1]}
    for row, cells in changes.items():
        for heading, text in cells.items():
            sheet.cell(row, columns[heading]).value = text
    book.save(path)


APPOINTMENT = (
    "MSH|^~\\&|EHR|HARBOR|BRIDGE|XX|20260914120000-0400||SIU^S14^SIU_S12|EX-1|P|2.5\n"
    "SCH|1|APPT-1||||Add|||||||||||||||||||Unheard of|R-1\nTQ1|||||||20260914093000-0400\n"
    "PID|1||{patient}\n"
)
BAD = (
    {"Referral number": "Q-1"},
    {"Referral number": "Q-2", "Urgency": ""},
    {"Referral number": "", "Description": "first without a number"},
    {"Referral number": "", "Description": "second without a number"},
    {"Referral number": "Q-1", "Description": "another one under a number that is taken"},
)
CORRECTIONS = {
    2: {"Urgency": "Routine"},
    3: {"Referral number": "Q-3"},
    4: {"Referral number": "Q-4"},
    5: {"Referral number": "Q-5"},
}


def test_corrected_rows_go_through_and_leave_the_queue(world: World, tmp_path: Path) -> None:
    source = rows_file(tmp_path / "week.csv", *BAD)
    first = brought_in(world, source)
    assert (first.stored, len(first.held), len(waiting(world))) == (1, 4, 4)
    sheet = sheet_of(world, source, first, tmp_path / "held.xlsx")
    corrected(sheet, CORRECTIONS)
    second = brought_in(world, sheet)
    assert (second.stored, second.unchanged, second.held) == (4, 0, [])
    assert waiting(world) == ()


def test_coming_back_twice_changes_nothing(world: World, tmp_path: Path) -> None:
    source = rows_file(tmp_path / "week.csv", *BAD)
    sheet = sheet_of(world, source, brought_in(world, source), tmp_path / "held.xlsx")
    corrected(sheet, CORRECTIONS)
    brought_in(world, sheet)
    before = world.counts()
    again = brought_in(world, sheet)
    assert (again.stored, again.unchanged, again.held) == (0, 4, [])
    old = brought_in(world, source)  # the old file, beside its correction
    assert (old.stored, old.unchanged, len(old.held)) == (0, 1, 4)
    assert (world.counts(), waiting(world)) == (before, ())


def test_a_row_still_wrong_keeps_its_place_in_the_queue(world: World, tmp_path: Path) -> None:
    source = rows_file(tmp_path / "week.csv", *BAD)
    sheet = sheet_of(world, source, brought_in(world, source), tmp_path / "held.xlsx")
    corrected(sheet, {3: {"Referral number": "Q-3", "Urgency": "who knows"}})
    report = brought_in(world, sheet)
    assert (report.stored, len(report.held), len(waiting(world))) == (0, 4, 4)


def test_a_number_another_referral_has_can_be_changed_in_the_sheet(
    world: World, tmp_path: Path
) -> None:
    brought_in(world, rows_file(tmp_path / "one.csv", {"Referral number": "Q-1"}))
    taken = rows_file(tmp_path / "two.csv", {"Referral number": "Q-1", "Description": "other"})
    report = brought_in(world, taken)
    assert report.held[0].codes == ("differs-from-import",)
    brought_in(world, tmp_path / "one.csv")
    assert len(waiting(world)) == 1  # the first one's coming again settles nothing
    sheet = sheet_of(world, taken, report, tmp_path / "held.xlsx")
    corrected(sheet, {2: {"Referral number": "Q-9"}})
    assert brought_in(world, sheet).stored == 1
    assert waiting(world) == ()


def test_a_sheet_is_never_written_over(world: World, tmp_path: Path) -> None:
    source = rows_file(tmp_path / "week.csv", *BAD)
    report = brought_in(world, source)
    sheet_of(world, source, report, tmp_path / "held.xlsx")
    with pytest.raises(BridgeError, match="may hold corrections"):
        sheet_of(world, source, report, tmp_path / "held.xlsx")


def test_held_messages_are_corrected_in_a_sheet_as_well(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1)])
    request = lite.stored("ServiceRequest", lite.id_of("ServiceRequest", "R-1"))
    patient = str(request["subject"]["reference"]).removeprefix("Patient/")
    source = tmp_path / "week.hl7"
    source.write_text(APPOINTMENT.format(patient=f"{patient}^^^SCHOOLBRIDGE"), "utf-8")

    def came(path: Path) -> SessionReport:
        return import_sessions(lite.parts, HARBOR, run_of("harbor-hl7v2", [path]))

    def queue() -> int:
        with read(lite.bridge.engine) as connection:
            return len(held(connection, HARBOR))

    (row,) = came(source).held
    ticket = row_key(lite.parts.identifiers, HARBOR, row.origin)
    out = tmp_path / "held.xlsx"
    compiled = compiled_map("harbor-hl7v2")
    assert write_held(compiled, [source], {row.origin.row: ("why", ticket)}, out) == queue() == 1
    corrected(out, {2: {"SCH-25.1": "Noshow"}})
    first, again = came(out), came(out)
    assert (first.stored, first.held, again.stored, again.unchanged) == (1, [], 0, 1)
    assert queue() == 0


def test_a_row_no_sheet_can_hold_says_so_there(tmp_path: Path) -> None:
    source = rows_file(tmp_path / "week.csv", {"Urgency": "", "Description": "x" * 40_000})
    out = tmp_path / "held.xlsx"
    assert write_held(compiled_map(MAP), [source], {2: ("is empty", "t")}, out) == 0
    sheet = openpyxl.load_workbook(out).active
    assert sheet is not None
    told = str(sheet.cell(2, 1).value)
    assert told == (
        "is empty | a sheet cannot hold this row; correct it in its source and import that file"
        " again"
    )
    assert {cell.value for cell in sheet[2][3:]} == {None}
    assert list(run_of(MAP, [out])) == []
