"""Results as data (``results.json``) and as a page (``docs/benchmarks.md``)."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.frame import Better, Result

ROOT = Path(__file__).parents[1]
DATA = ROOT / "benchmarks" / "results.json"
PAGE = ROOT / "docs" / "benchmarks.md"

Entry = dict[str, object]

_OPENING = """# Benchmarks

Written by `make bench`; do not edit. Each row compares the bridge with a reference that does the
same work, both measured in the same run, {rounds} rounds in turn, medians of CPU time. Outputs are
compared before anything is timed. The ratio is ours by the reference.

Python {python}, {cores} cores, shared with other work.

| row | unit | ours | reference | ratio | goal | |
|---|---|---|---|---|---|---|
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


def render(entries: Sequence[Entry], rounds: int) -> str:
    """Return the page."""
    opening = _OPENING.format(
        rounds=rounds, python=platform.python_version(), cores=os.cpu_count() or 1
    )
    lines = [_line(entry) for entry in entries]
    meanings = [f"- `{entry['name']}`: {entry['meaning']}" for entry in entries]
    return opening + "\n".join(lines) + "\n\n" + "\n".join(meanings) + "\n"


def write(results: Sequence[Result], order: Sequence[str], rounds: int) -> None:
    """Write both files; rows not measured this time keep their last figures."""
    old = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else []
    entries = merged(old, [entry(result) for result in results], order)
    DATA.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(render(entries, rounds), encoding="utf-8")


def _line(entry: Entry) -> str:
    sign = "≥" if entry["better"] == Better.HIGHER else "≤"
    verdict = "reached" if entry["reached"] else "**not reached**"
    figure = entry.get("figure")
    own = f"; ours {sign} {figure:,.0f}" if isinstance(figure, float) else ""
    return (
        f"| `{entry['name']}` | {entry['unit']} | {entry['ours']} | {entry['reference']} "
        f"| {entry['ratio']} | {sign} {entry['goal']}{own} | {verdict} |"
    )


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
