"""Files other people publish, under the shipped maps: what each comes to is pinned in a table."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from documents import DocumentError
from mappings.language import SHIPPED, CompiledMap, MapKind, compile_map, draft_map, load_map
from mappings.readers import SourceError, SourceFormat, open_table

FOLDER = Path(__file__).parents[2] / "data" / "school-sources"
CASES = list(csv.DictReader((FOLDER / "expected.csv").read_text("utf-8").splitlines()))
FILES = sorted(
    path
    for path in FOLDER.rglob("*")
    if path.is_file() and path.name not in ("ORIGIN.md", "expected.csv")
)
EXPORTED = datetime(2026, 11, 26, tzinfo=UTC)
PROVIDERS = Path(__file__).parents[1] / "readers" / "data"
EVERY = [
    *FILES,
    *(path for path in FOLDER.rglob("*") if path.is_dir()),
    *(path for path in sorted(PROVIDERS.rglob("*")) if path.suffix not in (".md", ".csv")),
]


def told(case: dict[str, str]) -> dict[str, str]:
    """Return what a case comes to, in the columns of the table."""
    files = [FOLDER / name for name in (case["file"], case["with"]) if name]
    try:
        run = compile_map(load_map(case["map"])).run(files)
        for _ in run:
            pass
    except SourceError as error:
        shown = f"{error.where}: {error.what_to_do}"[: len(case["refused"]) or None]
        return dict.fromkeys(("read", "mapped", "held", "reasons"), "") | {"refused": shown}
    report = run.report
    counts = {name: str(getattr(report, name)) for name in ("read", "mapped", "held")}
    reasons = " ".join(f"{name}:{count}" for name, count in sorted(report.held_by_reason.items()))
    return {**counts, "reasons": reasons, "refused": ""}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['file']}-{case['map']}")
def test_a_published_file_comes_to_what_the_table_says(case: dict[str, str]) -> None:
    expected = {n: case[n] for n in ("read", "mapped", "held", "reasons", "refused")}
    assert told(case) == expected


def test_every_published_file_stands_in_the_table() -> None:
    listed = {case["file"] for case in CASES} | {case["with"] for case in CASES}
    found = {path.relative_to(FOLDER).as_posix() for path in FILES}
    parts = {name for name in found if any(name.startswith(f"{one}/") for one in listed - {""})}
    assert found - listed - parts == set()


def refused(compiled: CompiledMap, path: Path) -> str:
    """Return why a map refuses a file; empty when it gives its rows."""
    try:
        run = compiled.run([path], EXPORTED)
        counted = sum(1 for _ in run)
    except SourceError as error:
        return str(error)
    assert counted == run.report.mapped + run.report.held
    return ""


@pytest.mark.parametrize("name", SHIPPED)
def test_no_published_file_breaks_a_map_it_was_not_made_for(name: str) -> None:
    compiled = compile_map(load_map(name))
    told = [refused(compiled, path) for path in EVERY]
    assert [text for text in told if str(FOLDER) in text or str(PROVIDERS) in text] == []
    assert sum(map(bool, told)) > len(EVERY) // 3


@pytest.mark.slow
def test_every_published_file_is_drafted_or_refused_and_no_draft_runs(tmp_path: Path) -> None:
    refusals = []
    for path in EVERY:
        try:
            text = draft_map(path, MapKind.REFERRAL)
        except SourceError as error:
            refusals.append(str(error))
            continue
        (tmp_path / "draft.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(DocumentError) as undecided:
            load_map(tmp_path / "draft.yaml")
        assert all(problem.text.startswith("still open: ") for problem in undecided.value.problems)
    assert [text for text in refusals if str(FOLDER) in text or str(PROVIDERS) in text] == []
    assert len(refusals) < len(EVERY) // 2


@pytest.mark.parametrize(
    ("name", "rows"),
    [("attendance_dump", 2), ("fake_behavior_export", 4), ("ed_plans_fixture", 2)],
)
def test_an_aspen_export_with_escaped_quotes_is_read_whole(name: str, rows: int) -> None:
    path = FOLDER / f"referral-forms/studentinsights/sis-exports/{name}.csv"
    table = open_table(path, SourceFormat(("csv",), escape="\\"))
    found = list(table.rows)
    assert len(found) == rows
    assert {len(cells) for cells in found} == {len(table.header)}
