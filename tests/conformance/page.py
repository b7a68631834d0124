"""Write docs/conformance.md from the requirement tables and what the tests came to.

``python tests/conformance/page.py RESULTS`` takes the JUnit file of a test run (``pytest
--junitxml=RESULTS``) and writes the page; with ``--check`` it writes nothing. Either way it ends
with 1 if a requirement that names tests is not met by that run. ``--tests`` lists those tests.

A table is ``tests/conformance/NAME.csv``: id, conformance, requirement (the guide's words), met_by
(tests as ``tests/folder/test_file.py::test_name``, separated by spaces) and because (why it does
not apply; or, after ``not met:``, why what applies is not done). A row with neither is open.
"""

import csv
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent
PAGE = ROOT / "docs" / "conformance.md"
TITLES = {
    "smart": "SMART App Launch 2.0: Backend Services and asymmetric client authentication",
    "us-core": "US Core 6.1.0, server",
    "sdohcc": "SDOH Clinical Care 3.0.0, narrative",
    "bulk-data": "Bulk Data Access 2.0.0, server",
    "subscriptions": "Subscriptions R5 Backport 1.1.0, R4: all that is numbered",
    "portal": "The portal's requirements",
}
PASSED, FAILED, NOT_RUN = "passed", "FAILED", "NOT RUN"
STANDINGS = ("met", "not applicable", "not met", "open")
NOT_MET = "not met:"
OPENING = """# Conformance

What the guides say a server SHALL do, one line each: met by which test, not applicable and why, or
applicable and not met, and why.
The words are the guides' own (origins and licences: `tests/data/ig/ORIGIN.md`). Generated from
`tests/conformance/*.csv` and the results of a test run by `make conformance`; do not edit this
page.

| guide | requirements | met | not applicable | not met | open |
|---|---|---|---|---|---|
"""

PORTAL = FOLDER / "portal"
PORTAL_PAGE = ROOT / "docs" / "portal-conformance.md"
PORTAL_OPENING = """# What the portal must do

One line a requirement: met by which test, or not met and why. One that is met in part says what is
left; it counts as met here.
Generated from `tests/conformance/portal/portal.csv` and the results of a test run by
`make conformance`; do not edit this page. Pictures of the pages: `docs/portal/`.

| | requirements | met | not applicable | not met | open |
|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement of a table."""

    id: str
    conformance: str
    requirement: str
    met_by: tuple[str, ...]
    because: str

    @property
    def standing(self) -> str:
        """Return what the table says of it, one of :data:`STANDINGS`."""
        if self.met_by:
            return "met"
        if self.because.startswith(NOT_MET):
            return "not met"
        return "not applicable" if self.because else "open"


def tables(folder: Path = FOLDER) -> dict[str, list[Row]]:
    """Return every table by name."""
    return {path.stem: list(_rows(path)) for path in sorted(folder.glob("*.csv"))}


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            tests = tuple(row["met_by"].split())
            words = (row["id"], row["conformance"], row["requirement"])
            yield Row(*words, tests, row["because"].strip())


def outcomes(results: Path) -> dict[str, str]:
    """Return what each test came to; of one with parameters, the worst.

    A skipped test is one that did not run.
    """
    found: dict[str, str] = {}
    for case in ET.parse(results).iter("testcase"):  # noqa: S314 - a file of our own making
        file = case.attrib["classname"].replace(".", "/") + ".py"
        test = re.split(r"[\[@]", case.attrib["name"])[0]  # of a parameter, of a group
        name = f"{file}::{test}"
        kinds = {child.tag for child in case}
        came = FAILED if kinds & {"failure", "error"} else NOT_RUN if "skipped" in kinds else PASSED
        found[name] = max(came, found.get(name, PASSED), key=[PASSED, NOT_RUN, FAILED].index)
    return found


def unmet(table: Mapping[str, Sequence[Row]], came: Mapping[str, str]) -> list[str]:
    """Return a line for each test that a requirement rests on and that did not pass."""
    return [
        f"{name} {row.id}: {test} {came.get(test, NOT_RUN)}"
        for name, rows in table.items()
        for row in rows
        for test in row.met_by
        if came.get(test, NOT_RUN) != PASSED and not _without_a_browser(test, came)
    ]


def _without_a_browser(test: str, came: Mapping[str, str]) -> bool:
    """Tell whether a page's test was left out: on the build machine it fails instead."""
    return test.startswith("tests/portal/") and came.get(test) == NOT_RUN


def render(
    table: Mapping[str, Sequence[Row]],
    came: Mapping[str, str] | None = None,
    opening: str = OPENING,
) -> str:
    """Return the page; without results, as it is when every test passed."""
    counted = [_counts(TITLES[name], rows) for name, rows in table.items()]
    counted.append(_counts("**all**", [row for rows in table.values() for row in rows]))
    parts = [opening + "\n".join(counted)]
    for name, rows in table.items():
        head = f"\n## {TITLES[name]}\n\n| id | | requirement | status |\n|---|---|---|---|"
        parts += [head, *(_line(row, came) for row in rows)]
    return "\n".join(parts) + "\n"


def _counts(title: str, rows: Sequence[Row]) -> str:
    kinds = [row.standing for row in rows]
    counts = [kinds.count(kind) for kind in STANDINGS]
    return "| " + " | ".join([title, str(len(rows)), *map(str, counts)]) + " |"


def _line(row: Row, came: Mapping[str, str] | None) -> str:
    words = row.requirement.replace("|", "\\|")
    return f"| {row.id} | {row.conformance} | {words} | {_status(row, came)} |"


def _status(row: Row, came: Mapping[str, str] | None) -> str:
    if row.standing == "not met":
        return f"**not met**{row.because.removeprefix(NOT_MET[:-1])}"
    if row.standing != "met":
        return f"not applicable: {row.because}" if row.because else "**open**"
    told = (
        f"`{test.partition('::')[2]}` ({PASSED if came is None else came.get(test, NOT_RUN)})"
        for test in row.met_by
    )
    remark = f"; {row.because}" if row.because else ""
    return f"met by {', '.join(told)}{remark}"


def main(arguments: Sequence[str]) -> int:
    """Write or check the page."""
    *options, results = arguments
    every = {**tables(), **tables(PORTAL)}
    if results == "--tests":
        named = {test for rows in every.values() for row in rows for test in row.met_by}
        sys.stdout.write("\n".join(sorted(named)))
        return 0
    came = outcomes(Path(results))
    if "--check" not in options:
        PAGE.write_text(render(tables(), came), encoding="utf-8")
        told = render(tables(PORTAL), came, PORTAL_OPENING)
        PORTAL_PAGE.write_text(told, encoding="utf-8")
    problems = unmet(every, came)
    sys.stdout.writelines(f"not met: {line}\n" for line in problems)
    kinds = [row.standing for rows in every.values() for row in rows]
    told = ", ".join(f"{kinds.count(kind)} {kind}" for kind in STANDINGS)
    sys.stdout.write(f"{len(kinds)} requirements: {told}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
