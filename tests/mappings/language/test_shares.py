"""A file is divided among processes: what each gives, one behind the other, is what one gives."""

import csv
import io
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings.language import CompiledMap, Held, Mapped, RunReport, Share
from mappings.language.repeats import Scan
from mappings.readers import START, Cells, SourceError
from tests.support.small_map import HEADER, ROW, compiled

HEADINGS = HEADER.split(",")
# Few keys, so that many rows repeat one; texts that break lines, and rows that are none.
CHANGES = st.fixed_dictionaries(
    {
        "No": st.sampled_from(["A1", "A2", "A3", "B", " A1 ", ""]),
        "Why": st.sampled_from(["Sleep", "Anger", "unheard of", "Sad, low mood"]),
        "Guardian": st.sampled_from(["", 'says "no"', "two\nlines", "Łucja"]),
    }
)
ROWS = st.lists(CHANGES | st.sampled_from(["blank", "ragged"]), min_size=1, max_size=30)


def cells(row: Any) -> Cells:  # noqa: ANN401 - a drawn row
    if isinstance(row, str):
        return [] if row == "blank" else ["ragged", "row"]
    return list((dict.fromkeys(HEADINGS, "") | ROW | row).values())


def written(folder: Path, rows: list[Any]) -> Path:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEADINGS, *map(cells, rows)])
    path = folder / "rows.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def alone(form: CompiledMap, path: Path) -> tuple[list[Mapped | Held], RunReport]:
    run = form.run([path])
    return list(run), run.report


def together(
    form: CompiledMap, path: Path, shares: tuple[Share, ...]
) -> tuple[list[Mapped | Held], RunReport]:
    runs = [alone(replace(form, share=share), path) for share in shares]
    report = runs[0][1]
    for _, other in runs[1:]:
        report.add(other)
    return [outcome for found, _ in runs for outcome in found], report


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    rows=ROWS,
    processes=st.integers(1, 5),
    piece=st.sampled_from([150, 400, 1 << 18]),
    step=st.integers(1, 9),
)
def test_the_shares_of_a_file_give_what_the_whole_gives(
    tmp_path: Path, rows: list[Any], processes: int, piece: int, step: int
) -> None:
    form, path = compiled(tmp_path), written(tmp_path, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mappings.readers.text_chunks.CHUNK", piece)
        patch.setattr("mappings.language.shares._STEP", step)
        shares = tuple(form.divide([path], processes))
        whole, report = alone(form, path)
        parts, counted = together(form, path, shares)

        # One process alone that cannot remember all keys goes through the file first.
        patch.setattr("mappings.language.repeats.REMEMBERED", 2)
        assert alone(form, path) == (whole, report)
    assert parts == whole
    assert asdict(counted) == asdict(report)


def test_a_share_is_read_from_where_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mappings.readers.text_chunks.CHUNK", 400)
    rows = [{"No": f"K{number}"} for number in range(40)]
    _, second = compiled(tmp_path).divide([written(tmp_path, rows)], 2)

    assert second.start is not None
    assert 2 < second.start.row <= second.first == 22
    assert second.start.offset > 1000


def test_the_first_rows_of_a_large_file_are_handed_out_while_it_is_gone_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mappings.readers.text_chunks.CHUNK", 400)
    monkeypatch.setattr("mappings.language.shares._STEP", 4)
    path = written(tmp_path, [{"No": f"K{number % 90}"} for number in range(100)])
    with path.open("a", encoding="utf-8") as file:
        file.write('"open')

    shares = compiled(tmp_path).divide([path], 2)
    first = next(shares)
    assert (first.first, first.repeats, first.start) == (2, None, START)
    assert 8 < first.end < 20
    with pytest.raises(SourceError, match="row 102"):
        next(shares)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_a_mark_at_the_start_and_other_line_ends_move_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: bytes
) -> None:
    form = compiled(tmp_path)
    path = written(tmp_path, [{"No": f"K{number}"} for number in range(9)])
    text = path.read_text(encoding="utf-8").replace("\n", "\r\n")
    path.write_bytes(mark + text.encode("utf-16-le" if mark == b"\xff\xfe" else "utf-8"))
    monkeypatch.setattr("mappings.readers.text_chunks.CHUNK", 300)

    assert together(form, path, tuple(form.divide([path], 3))) == alone(form, path)


@pytest.mark.parametrize(
    ("last", "place"), [('"open', "row 12"), ('"shut"too', "row 12"), ("\x00", "row 12")]
)
def test_what_is_broken_in_the_last_row_is_found_before_a_row_is_mapped(
    tmp_path: Path, last: str, place: str
) -> None:
    form = compiled(tmp_path)
    path = written(tmp_path, [{"No": f"K{number}"} for number in range(10)])
    with path.open("a", encoding="utf-8") as file:
        file.write(last)

    for open_file in (lambda: tuple(form.divide([path], 2)), lambda: form.run([path])):
        with pytest.raises(SourceError) as caught:
            open_file()
        assert caught.value.where.startswith(place)


def test_a_key_far_behind_its_first_is_found_although_little_is_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mappings.language.repeats._WAITING", 7)
    rows = [(number, f"K{number % 90}", [f"{number // 180}"]) for number in range(2, 300)]

    with Scan(2) as scan:
        scan.add(rows[:100])
        scan.add(rows[100:])
        found = scan.repeats()

    assert scan.end == 300
    again = [row for row in rows if row[0] >= 92]
    assert list(found.rows) == [number for number, _, _ in again]
    assert [(n - first) % 90 for n, first in zip(found.rows, found.firsts, strict=True)] == (
        [0] * len(again)
    )
    assert list(found.same) == [number < 180 for number, _, _ in again]
