"""What a large file takes is told for the run that was made, whole or not at all."""

import csv
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks import many_referrals, million, report
from benchmarks.processes import memory_bytes


def test_the_file_is_the_same_each_time_and_mostly_empty(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        many_referrals.write(tmp_path / name, 200)

    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["Referral number"] for row in rows}) == 200
    assert 20 < sum(bool(row["Guardian name"]) for row in rows) < 100
    assert sum(bool(row["Screening"]) for row in rows) < 60


@pytest.mark.turns(3)
def test_a_run_tells_what_it_wrote_and_what_that_took(tmp_path: Path) -> None:
    figures = million.measure(300, 2, tmp_path)

    written = sorted((tmp_path / "resources").iterdir())
    assert figures.bytes_out == sum(len(file.read_bytes()) for file in written)
    assert figures.resources == sum(file.read_bytes().count(b"\n") for file in written)
    assert 6 * 300 < figures.resources < 8 * 300
    assert figures.cpu_seconds > 0
    assert min(figures.machine) > 0
    assert 20 * 2**20 < figures.peak_bytes_first_half <= figures.peak_bytes
    assert "| referrals | 300 |  |" in report.million(asdict(figures))


@pytest.mark.parametrize(
    ("wall", "mebibytes", "missed"), [(45, 300, 0), (46, 300, 1), (46, 301, 2)]
)
def test_a_goal_that_is_missed_is_shown(wall: float, mebibytes: int, missed: int) -> None:
    figures = million.Figures(10**6, 2, 1.0, wall, 0.0, mebibytes << 20, 1, 1, 1, 1, (1.0, 1.0))

    assert "\n".join(report.million(asdict(figures))).count("**not reached**") == missed


def test_nothing_is_written_where_there_is_not_enough_room(tmp_path: Path) -> None:
    with pytest.raises(million.UnfitRunError, match="bytes of free space are needed"):
        million.measure(10**12, 1, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_memory_is_that_of_a_process_and_its_children() -> None:
    child = "block = bytearray(64 << 20); print(flush=True); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    command = (sys.executable, "-c", parent)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:  # noqa: S603 - a program of ours
        assert running.stdout is not None
        running.stdout.readline()
        used = memory_bytes(running.pid)
        running.communicate(b"\n")

    assert 64 << 20 < used < 128 << 20
    assert memory_bytes(running.pid) == 0
