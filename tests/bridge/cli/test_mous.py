"""The ``mou`` commands, as a person types them."""

import csv
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bridge.cli import app
from consent.mou import shipped_document, shipped_ids

pytestmark = pytest.mark.turns(2)

PARENT = "stonebrook-crossroads-2026"
GOLDEN = Path(__file__).parents[2] / "consent" / "data" / "golden-cases.csv"
LAW_CASES = sorted((GOLDEN.parent / "law-cases").glob("*.csv"))


def mou(*arguments: str, columns: int = 200) -> Result:
    return CliRunner().invoke(app, ["mou", *arguments], env={"COLUMNS": str(columns)})


def written(folder: Path, document: str, old: str, new: str) -> str:
    """Write a shipped document with one edit, and return its path."""
    text = shipped_document(document).decode()
    assert text.count(old) == 1
    path = folder / f"{document}.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return str(path)


# A template and two agreements in each test run; what the command calls is tried on every shipped
# document there, in tests/consent/test_surface_standing.py and test_findings.py.
_CHECKED = ("xx-smh-template", "millbrook-harbor-2026", "stonebrook-crossroads-2026-a1")


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(one, marks=[] if one in _CHECKED else [pytest.mark.faults])
        for one in shipped_ids()
    ],
)
def test_checking_a_shipped_document_prints_its_cells_and_finds_nothing(document: str) -> None:
    result = mou("check", document)

    assert result.exit_code == 0, result.output
    assert " cells, " in result.output
    assert "standing properties" in result.output
    assert re.search(r"standing properties( of \w+)?: (\d+)/\2\n", result.output)
    assert result.output.endswith(f"{document}: no mistakes found\n")


def test_checking_a_document_with_findings_prints_their_places_and_fails(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "xx-smh-template",
        "elements: [claim.core]",
        "elements: [claim.core, therapy.notes]",
    )

    result = mou("check", path)

    assert result.exit_code == 1
    assert f"{path}:168:28: flow F9 names therapy.notes, which can never be" in result.output


def test_a_broken_promise_is_told_with_its_smallest_cell(tmp_path: Path) -> None:
    old = "never: {to: [lea.teacher, provider.billing]}"
    path = written(
        tmp_path,
        "ct-style-smh-template",
        old,
        "never: {to: [lea.school_nurse], purposes: [attend]}",
    )

    result = mou("check", path)

    assert result.exit_code == 1
    assert "property S3 fails in" in result.output
    assert "lea.school_nurse to attend: visit.dates leaves with c_health" in result.output


def test_a_document_without_what_always_holds_is_told_the_smallest_cell(tmp_path: Path) -> None:
    path = written(tmp_path, "ct-style-smh-template", "when: [recipient_blocked], unless: []",
                   "when: [recipient_blocked], unless: [rights_holder]")  # fmt: skip

    result = mou("check", path)

    assert result.exit_code == 1
    assert "standing property blocked-recipient fails in " in result.output
    assert "leaves with identity_proofed recipient_blocked rights_holder (A recip" in result.output
    assert "standing properties: 30/31" in result.output


def test_golden_cases_are_decided_from_the_command_line() -> None:
    result = mou("cases", "millbrook-harbor-2026", str(GOLDEN))

    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "30/30"


def test_a_case_decided_otherwise_is_told_with_its_file_and_row(tmp_path: Path) -> None:
    path = tmp_path / "cases.csv"
    text = GOLDEN.read_text(encoding="utf-8")
    path.write_text(text.replace(",permit,", ",deny,", 1), encoding="utf-8")

    result = mou("cases", "millbrook-harbor-2026", str(path))

    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "cases.csv:2: G01: expected deny; decided permit because flow:F1", "29/30",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("c_ferpa,permit", "c_ferp,permit",
         'cases.csv:2: true_facts: "c_ferp" is not a known fact; did you mean "c_ferpa"?'),
        (",expect,", ",expected,", "cases.csv:1: lacks the column expect"),
        (",permit,", ",allow,", 'cases.csv:2: expect: "allow" is neither permit nor deny'),
        ("recipient\n", "recipient,too,many\n",
         "cases.csv:2: has more cells than there are columns; put commas in quotes"),
    ],
)  # fmt: skip
def test_a_file_of_cases_that_does_not_read_is_told_where(
    old: str, new: str, problem: str, tmp_path: Path
) -> None:
    path = tmp_path / "cases.csv"
    text = GOLDEN.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")

    result = mou("cases", "millbrook-harbor-2026", str(path))

    assert str(result.exception) == problem


def test_a_file_of_no_cases_is_no_success(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text(GOLDEN.read_text(encoding="utf-8").splitlines()[0])

    for name, problem in (("none.csv", "holds no case"), ("gone.csv", "cannot be read")):
        result = mou("cases", "millbrook-harbor-2026", str(tmp_path / name))
        assert problem in str(result.exception)


@pytest.mark.parametrize("path", LAW_CASES, ids=lambda path: path.stem)
def test_cases_written_from_the_law_are_decided_as_written(path: Path) -> None:
    result = mou("cases", path.stem, str(path))
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))

    assert result.output == f"{len(rows)}/{len(rows)}\n"
    assert all(row["cite"] for row in rows)


def test_some_eighty_cases_are_written_from_the_law() -> None:
    assert sum(len(path.read_text().splitlines()) - 1 for path in LAW_CASES) == 79


def test_what_an_amendment_closes_is_listed_and_the_way_back_fails() -> None:
    narrower, wider = mou("diff", PARENT, f"{PARENT}-a1"), mou("diff", f"{PARENT}-a1", PARENT)

    assert narrower.exit_code == 0
    assert "- C4 visit.dates: 41 cells closed, provider -> lea (school_nurse)" in narrower.output
    assert "cells opened 0, closed 164" in narrower.output
    assert wider.exit_code == 1
    assert "+ C4 visit.dates: 41 cells opened" in wider.output


def test_the_matrix_says_who_may_get_what_for_what_and_when() -> None:
    result = mou("show", PARENT)

    assert result.exit_code == 0
    for words in ("3.6 (C6)", "provider -> lea", "sud.attendance", "c_part2", "p2.notice"):
        assert words in result.output


@pytest.mark.parametrize("columns", [80, 200])
def test_the_matrix_is_readable_in_a_narrow_terminal_and_in_a_wide_one(
    columns: int,
) -> None:
    result = mou("show", PARENT, columns=columns)

    for words in ("referral.urgency", "school_nurse", "all of: "):
        assert words in result.output
    assert max(len(line) for line in result.output.splitlines()) <= columns


def test_the_page_explains_each_fact_it_names(tmp_path: Path) -> None:
    page = tmp_path / "matrix.html"

    result = mou("show", "two-rivers-2026", "--district", "fernhill", "--html", str(page))

    text = page.read_text(encoding="utf-8")
    assert result.exit_code == 0
    assert '<th scope="row">a health-records release covers it</th>' in text
    assert "<li>a threat is written down, or no refusal is on file</li>" not in text
    assert "<li>no refusal is on file, or a threat is written down</li>" in text
    assert "Fernhill Regional School District (lea) to Two Rivers Family Guidance" in text
    assert "No set of facts lets these leave: therapy notes" in text
    assert "You may not pass it on to anyone else" in text
    assert "prefers-color-scheme:dark" in text
    assert "What two-rivers-2026.fernhill releases" in text
    assert "no lawyer has reviewed it" in text


def test_a_paper_of_two_districts_asks_for_which_it_is_shown() -> None:
    result = mou("show", "two-rivers-2026")

    assert result.exit_code == 1
    assert "districts on this paper: alderbrook, fernhill" in str(result.exception)


def test_a_surface_is_locked_beside_its_file_and_a_change_fails(tmp_path: Path) -> None:
    path = written(tmp_path, "xx-smh-template", "elements: [visit.dates]", "elements: [visit.type]")
    before = mou("surface", path)
    locked = mou("surface", path, "--lock")
    same = mou("surface", path)
    written(tmp_path, "xx-smh-template", "elements: [visit.dates]", "elements: [diagnosis]")

    changed = mou("surface", path)

    assert [r.exit_code for r in (before, locked, same, changed)] == [1, 0, 0, 1]
    assert "has no lock file; write one with --lock" in before.output
    assert "+ F3 diagnosis: 82 cells opened" in changed.output


def test_sealing_fills_in_the_digest_of_whatever_a_document_extends(tmp_path: Path) -> None:
    stale = shipped_document(f"{PARENT}-a1").decode()
    digest = stale[stale.index("sha256:") : stale.index('"}\neffective')]
    path = Path(written(tmp_path, f"{PARENT}-a1", digest, "unsealed"))

    refused, sealed = mou("check", str(path)), mou("seal", str(path))

    assert refused.exit_code == 1
    assert sealed.exit_code == 0, sealed.output
    assert path.read_text(encoding="utf-8") == stale


def test_a_document_is_found_beside_the_one_that_extends_it(tmp_path: Path) -> None:
    written(tmp_path, PARENT, "min_n: 20", "min_n: 30")
    amendment = Path(written(tmp_path, f"{PARENT}-a1", "min_n: 25", "min_n: 25"))

    result = mou("check", str(amendment))

    assert result.exit_code == 1
    assert "extends.digest: is not the digest" in str(result.exception)
    assert "min_n may not be lower than the template's 30" in str(result.exception)
