from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from mappings.readers import SourceError, SourceFormat, open_table

EXCEL = SourceFormat(("csv", "xlsx"))


def saved(tmp_path: Path, *rows: list[object], sheets: tuple[str, ...] = ()) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name in sheets:
        book.create_sheet(name).append(["x", "y"])
    book.save(tmp_path / "rows.xlsx")
    return tmp_path / "rows.xlsx"


def refusal(path: Path, how: SourceFormat = EXCEL) -> str:
    with pytest.raises(SourceError) as refused:
        list(open_table(path, how).rows)
    return str(refused.value)


def test_numbers_days_and_flags_come_as_a_person_reads_them(tmp_path: Path) -> None:
    row = [
        7,
        7.5,
        True,
        date(2026, 9, 14),
        datetime(2026, 9, 14, 8, 30),  # noqa: DTZ001 - as Excel keeps it
        "07",
        1000000001,
    ]
    path = saved(tmp_path, list("abcdefg"), row)
    expected = ["7", "7.5", "TRUE", "2026-09-14", "2026-09-14 08:30:00", "07", "1000000001"]
    assert list(open_table(path, EXCEL).rows) == [expected]


def test_a_blank_row_still_counts(tmp_path: Path) -> None:
    path = saved(tmp_path, ["a", "b"], [None, None], [1, 2])
    assert list(open_table(path, EXCEL).rows) == [[], ["1", "2"]]


def test_an_error_cell_is_refused_since_readers_show_it_as_empty(tmp_path: Path) -> None:
    assert "cell B2: shows an error" in refusal(saved(tmp_path, ["a", "b"], [1, "#N/A"]))


def test_a_formula_without_its_result_is_refused(tmp_path: Path) -> None:
    assert "cell B2: shows no result" in refusal(saved(tmp_path, ["a", "b"], [1, "=A2+1"]))


def test_several_sheets_are_refused_unless_the_map_names_one(tmp_path: Path) -> None:
    path = saved(tmp_path, ["a", "b"], [1, 2], sheets=["Other"])
    assert "several sheets" in refusal(path)
    how = SourceFormat(("xlsx",), sheet="Sheet")
    assert list(open_table(path, how).rows) == [["1", "2"]]


def test_a_header_that_is_not_in_row_1_is_refused(tmp_path: Path) -> None:
    assert "row 1: is empty" in refusal(saved(tmp_path, [None, None], ["a", "b"], [1, 2]))


def test_a_workbook_is_refused_where_text_is_expected(tmp_path: Path) -> None:
    path = saved(tmp_path, ["a", "b"], [1, 2])
    assert "is an Excel file" in refusal(path, SourceFormat(("csv",)))
