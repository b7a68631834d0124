"""Write docs/leak-matrix.md from docs/leak-matrix.csv: ``python tests/leaks/leak_matrix.py``.

The column ``closed_by`` names the tests that close a row, separated by spaces, each as
``tests/leaks/test_routes.py::test_name``. A row without one is open. ``mutant`` names what opens
the row again to see that it is noticed: a gate of ``broken_gates.py``, what stands in front of the
application in ``broken_fronts.py``, or a test that plants a fault.
"""

import csv
import itertools
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
TABLE = DOCS / "leak-matrix.csv"
PAGE = DOCS / "leak-matrix.md"

OPENING = """# Leak matrix

The ways we know by which a system like this one leaks, what must be true instead, and which test
shows it.
Generated from `leak-matrix.csv` by `python tests/leaks/leak_matrix.py`; do not edit this page.

**{closed} of {total} rows are closed by a test; {open} are open.** An open row is
a known risk: it may be handled in the code, but no test shows it yet. For {caught} rows a fault
that opens the row again is planted in every run, and noticed.
"""


def rows() -> list[dict[str, str]]:
    """Return the table, one dict per row."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def render(table: list[dict[str, str]]) -> str:
    """Return the page."""
    closed = sum(1 for row in table if row["closed_by"])
    caught = sum(1 for row in table if row["mutant"])
    counts = {"closed": closed, "total": len(table), "open": len(table) - closed}
    parts = [OPENING.format(**counts, caught=caught)]
    for part, members in itertools.groupby(table, key=lambda row: row["part"]):
        parts.append(
            f"\n## {part}\n\n| # | path | how it leaks | rule | status |\n|---|---|---|---|---|"
        )
        parts.extend(line(row) for row in members)
    return "\n".join(parts) + "\n"


def line(row: dict[str, str]) -> str:
    """Return one row of the page's table."""
    tests = ", ".join(f"`{test.split('::')[-1]}`" for test in row["closed_by"].split())
    status = f"closed by {tests}" if tests else "open"
    if row["mutant"]:
        planted = ", ".join(f"`{each.split('::')[-1]}`" for each in row["mutant"].split())
        status += f"; opened again by {planted}: noticed"
    return f"| {row['id']} | {row['path']} | {row['leak']} | {row['rule']} | {status} |"


if __name__ == "__main__":
    PAGE.write_text(render(rows()), encoding="utf-8")
