"""Running the mapping arms: equal output first, then the times."""

import json
import subprocess
import sys
import tempfile
from itertools import zip_longest
from pathlib import Path

from benchmarks import referral_file
from benchmarks.frame import Arms, Sample, UnequalOutputError

ROOT = Path(__file__).parents[1]
# As the referral template's Provenance names its source: the file's name is part of the output.
FILE_NAME = "referrals.csv"
CHECKED_ROWS = 200


def open_arms(reference: str, rows: int, reference_rows: int) -> Arms:
    """Return our arm and a reference of :mod:`benchmarks.arms`, shown to give the same resources.

    Args:
        reference: module of the reference.
        rows: rows of each of our rounds.
        reference_rows: rows of each of its rounds; fewer for a slow one.

    Raises:
        UnequalOutputError: at least one resource differs.
    """
    folder = tempfile.TemporaryDirectory()
    home = Path(folder.name)
    checked = _file(home / "checked", CHECKED_ROWS)
    compare(_lines(home, "ours", checked), _lines(home, reference, checked))
    ours, theirs = _file(home / "ours", rows), _file(home / "reference", reference_rows)
    target = home / "out.ndjson"
    return Arms(
        lambda: convert("ours", ours, target),
        lambda: convert(reference, theirs, target),
        folder.cleanup,
    )


def convert(arm: str, source: Path, target: Path) -> Sample:
    """Run one arm in a process of its own.

    Raises:
        subprocess.CalledProcessError: the arm failed.
    """
    command = [sys.executable, "-m", f"benchmarks.arms.{arm}", str(source), str(target)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)  # noqa: S603 - a program of ours
    told = json.loads(done.stdout)
    return Sample(told["units"], told["cpu_seconds"])


def compare(ours: list[object], theirs: list[object]) -> None:
    """Compare resource by resource; the order of elements within one does not matter.

    Raises:
        UnequalOutputError: naming the first resource that differs, by number.
    """
    if not ours:
        raise UnequalOutputError("our arm wrote nothing")
    for number, (left, right) in enumerate(zip_longest(ours, theirs), start=1):
        if left != right:
            raise UnequalOutputError(f"resource {number} differs")


def _file(folder: Path, rows: int) -> Path:
    folder.mkdir()
    path = folder / FILE_NAME
    referral_file.write(path, rows)
    return path


def _lines(home: Path, arm: str, source: Path) -> list[object]:
    target = home / f"{arm}.ndjson"
    convert(arm, source, target)
    return [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
