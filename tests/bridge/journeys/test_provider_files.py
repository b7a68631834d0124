"""A provider's weekly files overlap, correct each other and name students of nobody."""

from datetime import UTC, datetime
from pathlib import Path

from bridge.journeys.files.import_sessions import SessionReport, import_sessions
from mappings.language import compile_map, load_map
from tests.support.worlds import HARBOR, World, referral

HEADINGS = [word.text for word in load_map("weekly-sheet").main.headings]
EXPORTED = datetime(2026, 9, 19, tzinfo=UTC)


def row(patient: str, **cells: str) -> dict[str, str]:
    known = {"Appointment ID": "A-1", "Bridge ID": patient, "Date": "9/14/2026", "Start": "9:30 AM"}
    return {**known, "Referral Number": "R-1", "Status": "Show", "License": "LCSW", **cells}


def week(world: World, folder: Path, *rows: dict[str, str]) -> SessionReport:
    lines = [",".join(one.get(heading, "") for heading in HEADINGS) for one in rows]
    (folder / "week.csv").write_text("\n".join([",".join(HEADINGS), *lines]), encoding="utf-8")
    run = compile_map(load_map("weekly-sheet")).run([folder / "week.csv"], EXPORTED)
    return import_sessions(world.parts, HARBOR, run)


def referred(world: World) -> str:
    world.refer([referral(1)])
    request = world.stored("ServiceRequest", world.id_of("ServiceRequest", "R-1"))
    return str(request["subject"]["reference"]).removeprefix("Patient/")


def test_a_week_that_comes_again_changes_nothing_and_a_late_entry_is_added(
    lite: World, tmp_path: Path
) -> None:
    patient = referred(lite)
    late = row(patient, **{"Appointment ID": "A-2", "Date": "9/11/2026"})
    first = week(lite, tmp_path, row(patient))
    again = week(lite, tmp_path, late, row(patient))
    assert (first.stored, first.held) == (1, [])
    assert (again.stored, again.unchanged, again.renewed) == (1, 1, 0)


def test_a_correction_replaces_what_was_known(lite: World, tmp_path: Path) -> None:
    patient = referred(lite)
    week(lite, tmp_path, row(patient))
    fixed = week(lite, tmp_path, row(patient, Start="10:30 AM"))
    assert (fixed.stored, fixed.renewed, fixed.unchanged) == (0, 1, 0)


def test_an_appointment_to_come_is_booked_however_it_is_shown(lite: World, tmp_path: Path) -> None:
    patient = referred(lite)
    report = week(lite, tmp_path, row(patient, Date="9/21/2026"))
    assert report.by_attendance == {"booked": 1}


def test_a_student_nobody_referred_is_held(lite: World, tmp_path: Path) -> None:
    referred(lite)
    report = week(lite, tmp_path, row("somebody-else"))
    assert [held.codes for held in report.held] == [("no-match",)]


def test_a_session_is_never_replaced_by_one_of_another_student(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1), referral(2)])
    first, second = (
        str(
            lite.stored("ServiceRequest", lite.id_of("ServiceRequest", number))["subject"][
                "reference"
            ]
        )
        for number in ("R-1", "R-2")
    )
    week(lite, tmp_path, row(first.removeprefix("Patient/")))
    other = row(second.removeprefix("Patient/"), **{"Referral Number": "R-2"})
    report = week(lite, tmp_path, other)
    assert [held.codes for held in report.held] == [("other-student",)]
    assert (report.stored, report.renewed) == (0, 0)


def test_a_visit_that_was_attended_is_not_quietly_a_missed_one_too(
    lite: World, tmp_path: Path
) -> None:
    patient = referred(lite)
    week(lite, tmp_path, row(patient))
    report = week(lite, tmp_path, row(patient, Status="No Show"))
    assert [held.codes for held in report.held] == [("was-attended",)]
