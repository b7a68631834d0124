"""A map is tried out: one process or several, the same resources and the same count."""

from dataclasses import asdict
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from bridge.errors import BridgeError
from bridge.journeys.map_files import map_files, map_files_together
from bridge.journeys.run_maps import run_of

MAP = "schoolbridge-template"


def written(out: Path) -> dict[str, list[bytes]]:
    """Return the lines of each resource type: the first process's, then the second's ..."""
    found: dict[str, list[bytes]] = {}
    for path in sorted(out.iterdir()):
        found.setdefault(path.name.partition(".")[0], []).extend(path.read_bytes().splitlines())
    return found


@pytest.mark.parametrize("processes", [2, 3])
def test_several_processes_write_what_one_writes_and_count_what_one_counts(
    tmp_path: Path, processes: int
) -> None:
    with as_file(files("bridge.demo") / "data" / "millbrook-referrals.csv") as source:
        run = run_of(MAP, [source])
        alone = map_files(run, tmp_path / "alone")
        together = map_files_together(MAP, [source], tmp_path / "together", processes)

    assert written(tmp_path / "together") == written(tmp_path / "alone")
    assert together.result.resources == alone.resources
    assert together.result.held == alone.held
    assert (run.report.held, run.report.duplicates) == (30, 8)
    assert asdict(together.report) == asdict(run.report)


def test_a_file_that_cannot_be_used_leaves_no_folder(tmp_path: Path) -> None:
    source = tmp_path / "empty.csv"
    source.write_text("Nothing,Here\n", encoding="utf-8")

    with pytest.raises(Exception, match=r"empty\.csv"):
        map_files_together(MAP, [source], tmp_path / "out", 2)
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="not empty"):
        map_files_together(MAP, [], tmp_path.parent, 2)


def test_a_clinics_sheet_is_tried_out_into_visits_and_appointments(tmp_path: Path) -> None:
    heads = "Appointment ID,Bridge ID,Referral Number,Date,Start,End,Status,Service,Place"
    rows = ["A-1,P-1,,9/14/2026,9:30 AM,,Show,,", "A-2,P-1,,9/21/2026,9:30 AM,,Show,,"]
    lines = [f"{heads},Clinician,License,Comments", *(f"{row},,," for row in rows)]
    (tmp_path / "week.csv").write_text("\n".join(lines), encoding="utf-8")
    run = run_of("weekly-sheet", [tmp_path / "week.csv"], exported="2026-09-18")

    tried = map_files(run, tmp_path / "out")
    assert tried.resources == {"Encounter": 1, "Appointment": 1, "Provenance": 2}
    assert tried.held == ()


def test_a_moment_of_export_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="write the export as 2026-09-14"):
        run_of("weekly-sheet", [tmp_path / "week.csv"], exported="Friday")
