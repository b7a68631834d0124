"""A map is tried out: one process or several, the same resources and the same count."""

import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib.resources import as_file, files
from pathlib import Path

import pytest

from bridge.errors import BridgeError
from bridge.journeys.files.map_files import _trial_context, map_files, map_files_together
from bridge.journeys.files.run_maps import run_of
from mappings.canonical import Referral
from mappings.language import CompiledMap, Held, Mapped, Run, Share
from mappings.readers import SourceError

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


def test_what_was_mapped_before_a_file_is_found_to_be_broken_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mappings.readers.text_chunks.CHUNK", 2_000)
    monkeypatch.setattr("mappings.language.shares._STEP", 8)
    with as_file(files("bridge.demo") / "data" / "millbrook-referrals.csv") as demo:
        (tmp_path / "referrals.csv").write_bytes(demo.read_bytes() + b'"never closed')
    shares = list[int]()
    divide = CompiledMap.divide

    def counted(self: CompiledMap, paths: list[Path], processes: int) -> Iterator[Share]:
        for share in divide(self, paths, processes):
            shares.append(share.end)
            yield share

    monkeypatch.setattr(CompiledMap, "divide", counted)
    with pytest.raises(SourceError, match="never closed"):
        map_files_together(MAP, [tmp_path / "referrals.csv"], tmp_path / "out", 2)
    assert len(shares) == 1  # one was being mapped
    assert not (tmp_path / "out").exists()


def test_a_run_that_fails_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    def breaking() -> Iterator[Mapped | Held]:
        yield next(iter(run))
        raise SourceError("rows.csv", "row 3", "is broken")

    with as_file(files("bridge.demo") / "data" / "millbrook-referrals.csv") as source:
        run = run_of(MAP, [source])
        (tmp_path / "out").mkdir()
        with pytest.raises(SourceError):
            map_files(Run(breaking(), run.report), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


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


def test_of_the_rows_made_together_the_one_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = _trial_context()

    def unfit(kind: str, key: str) -> str:
        return "not an id" if key == fourth else usual.id_for(kind, key)

    monkeypatch.setattr(
        "bridge.journeys.files.map_files._trial_context", lambda: replace(usual, id_for=unfit)
    )
    with as_file(files("bridge.demo") / "data" / "millbrook-referrals.csv") as source:
        mapped = [row for row in run_of(MAP, [source]) if isinstance(row, Mapped)]
        fourth = mapped[3].record.number if isinstance(mapped[3].record, Referral) else ""
        where = f"millbrook-referrals.csv row {mapped[3].source_row}: Resource.id"
        with pytest.raises(BridgeError, match=re.escape(where)):
            map_files(run_of(MAP, [source]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_moment_of_export_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="write the export as 2026-09-14"):
        run_of("weekly-sheet", [tmp_path / "week.csv"], exported="Friday")
