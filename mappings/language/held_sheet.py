"""The sheet of held rows: what waits for a person, as a workbook to correct and bring back.

Its first columns say why a row is held, where it stands and as what the queue knows it; behind them
stand the columns of the source, as written. Every cell is text and formatted as text, so that a
spreadsheet program runs no formula, drops no zero and turns no day round. The same command that
held the rows takes the corrected sheet.
"""

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from mappings.readers import Cells, SourceFormat, Table, column_letter, open_table

MARKS: Final = ("Held because", "Held at", "Held as")
"""Headings of the columns that say why; a file that begins with them is a sheet of held rows."""

_SHEET: Final = "held rows"
_TABLES: Final = frozenset({"csv", "xlsx", "ndjson"})
_MAX_WORKBOOK: Final = 100_000
MAX_CELL: Final = 32_767  # what a cell of a workbook can hold
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = re.compile("_x[0-9A-Fa-f]{4}_")
_STAMP: Final = (1980, 1, 1, 0, 0, 0)
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_PARTS: Final = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels"'
    ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    "</Types>",
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    f'<sheet name="{_SHEET}" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    # Format 49 is text; quotePrefix keeps it text when a person types into the cell.
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}">'
    '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"'
    ' quotePrefix="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>",
}


class Returned(list[str]):
    """The cells of a row that came back in a sheet, and as what the queue knows it."""

    __slots__ = ("ticket",)

    def __init__(self, cells: Iterable[str], ticket: str) -> None:
        super().__init__(cells)
        self.ticket = ticket


@dataclass(frozen=True, slots=True)
class HeldLine:
    """One row for the sheet: why, where, as what the queue knows it, and its cells."""

    because: str
    at: str
    ticket: str
    cells: Sequence[str]


def fits(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Whether a row can stand in a sheet: as wide as its header, every cell one a sheet can hold.

    Rows that cannot are corrected in their source.
    """
    return len(cells) == len(header) and all(
        len(cell) <= MAX_CELL and not _NOT_XML.search(cell) and not _ESCAPED.search(cell)
        for cell in cells
    )


def held_sheet(header: Sequence[str], lines: Iterable[HeldLine]) -> bytes:
    """Return a workbook of held rows.

    Args:
        header: the source's headings.
        lines: rows that :func:`fits` accepts.
    """
    rows = _rows(header, lines)
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in _PARTS.items():
            book.writestr(zipfile.ZipInfo(name, _STAMP), f"{_XML}{text}")
        sheet = zipfile.ZipInfo("xl/worksheets/sheet1.xml", _STAMP)
        sheet.compress_type = zipfile.ZIP_DEFLATED
        with book.open(sheet, "w") as stream:
            stream.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for number, cells in enumerate(rows, 1):
                stream.write(_row(number, cells).encode())
            stream.write(b"</sheetData></worksheet>")
    return out.getvalue()


def _rows(header: Sequence[str], lines: Iterable[HeldLine]) -> Iterator[Sequence[str]]:
    yield (*MARKS, *header)
    for line in lines:
        yield (line.because, line.at, line.ticket, *line.cells)


def _row(number: int, cells: Sequence[str]) -> str:
    written = "".join(
        f'<c r="{column_letter(index)}{number}" s="1" t="inlineStr"><is>'
        f'<t xml:space="preserve">{escape(text, {chr(13): "&#13;"})}</t></is></c>'
        for index, text in enumerate(cells)
        if text
    )
    return f'<row r="{number}">{written}</row>'


def open_source(path: Path, how: SourceFormat) -> Table:
    """Open a file of a source, or the sheet of its held rows, whatever format the source has.

    Raises:
        SourceError: see :func:`mappings.readers.open_table`.
    """
    if _is_held_sheet(path) and _TABLES.issuperset(how.formats):
        table = open_table(path, replace(how, formats=("xlsx",), sheet=_SHEET, part=""))
        if table.header[: len(MARKS)] == MARKS:
            return _returned(table)
    return open_table(path, how)


def _is_held_sheet(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as book, book.open("xl/workbook.xml") as stream:
            return f'name="{_SHEET}"'.encode() in stream.read(_MAX_WORKBOOK)
    except (OSError, KeyError, ValueError, RuntimeError, EOFError):  # not ours, or damaged
        return False
    except (zipfile.BadZipFile, zlib.error):
        return False


def _returned(table: Table) -> Table:
    skip = len(MARKS)
    rows: Iterator[Cells] = (
        Returned(cells[skip:], cells[skip - 1].strip()) if any(cells[skip:]) else []
        for cells in table.rows
    )
    return replace(table, header=table.header[skip:], rows=rows)
