"""``python -m benchmarks.million``: what ``map run`` needs for a million referrals.

The figures of one run, on the machine it ran on, and beside them how fast that machine was then:
rows made into dicts by hand and written by orjson, right before the run and right after it. The
file is written first and not counted; the command runs as a district would type it, start-up
included. A run of a million is kept in ``million.json`` and shown in ``docs/benchmarks.md``.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import converting, many_referrals, referral_file, report
from benchmarks.frame import per_cpu_second
from benchmarks.processes import memory_bytes

ROOT = Path(__file__).parents[1]
MAP = "schoolbridge-template"
MILLION = 1_000_000
# Source and resources together; measured 8.3 KB.
BYTES_PER_ROW = 10_000
MACHINE_ROWS = 20_000
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Figures:
    """One run.

    Attributes:
        cpu_seconds: user and system time of all processes.
        wall_seconds: from the command to its end.
        load: processes that wanted to run, on average, in the minute the run ended.
        peak_bytes: most memory of all processes together at one moment.
        peak_bytes_first_half: the same, within the first half of the run; close to the other if
            memory does not grow with the file.
        machine: rows per CPU-second of the reference that checks nothing, before and after.
    """

    rows: int
    processes: int
    cpu_seconds: float
    wall_seconds: float
    load: float
    peak_bytes: int
    peak_bytes_first_half: int
    resources: int
    bytes_in: int
    bytes_out: int
    machine: tuple[float, float]


class UnfitRunError(Exception):
    """The run cannot be counted: too little room, or not every row was mapped."""


def measure(rows: int, processes: int, folder: Path) -> Figures:
    """Write a file of referrals into a folder, map it there and return what that took.

    Raises:
        UnfitRunError: there is not enough room, or a row was not mapped.
        subprocess.CalledProcessError: the command failed.
    """
    if shutil.disk_usage(folder).free < rows * BYTES_PER_ROW:
        raise UnfitRunError(f"{rows * BYTES_PER_ROW:,} bytes of free space are needed")
    source, out = folder / "referrals.csv", folder / "resources"
    many_referrals.write(source, rows)
    machine = _machine(folder)
    before = _cpu_of_children()
    start = time.monotonic()
    told, memory = _run(source, out, processes)
    wall, cpu_seconds = time.monotonic() - start, _cpu_of_children() - before
    if told["mapped"] != rows:
        raise UnfitRunError(f"{told['mapped']} of {rows} rows were mapped")
    return Figures(
        rows=rows,
        processes=processes,
        cpu_seconds=cpu_seconds,
        wall_seconds=wall,
        load=os.getloadavg()[0],
        peak_bytes=max(memory),
        peak_bytes_first_half=max(memory[: max(1, len(memory) // 2)]),
        resources=sum(told["resources"].values()),
        bytes_in=source.stat().st_size,
        bytes_out=sum(file.stat().st_size for file in out.iterdir()),
        machine=(machine, _machine(folder)),
    )


def _machine(folder: Path) -> float:
    """Return how many rows a second of a processor gives as dicts and orjson, just now."""
    aside = folder / "machine"
    aside.mkdir(exist_ok=True)
    referral_file.write(aside / "referrals.csv", MACHINE_ROWS)
    sample = converting.convert("plain_dicts", aside / "referrals.csv", aside / "out.ndjson")
    shutil.rmtree(aside)
    return per_cpu_second(sample)


def _run(source: Path, out: Path, processes: int) -> tuple[dict[str, object], list[int]]:
    """Return what the command told, and the memory of its processes from moment to moment."""
    command = [sys.executable, "-m", "bridge", "map", "run", str(source), "--map", MAP]
    command += ["--out", str(out), "--processes", str(processes), "--json"]
    memory: list[int] = []
    with tempfile.TemporaryFile() as told:
        running = subprocess.Popen(command, cwd=ROOT, stdout=told)  # noqa: S603 - a program of ours
        while running.poll() is None:
            memory.append(memory_bytes(running.pid))
            time.sleep(_LOOK_SECONDS)
        if running.returncode:
            raise subprocess.CalledProcessError(running.returncode, command)
        told.seek(0)
        return json.load(told), memory


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Measure, print and, for a full run, keep; returns 1 if the run cannot be counted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.million", description=__doc__)
    parser.add_argument("--rows", type=int, default=MILLION, help="a smaller run is only printed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="on the disk to use; emptied afterwards")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        try:
            figures = measure(asked.rows, asked.processes, Path(folder))
        except UnfitRunError as error:
            print(error, file=sys.stderr)
            return 1
    print("\n".join(report.million(asdict(figures))))
    if asked.rows == MILLION:
        report.keep_million(asdict(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
