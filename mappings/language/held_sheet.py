"""The sheet of held rows: what waits for a person, as a workbook to correct and bring back.

Its first columns say why a row is held, where it stands and as what the queue knows it; behind them
stand the columns of the source, as written. Of messages and records the columns are the places the
map asks for, and a corrected row is mapped as if the place had held the corrected text; a place
that says several different things shows ``SAYS_SEVERAL`` until a person writes the one meant. Every
cell is text and formatted as text, so that a spreadsheet program runs no formula, drops no zero and
turns no day round. The same command that held the rows takes the corrected sheet.

A row no sheet can hold stands there with its reasons alone; left so, it does not come back.
"""

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mappings.language.text_workbook import cell_fits, text_workbook
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
    return cell_fits(cell) and cell.strip() != SAYS_SEVERAL


def held_sheet(header: Sequence[str], lines: Iterable[HeldLine]) -> bytes:
    """Return a workbook of held rows.

    Args:
        header: the source's headings, or the places the map asks for.
        lines: rows that :func:`fits` accepts, or without cells.
    """
    return text_workbook(_SHEET, _rows(header, lines))


def _rows(header: Sequence[str], lines: Iterable[HeldLine]) -> Iterator[Sequence[str]]:
    yield (*MARKS, *header)
    for line in lines:
        cells = (SAYS_SEVERAL if cell == SEVERAL else cell for cell in line.cells)
        yield (line.because, line.at, line.ticket, *cells)


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
