"""Roster rows that need a person wait like every other row, and come back corrected."""

import csv
import io
from importlib.resources import files
from pathlib import Path

import openpyxl

from bridge.journeys.files.held_rows import row_key, write_held
from bridge.journeys.files.import_roster import RosterReport, import_roster
from bridge.journeys.files.run_maps import compiled_map, run_of
from bridge.store.database.engine import read
from bridge.store.directory import HeldEntry, held, students_of
from tests.support.worlds import LEA, World

MAP = "aspen-students"
SAMPLE = files("bridge.demo").joinpath("data/millbrook-roster.csv").read_text("utf-8-sig")
HEADER, GOOD = (dict(r) for r in [next(csv.DictReader(io.StringIO(SAMPLE)))] * 2)


def roster(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(HEADER))
        writer.writeheader()
        writer.writerows(GOOD | row for row in rows)
    return path


def brought_in(world: World, path: Path) -> RosterReport:
    return import_roster(world.parts, LEA, run_of(MAP, [path]))


def waiting(world: World) -> tuple[HeldEntry, ...]:
    with read(world.bridge.engine) as connection:
        return held(connection, LEA)


def known(world: World) -> set[str]:
    with read(world.bridge.engine) as connection:
        return set(students_of(connection, LEA))


def sheet_of(world: World, source: Path, report: RosterReport, out: Path) -> Path:
    rows = {
        h.origin.row: (" | ".join(h.texts), row_key(world.parts.identifiers, LEA, h.origin))
        for h in report.held
    }
    assert write_held(compiled_map(MAP), [source], rows, out) == len(rows)
    return out


def corrected(path: Path, row: int, heading: str, text: str) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    column = {cell.value: cell.column for cell in sheet[1]}[heading]
    sheet.cell(row, column).value = text
    book.save(path)


BAD = (
    {"local_id": "1"},
    {"local_id": "2", "full_name": "Wren Eastwick"},
    {"local_id": "", "full_name": "Eastwick, Kim"},
)


def test_held_roster_rows_wait_and_go_through_corrected(world: World, tmp_path: Path) -> None:
    source = roster(tmp_path / "roster.csv", *BAD)

    first = brought_in(world, source)

    assert (first.enrolled, len(first.held), known(world)) == (1, 2, {"1"})
    assert first.as_data()["held_by_reason"] == {"empty": 1, "unreadable": 1}
    assert [entry.row for entry in waiting(world)] == [3, 4]
    sheet = sheet_of(world, source, first, tmp_path / "held.xlsx")
    corrected(sheet, 2, "full_name", "Eastwick, Wren")
    corrected(sheet, 3, "local_id", "3")
    second = brought_in(world, sheet)
    assert (second.enrolled, second.held, waiting(world)) == (2, [], ())
    assert known(world) == {"1", "2", "3"}


def test_a_roster_sheet_that_comes_back_twice_changes_nothing(world: World, tmp_path: Path) -> None:
    source = roster(tmp_path / "roster.csv", *BAD)
    sheet = sheet_of(world, source, brought_in(world, source), tmp_path / "held.xlsx")
    corrected(sheet, 2, "full_name", "Eastwick, Wren")
    corrected(sheet, 3, "local_id", "3")
    brought_in(world, sheet)
    before = world.counts()

    brought_in(world, sheet)
    brought_in(world, source)  # the old file, beside its correction

    assert (world.counts(), waiting(world)) == (before, ())


def test_a_student_in_order_in_the_next_roster_leaves_the_queue(
    world: World, tmp_path: Path
) -> None:
    brought_in(world, roster(tmp_path / "monday.csv", *BAD))

    brought_in(world, roster(tmp_path / "tuesday.csv", {"local_id": "2"}))

    assert [entry.row for entry in waiting(world)] == [4]


def test_a_roster_that_says_nothing_of_enrolment_settles_its_row_too(
    world: World, tmp_path: Path
) -> None:
    brought_in(world, roster(tmp_path / "monday.csv", *BAD[:2]))
    said = {"local_id": "2", "enrollment_status": "NULL"}

    report = brought_in(world, roster(tmp_path / "tuesday.csv", said))

    assert (report.unsaid, waiting(world)) == (1, ())
