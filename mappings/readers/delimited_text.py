"""Rows of text divided by a delimiter: quotes, escapes, line ends inside cells.

Two passes: the first proves that the whole file is readable, so that a bad byte in the last row is
known before the first row is mapped; the second hands out the rows.
"""

import csv
import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from mappings.readers.errors import SourceError
from mappings.readers.table import START, Cells, Place, Table
from mappings.readers.text_chunks import MAX_LINE, TextFile

MAX_CELL = 131_072
_UNENDED = "unexpected end"
_OTHERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


@dataclass(frozen=True, slots=True)
class CsvFormat:
    r"""How a map says a CSV file is written.

    ``escape`` is the character before a quote inside a cell where the export writes it so
    (``\"``); empty where quotes are doubled, as RFC 4180 says. ``start`` is where to take up
    reading; the file is then not proved readable first.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    escape: str = ""
    start: Place | None = None


Opener = Callable[[], BinaryIO]
"""Opens the bytes from their start; called once for each pass."""


def read_delimited(opener: Opener, file: str, how: CsvFormat, *, bare: bool = False) -> Table:
    """Read delimited text as rows of text; ``bare``: a header without rows will do.

    Raises:
        SourceError: the file is empty, binary, in another encoding, has one column, no rows,
            a broken quote, or a line or cell beyond the caps. Raised before any row is given, or,
            where ``how`` says a start, when the row is reached.
    """
    if how.start is None:
        with opener() as stream:
            _prove_readable(TextFile(stream, file, how.encoding), how)
    places: list[Place] = []
    rows = _rows(lambda: TextFile(opener(), file, how.encoding), how, START, places)
    header = next(rows, [])
    if len(header) < 2:
        raise _one_column(file, header, how)
    first = next(rows, None)
    if first is None and not bare:
        raise SourceError(file, "row 1", "is the only row; a header and rows are expected")
    if how.start and how.start != START:
        rows = _rows(lambda: TextFile(opener(), file, how.encoding), how, how.start, places)
        return Table(file, tuple(header), rows, how.start.row, places=places)
    rows = rows if first is None else chain([first], rows)
    return Table(file, tuple(header), rows, places=places)


def _rows(
    opened: Callable[[], TextFile], how: CsvFormat, start: Place, places: list[Place]
) -> Iterator[Cells]:
    """Yield rows from a place on, and note the places come by."""
    text = opened()
    with text.stream:
        for place, rows in _pieces(text, how, start):
            if place == START or not text.anew:
                places.append(place)
            yield from rows


def _pieces(text: TextFile, how: CsvFormat, start: Place) -> Iterator[tuple[Place, list[Cells]]]:
    """Yield rows some hundreds at a time, with where they begin.

    A piece of text that ends within a row waits for the next one.

    Raises:
        SourceError: a row is broken or too long.
    """
    place, waiting = start, ""
    for chunk in text.chunks(start.offset):
        waiting += chunk
        try:
            rows = list(_reader(waiting, how))
        except csv.Error as error:
            if not str(error).startswith(_UNENDED):
                raise _broken(text.file, place, waiting, how) from None
            _refuse_endless(text.file, place, waiting, how)
            continue
        yield place, rows
        place, waiting = Place(text.offset, place.row + len(rows)), ""
    if waiting:
        raise _broken(text.file, place, waiting, how)


def _reader(text: str, how: CsvFormat) -> Iterator[Cells]:
    lines, escape = io.StringIO(text, newline=""), how.escape or None
    return csv.reader(lines, delimiter=how.delimiter, escapechar=escape, strict=True)


def _prove_readable(text: TextFile, how: CsvFormat) -> None:
    """Read everything once.

    Only a quote, an escape or a long cell can break a row: text without is not parsed twice, and
    where all quotes stand as a spreadsheet writes them, they are looked at without the cells.
    """
    waiting = ""
    with suppress(csv.Error):
        for chunk in text.chunks():
            waiting = "" if _is_whole(waiting + chunk, how) else waiting + chunk
            if len(waiting) > 2 * MAX_LINE:
                break
        if not waiting:
            return
    for _ in _pieces(text, how, START):  # says where
        pass


def _is_whole(text: str, how: CsvFormat) -> bool:
    """Whether text ends where a row ends.

    Raises:
        csv.Error: it is broken.
    """
    if _is_plain(text, how):
        return True
    try:
        for _ in _reader(text, how):
            pass
    except csv.Error as error:
        if str(error).startswith(_UNENDED):
            return False
        raise
    return True


def _is_plain(text: str, how: CsvFormat) -> bool:
    """Whether text is whole rows for certain: every quote opens or closes a cell or is doubled."""
    if (how.escape and how.escape in text) or _has_long_cell(text):
        return False
    parts = text.split('"')
    quoted = sum(map(len, parts[1::2])) + len(parts)
    edges = {"", how.delimiter, "\n", "\r"}
    return (
        len(parts) % 2 == 1
        and (quoted == 1 or quoted <= MAX_CELL)
        and {part[:1] for part in parts[2::2]} <= edges
        and {part[-1:] for part in parts[:-1:2]} <= edges
    )


def _has_long_cell(chunk: str) -> bool:
    return len(chunk) > MAX_CELL and any(
        len(line) > MAX_CELL for line in io.StringIO(chunk, newline="")
    )


def _broken(file: str, place: Place, text: str, how: CsvFormat) -> SourceError:
    """Say which row is broken, and how."""
    row, advice = place.row, ""
    try:
        for _ in _reader(text, how):
            row += 1
    except csv.Error as error:
        advice = _advice(str(error))
    return SourceError(file, f"row {row}", advice)


def _refuse_endless(file: str, place: Place, text: str, how: CsvFormat) -> None:
    """Stop when one row swallows several pieces: rows are held in memory."""
    if len(text) > 2 * MAX_LINE:
        advice = "is longer than two million characters; a quote may not be closed"
        row = _broken(file, place, text, how).where
        raise SourceError(file, row, advice)


def _advice(error: str) -> str:
    if "field larger" in error:
        return f"has a cell of more than {MAX_CELL:,} characters; a quote may not be closed"
    if error.startswith(_UNENDED):
        return "opens a quote that is never closed; export the file again"
    return (
        "has a quote inside a cell that is not doubled; export the file again, or if the export"
        ' writes \\" for a quote, say so in the map (escape: backslash)'
    )


def _one_column(file: str, header: Cells, how: CsvFormat) -> SourceError:
    line = header[0] if header else ""
    for delimiter, name in _OTHERS.items():
        if delimiter != how.delimiter and delimiter in line:
            advice = f"has one column; the cells seem to be divided by {name}: say so in the map"
            return SourceError(file, "row 1", f"{advice} (delimiter)")
    return SourceError(file, "row 1", "has fewer than two columns; the header must be row 1")
