"""A workbook (xlsx) in which every cell is text.

It is formatted as text too: a spreadsheet program then runs no formula, drops no zero and turns no
day round, also after a person has typed into a cell.
"""

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from mappings.readers import column_letter

MAX_CELL: Final = 32_767  # what a cell of a workbook can hold
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = re.compile("_x[0-9A-Fa-f]{4}_")
_BOOK: Final = "xl/workbook.xml"
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
    _BOOK: f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name={} sheetId="1" r:id="rId1"/></sheets></workbook>',
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


def cell_fits(text: str) -> bool:
    """Whether a cell of a workbook can hold a text and give it back as it was."""
    return len(text) <= MAX_CELL and not _NOT_XML.search(text) and not _ESCAPED.search(text)


def text_workbook(sheet: str, rows: Iterable[Sequence[str]]) -> bytes:
    """Return a workbook of one sheet; the same rows always give the same bytes.

    Args:
        sheet: its name.
        rows: texts that :func:`cell_fits` accepts.
    """
    return b"".join(workbook_parts(sheet, [rows]))


def workbook_parts(sheet: str, parts: Iterable[Iterable[Sequence[str]]]) -> Iterator[bytes]:
    """Yield a workbook as it grows: what there is of it once each part of its rows is written.

    Args:
        sheet: its name.
        parts: of texts that :func:`cell_fits` accepts, taken one after the other.
    """
    out = _Sink()
    for _ in _written(out, sheet, parts):
        yield out.taken()
    yield out.taken()


class _Sink:
    """What is written until somebody takes it; nobody can go back in it."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def write(self, some: bytes) -> int:
        self._held.append(bytes(some))
        return len(some)

    def flush(self) -> None:
        """Do nothing: it is taken."""

    def close(self) -> None:
        """Do nothing."""

    def taken(self) -> bytes:
        taken, self._held = b"".join(self._held), []
        return taken


def _written(out: _Sink, sheet: str, parts: Iterable[Iterable[Sequence[str]]]) -> Iterator[None]:
    """Write a workbook, and yield whenever a part of its rows is written."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in _PARTS.items():
            whole = text.format(quoteattr(sheet)) if name == _BOOK else text
            book.writestr(zipfile.ZipInfo(name, _STAMP), f"{_XML}{whole}")
        part = zipfile.ZipInfo("xl/worksheets/sheet1.xml", _STAMP)
        part.compress_type = zipfile.ZIP_DEFLATED
        with book.open(part, "w") as stream:
            stream.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            numbers = count(1)
            for rows in parts:
                for cells in rows:
                    stream.write(_row(next(numbers), cells).encode())
                yield
            stream.write(b"</sheetData></worksheet>")


def _row(number: int, cells: Sequence[str]) -> str:
    written = "".join(
        f'<c r="{column_letter(index)}{number}" s="1" t="inlineStr"><is>'
        f'<t xml:space="preserve">{escape(text, {chr(13): "&#13;"})}</t></is></c>'
        for index, text in enumerate(cells)
        if text
    )
    return f'<row r="{number}">{written}</row>'
