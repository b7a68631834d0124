import tempfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.language.held_sheet import (
    MARKS,
    HeldLine,
    Returned,
    fits,
    held_sheet,
    open_source,
)
from mappings.language.text_workbook import MAX_CELL
from mappings.readers import SourceFormat

CSV = SourceFormat(("csv",))
HEADER = ("No", "Text")
FOLDER = Path(tempfile.mkdtemp())
CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def returned(*rows: tuple[str, ...]) -> list[list[str]]:
    path = FOLDER / "sheet.xlsx"
    lines = [HeldLine("why", "row 2", f"t{n}", cells) for n, cells in enumerate(rows)]
    path.write_bytes(held_sheet(HEADER, lines))
    table = open_source(path, CSV)
    assert table.header == HEADER
    return list(table.rows)


@settings(max_examples=150, deadline=None)
@given(st.tuples(st.just("K1"), CELL))
def test_what_fits_a_sheet_comes_back_as_it_was(row: tuple[str, str]) -> None:
    if fits(row, HEADER):
        (cells,) = returned(row)
        assert [text.replace("\r\n", "\n") for text in cells] == [
            text.replace("\r\n", "\n") for text in row
        ]
        assert isinstance(cells, Returned)
        assert cells.ticket == "t0"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "007", "3/4/2012", "<a&b>"]
)
def test_a_cell_is_text_whatever_it_looks_like(text: str) -> None:
    assert returned(("1", text))[0][1].strip() == text.strip()
    sheet = openpyxl.load_workbook(FOLDER / "sheet.xlsx").active
    assert sheet is not None
    cell = sheet.cell(2, len(MARKS) + 2)
    assert (cell.data_type, cell.number_format, cell.quotePrefix) == ("s", "@", True)


@pytest.mark.parametrize(
    "cells", [("1",), ("1", "2", "3"), ("1", "x" * (MAX_CELL + 1)), ("1", "\x0b"), ("1", "_x000D_")]
)
def test_a_row_no_sheet_can_hold_is_left_to_its_source(cells: tuple[str, ...]) -> None:
    assert not fits(cells, HEADER)


def test_a_sheet_says_first_why_and_where(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(
        held_sheet(HEADER, [HeldLine("is empty", "row 7", "t", "ab")])
    )
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert sheet is not None
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        [*MARKS, *HEADER],
        ["is empty", "row 7", "t", "a", "b"],
    ]
