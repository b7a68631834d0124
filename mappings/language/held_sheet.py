"""The sheet of held rows: what waits for a person, as a workbook to correct and bring back.

Its first columns say why a row is held, where it stands and as what the queue knows it; behind them
stand the columns of the source, as written. Of messages and records the columns are the places the
map asks for, and a corrected row is mapped as if the place had held the corrected text; a place
that says several different things shows ``SAYS_SEVERAL`` until a person writes the one meant. Every
cell is text and formatted as text, so that a spreadsheet program runs no formula, drops no zero and
turns no day round. The same command that held the rows takes the corrected sheet.

A row no sheet can hold stands there with its reasons alone; left so, it does not come back.
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

from mappings.readers import (
    PLACED,
    SEVERAL,
    Cells,
    SourceError,
    SourceFormat,
    Table,
    column_letter,
    open_table,
)

MARKS: Final = ("Held because", "Held at", "Held as")
"""Headings of the columns that say why; a file that begins with them is a sheet of held rows."""

SAYS_SEVERAL: Final = "(says several different things: write the one meant)"
"""What the sheet shows at a place that says several things; a row that still shows it is held."""

_SHEET: Final = "held rows"
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
    return len(cells) == len(header) and all(cell == SEVERAL or _fits(cell) for cell in cells)


def _fits(cell: str) -> bool:
    strange = _NOT_XML.search(cell) or _ESCAPED.search(cell) or cell.strip() == SAYS_SEVERAL
    return len(cell) <= MAX_CELL and not strange


def held_sheet(header: Sequence[str], lines: Iterable[HeldLine]) -> bytes:
    """Return a workbook of held rows.

    Args:
        header: the source's headings, or the places the map asks for.
        lines: rows that :func:`fits` accepts, or without cells.
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
        cells = (SAYS_SEVERAL if cell == SEVERAL else cell for cell in line.cells)
        yield (line.because, line.at, line.ticket, *cells)


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
    if _is_held_sheet(path):
        sheet = replace(how, formats=("xlsx",), sheet=_SHEET, part="", locations=(), each="")
        table = open_table(path, sheet)
        if table.header[: len(MARKS)] == MARKS:
            return _returned(table, how)
    return open_table(path, how)


def _is_held_sheet(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as book, book.open("xl/workbook.xml") as stream:
            return f'name="{_SHEET}"'.encode() in stream.read(_MAX_WORKBOOK)
    except (OSError, KeyError, ValueError, RuntimeError, EOFError):  # not ours, or damaged
        return False
    except (zipfile.BadZipFile, zlib.error):
        return False


def _returned(table: Table, how: SourceFormat) -> Table:
    skip = len(MARKS)
    placed = not PLACED.isdisjoint(how.formats)
    if placed:
        _refuse_other_places(table, how.locations)
    rows: Iterator[Cells] = (
        Returned(_as_read(cells[skip:]), cells[skip - 1].strip()) if any(cells[skip:]) else []
        for cells in table.rows
    )
    return replace(table, header=table.header[skip:], rows=rows, joined=placed)


def _as_read(cells: Cells) -> Cells:
    return [SEVERAL if cell.strip() == SAYS_SEVERAL else cell for cell in cells]


def _refuse_other_places(table: Table, places: tuple[str, ...]) -> None:
    """Refuse a sheet whose columns are not just the places that the map asks for."""
    advice = "; correct the sheet that this map wrote"
    seen: set[str] = set()
    for index, name in enumerate(table.header[len(MARKS) :], len(MARKS)):
        if name not in places or name in seen:
            wrong = f"column {column_letter(index)} is no place this map asks for, or stands twice"
            raise SourceError(table.file, "row 1", wrong + advice)
        seen.add(name)
    for name in places:
        if name not in seen:
            raise SourceError(table.file, "row 1", f'the column "{name}" is missing{advice}')
