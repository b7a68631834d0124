"""Results as data (``results.json``) and as a page (``docs/benchmarks.md``)."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.frame import Better, Result

ROOT = Path(__file__).parents[1]
DATA = ROOT / "benchmarks" / "results.json"
MILLION = ROOT / "benchmarks" / "million.json"
PAGE = ROOT / "docs" / "benchmarks.md"

Entry = dict[str, Any]

_OPENING = """# Benchmarks

Written by `make bench`; do not edit. Each row compares the bridge with a reference that does the
same work, both measured in the same run, {rounds} rounds in turn, medians of CPU time. Outputs are
compared before anything is timed. The ratio is ours by the reference.

Python {python}, {cores} cores, shared with other work.

| row | unit | ours | reference | ratio | goal | |
|---|---|---|---|---|---|---|
"""

_MILLION = """
## A million referrals

Written by `make million`: `schoolbridge map run` on a file most of whose optional columns are
empty in most rows; six resources is the least a referral gives. Start-up and writing to disk are
counted, writing the file is not.

"""


def entry(result: Result) -> Entry:
    """Return one result as data."""
    return {
        "name": result.row.name,
        "unit": result.row.unit,
        "ours": _rounded(statistics.median(result.ours)),
        "reference": _rounded(statistics.median(result.reference)),
        "ratio": _rounded(result.ratio),
        "goal": result.row.goal,
        "figure": result.row.figure,
        "better": result.row.better.value,
        "reached": result.reached,
        "meaning": result.row.meaning,
        "rounds": {
            "ours": [_rounded(value) for value in result.ours],
            "reference": [_rounded(value) for value in result.reference],
        },
    }


def merged(old: Sequence[Entry], new: Sequence[Entry], order: Sequence[str]) -> list[Entry]:
    """Return the rows in order: measured now where measured, else as they were."""
    by_name = {str(entry["name"]): entry for entry in (*old, *new)}
    return [by_name[name] for name in order if name in by_name]


def render(entries: Sequence[Entry]) -> str:
    """Return the page of the rows."""
    opening = _OPENING.format(
        rounds=_rounds(entries), python=platform.python_version(), cores=os.cpu_count() or 1
    )
    lines = [_line(entry) for entry in entries]
    meanings = [f"- `{entry['name']}`: {entry['meaning']}" for entry in entries]
    return opening + "\n".join(lines) + "\n\n" + "\n".join(meanings) + "\n"


def million(figures: Entry) -> list[str]:
    """Return a run of :mod:`benchmarks.million` as the lines of a table."""
    rows, resources, cpu = figures["rows"], figures["resources"], figures["cpu_seconds"]
    wall, most = figures["wall_seconds"], figures["peak_bytes"]
    shown = {
        "referrals": f"{rows:,}",
        "resources": f"{resources:,}, {resources / rows:.2f} a referral",
        "read": _mib(figures["bytes_in"]),
        "written": _mib(figures["bytes_out"]),
        "CPU, all processes": f"{cpu:.1f} s: {rows / cpu:,.0f} referrals per CPU-second",
        "time on the wall": f"{wall:.1f} s, {figures['processes']} processes",
        "dicts by hand and orjson, just before and after": _speeds(figures["machine"]),
        "load average at the end": f"{figures['load']:.1f}",
        "most memory, all processes together": _mib(most),
        "of which in the first half of the run": _mib(figures["peak_bytes_first_half"]),
    }
    goals = {
        "time on the wall": ("≤ 45 s on two free cores", wall <= 45),
        "most memory, all processes together": ("≤ 300 MiB", most <= 300 << 20),
    }
    lines = [
        f"| {name} | {value} | {_verdict(*goals.get(name, ()))} |" for name, value in shown.items()
    ]
    return ["| | | goal for a million |", "|---|---|---|", *lines]


def _speeds(machine: Sequence[float]) -> str:
    return " and ".join(f"{rows:,.0f}" for rows in machine) + " referrals per CPU-second"


def keep_million(figures: Entry) -> None:
    """Keep a full run and show it on the page."""
    MILLION.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    _write_page(json.loads(DATA.read_text(encoding="utf-8")))


def write(results: Sequence[Result], order: Sequence[str]) -> None:
    """Write data and page; rows not measured this time keep their last figures."""
    old = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else []
    entries = merged(old, [entry(result) for result in results], order)
    DATA.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    _write_page(entries)


def _write_page(entries: Sequence[Entry]) -> None:
    page = render(entries)
    if MILLION.exists():
        lines = million(json.loads(MILLION.read_text(encoding="utf-8")))
        page += _MILLION + "\n".join(lines) + "\n"
    PAGE.write_text(page, encoding="utf-8")


def _line(entry: Entry) -> str:
    sign = "≥" if entry["better"] == Better.HIGHER else "≤"
    verdict = "reached" if entry["reached"] else "**not reached**"
    figure = entry.get("figure")
    own = f"; ours {sign} {figure:,.0f}" if isinstance(figure, int | float) else ""
    return (
        f"| `{entry['name']}` | {entry['unit']} | {entry['ours']} | {entry['reference']} "
        f"| {entry['ratio']} | {sign} {entry['goal']}{own} | {verdict} |"
    )


def _rounds(entries: Sequence[Entry]) -> str:
    """Return how often rows were measured, such as "3" or "3 to 5"."""
    counts = sorted({len(entry["rounds"]["ours"]) for entry in entries})
    return " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))


def _verdict(goal: str = "", reached: bool = True) -> str:
    return goal if reached else f"{goal}: **not reached**"


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
