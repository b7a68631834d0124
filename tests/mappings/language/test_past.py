"""A session that is still to come was not attended, whatever its source says."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mappings.canonical import ServiceSession
from mappings.language import Held, Mapped, check_map, compile_map, load_map
from mappings.language.past import exported_at
from mappings.readers import SourceError

ZONE = ZoneInfo("America/New_York")
HEADINGS = [word.text for word in load_map("weekly-sheet").main.headings]


def sheet(folder: Path, *rows: dict[str, str]) -> Path:
    lines = [",".join(row.get(heading, "") for heading in HEADINGS) for row in rows]
    (folder / "week.csv").write_text("\n".join([",".join(HEADINGS), *lines]), encoding="utf-8")
    return folder / "week.csv"


def row(status: str = "Show", **cells: str) -> dict[str, str]:
    known = {"Appointment ID": "A-1", "Bridge ID": "P-1", "Date": "9/14/2026", "Start": "9:30 AM"}
    return {**known, "Status": status, **cells}


def outcome(path: Path, exported: str, name: str = "weekly-sheet") -> Mapped | Held:
    (found,) = compile_map(load_map(name)).run([path], exported_at(exported, ZONE))
    return found


def attendance(found: Mapped | Held) -> str:
    assert isinstance(found, Mapped), found
    assert isinstance(found.record, ServiceSession)
    return found.record.attendance.value


MOMENTS = [
    ("2026-09-14T09:00", "9:30 AM", "", "booked"),
    ("2026-09-14T09:31", "9:30 AM", "", "attended"),
    ("2026-09-14T09:31", "9:30 AM", "10:15 AM", "booked"),
    ("2026-09-14T14:15Z", "9:30 AM", "10:15 AM", "attended"),
    ("2026-09-14", "9:30 AM", "", "booked"),
    ("2026-09-15", "9:30 AM", "", "attended"),
    ("2026-09-14T23:00", "", "", "booked"),
    ("2026-09-15", "", "", "attended"),
]


@pytest.mark.parametrize(("exported", "start", "end", "expected"), MOMENTS)
def test_show_counts_once_the_session_had_ended_when_the_sheet_was_saved(
    tmp_path: Path, exported: str, start: str, end: str, expected: str
) -> None:
    path = sheet(tmp_path, row(Start=start, End=end))
    assert attendance(outcome(path, exported)) == expected


@pytest.mark.parametrize(
    ("status", "expected"), [("No Show", "booked"), ("Cancelled", "cancelled")]
)
def test_what_is_not_over_is_not_missed_either_but_may_be_cancelled(
    tmp_path: Path, status: str, expected: str
) -> None:
    assert attendance(outcome(sheet(tmp_path, row(status)), "2026-09-01")) == expected


def test_without_the_moment_of_the_export_nothing_of_such_a_system_is_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="say when it was made"):
        compile_map(load_map("weekly-sheet")).run([sheet(tmp_path, row())])


def test_a_row_without_any_time_is_held(tmp_path: Path) -> None:
    found = outcome(sheet(tmp_path, row(Date="", Start="")), "2026-09-18")
    assert isinstance(found, Held)
    assert [reason.code for reason in found.reasons] == ["empty"]


def message(folder: Path, status: str) -> Path:
    text = (
        "MSH|^~\\&|E|H|B|M|20260914||SIU^S14|1|P|2.5\n"
        f"SCH|1|APPT-1||||Add{'|' * 19}{status}\n"
        "TQ1|||||||20260914093000-0400\nPID|1||P-1^^^SCHOOLBRIDGE\n"
    )
    (folder / "m.hl7").write_text(text, encoding="utf-8")
    return folder / "m.hl7"


def test_elsewhere_a_session_that_is_over_too_early_waits_for_a_person(tmp_path: Path) -> None:
    found = outcome(message(tmp_path, "Complete"), "2026-09-14", "harbor-hl7v2")
    assert isinstance(found, Held)
    assert [str(reason.code) for reason in found.reasons] == ["not-yet"]
    assert attendance(outcome(message(tmp_path, "Complete"), "2026-09-15", "harbor-hl7v2")) == (
        "attended"
    )
    assert (
        attendance(outcome(message(tmp_path, "Booked"), "2026-09-01", "harbor-hl7v2")) == "booked"
    )


def test_a_day_means_its_first_moment_in_the_zone_of_the_map() -> None:
    assert exported_at("2026-09-14", ZONE).astimezone(UTC) == datetime(2026, 9, 14, 4, tzinfo=UTC)
    with pytest.raises(ValueError, match="write the export as"):
        exported_at("last Friday", ZONE)


def test_a_map_of_such_a_system_says_in_each_example_when_it_was_exported(tmp_path: Path) -> None:
    folder = Path(load_map("weekly-sheet").folder)
    text = (folder / "weekly-sheet.yaml").read_text("utf-8").replace("values/", str(folder / "x"))
    (tmp_path / "m.yaml").write_text(text.replace('    exported: "2026-09-18"\n', "", 1), "utf-8")
    assert any(
        "needs to know when" in problem.text for problem in check_map(load_map(tmp_path / "m.yaml"))
    )
