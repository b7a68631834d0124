"""The requirement tables are whole, name tests that exist, and the page says what they say."""

import ast
import csv
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.page import (
    PAGE,
    PORTAL,
    PORTAL_OPENING,
    PORTAL_PAGE,
    ROOT,
    Row,
    outcomes,
    render,
    tables,
    unmet,
)

SOURCES = ROOT / "tests" / "data" / "ig" / "requirements"
NAMES = ("bulk-data", "sdohcc", "smart", "subscriptions", "us-core")
RUN = """
import pytest

def test_passes(): pass

@pytest.mark.parametrize("n", [1, 2])
def test_fails_once(n): assert n == 1

@pytest.mark.skip
def test_is_skipped(): pass
"""


def required(name: str) -> dict[str, str]:
    """Return the guide's own list: text by id."""
    with (SOURCES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row["requirement"] for row in csv.DictReader(file)}


def exists(test: str) -> bool:
    """Whether ``folder/file.py::test_name`` is a function of that file."""
    file, _, name = test.partition("::")
    if not (ROOT / file).is_file():
        return False
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


@pytest.mark.parametrize("name", NAMES)
def test_every_shall_of_the_guide_has_one_line_in_its_words(name: str) -> None:
    lines = {row.id: row.requirement for row in tables()[name]}

    assert {key: lines.get(key) for key in required(name)} == required(name)
    assert len(lines) == len(tables()[name])


def test_every_test_a_table_names_exists() -> None:
    every = {**tables(), **tables(PORTAL)}
    named = {test for rows in every.values() for row in rows for test in row.met_by}

    assert sorted(test for test in named if not exists(test)) == []


def test_the_page_says_what_the_tables_say_with_every_test_passed() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(tables())
    page = PORTAL_PAGE.read_text(encoding="utf-8")
    assert page == render(tables(PORTAL), opening=PORTAL_OPENING)


def test_every_requirement_of_the_portal_has_one_line() -> None:
    assert [row.id for row in tables(PORTAL)["portal"]] == [f"P{n}" for n in range(1, 26)]


def test_a_page_nobody_could_look_at_is_missing_only_where_there_is_no_browser() -> None:
    rows = [Row("P1", "SHALL", "a", ("tests/portal/test_a.py::test_b",), "")]

    assert unmet({"portal": rows}, {"tests/portal/test_a.py::test_b": "NOT RUN"}) == []
    assert unmet({"portal": rows}, {"tests/portal/test_a.py::test_b": "FAILED"}) != []
    assert unmet({"portal": rows}, {}) != []


def test_a_requirement_whose_test_fails_or_does_not_run_is_shown_and_is_not_met(
    tmp_path: Path,
) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_run.py").write_text(RUN, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:randomly"]
    subprocess.run(  # noqa: S603 - a program of ours
        [*command, "--junitxml=out.xml", "tests"], cwd=tmp_path, check=False, capture_output=True
    )
    came = outcomes(tmp_path / "out.xml")
    names = ("test_passes", "test_fails_once", "test_is_skipped", "test_never_written")
    rows = [Row(n, "SHALL", "be so", (f"tests/test_run.py::{n}",), "") for n in names]

    told = [line.rpartition(" test_")[0] for line in unmet({"smart": rows}, came)]
    page = render({"smart": rows}, came)
    assert len(told) == 3
    assert "`test_passes` (passed)" in page
    assert "`test_fails_once` (FAILED)" in page
    assert "`test_is_skipped` (NOT RUN)" in page
    assert "`test_never_written` (NOT RUN)" in page


def test_a_row_with_neither_a_test_nor_a_reason_is_open() -> None:
    rows = [Row("1", "SHALL", "a", (), ""), Row("2", "SHALL", "b", (), "no such data here")]
    rows.append(Row("3", "SHALL", "c", (), "not met: JSON alone is spoken"))

    page = render({"smart": rows})
    assert "| 1 | SHALL | a | **open** |" in page
    assert "| 2 | SHALL | b | not applicable: no such data here |" in page
    assert "| 3 | SHALL | c | **not met**: JSON alone is spoken |" in page
    assert "| **all** | 3 | 0 | 1 | 1 | 1 |" in page
