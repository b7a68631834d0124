"""Excel workbooks (.xlsx): the first visible sheet that holds anything, every cell as text.

Excel keeps 7 as the number 7.0 and a day as a count of days. The text given on is what a person
sees and no more: 7, 7.5, ``2026-09-14``, ``2026-09-14 08:30:00``, ``TRUE``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from mappings.readers.errors import SourceError
from mappings.readers.table import Cells, Table
from mappings.readers.workbook_limits import refuse_dangerous_workbook

_CellValue = str | float | bool | date | datetime | time | timedelta


@dataclass(frozen=True, slots=True)
class ExcelFormat:
    """How a map says a workbook is laid out; ``sheet`` empty means the only visible one."""

    sheet: str = ""


def read_excel(path: Path, how: ExcelFormat) -> Table:
    """Read one sheet as rows of text.

    Raises:
        SourceError: no workbook, a dangerous one, several visible sheets and none named, no rows.
    """
    with path.open("rb") as stream:
        if not stream.read(1):
            raise SourceError(path.name, "the whole file", "is empty; export it again")
        stream.seek(0)
        refuse_dangerous_workbook(stream, path.name)
    sheet = _sheet(path, how)
    rows = _as_text(sheet)
    header = next(rows, [])
    if not any(header):
        raise SourceError(path.name, "row 1", "is empty; the header must be row 1")
    if len(header) < 2:
        raise SourceError(
            path.name, "row 1", "has fewer than two columns; the header must be row 1"
        )
    if sheet.height < 2:
        raise SourceError(path.name, "row 1", "is the only row; a header and rows are expected")
    return Table(path.name, tuple(header), rows)


def _sheet(path: Path, how: ExcelFormat) -> CalamineSheet:
    try:
        book = CalamineWorkbook.from_path(path)
        names = _visible(book)
        if how.sheet in names:
            return book.get_sheet_by_name(how.sheet)
        if how.sheet or len(names) != 1:
            advice = "has several sheets; keep one, or name it in the map (sheet)"
            raise SourceError(path.name, "the sheets", advice)
        return book.get_sheet_by_name(names[0])
    except (CalamineError, OSError, ValueError):
        raise SourceError(
            path.name,
            "the whole file",
            "is a damaged Excel file; open it in Excel and save it again",
        ) from None


def _visible(book: CalamineWorkbook) -> list[str]:
    return [
        sheet.name for sheet in book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible
    ]


def _as_text(sheet: CalamineSheet) -> Iterator[Cells]:
    for row in sheet.iter_rows():
        cells = [value if isinstance(value, str) else cell_text(value) for value in row]
        yield cells if any(cells) else []


def cell_text(value: _CellValue) -> str:
    """Return a cell as a person reads it.

    >>> cell_text(7.0), cell_text(7.5), cell_text(True)
    ('7', '7.5', 'TRUE')
    """
    match value:
        case str():
            return value
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime():
            return value.isoformat(sep=" ", timespec="seconds")
        case _:
            return str(value)
