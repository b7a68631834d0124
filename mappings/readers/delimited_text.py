"""Rows of text divided by a delimiter: quotes, escapes, line ends inside cells.

Two passes: the first proves that the whole file is readable, so that a bad byte in the last row is
known before the first row is mapped; the second hands out the rows.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from mappings.readers.errors import SourceError
from mappings.readers.table import Cells, Table
from mappings.readers.text_chunks import MAX_LINE, TextFile

MAX_CELL = 131_072
_OTHERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


@dataclass(frozen=True, slots=True)
class CsvFormat:
    r"""How a map says a CSV file is written.

    ``escape`` is the character before a quote inside a cell where the export writes it so
    (``\"``); empty where quotes are doubled, as RFC 4180 says.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    escape: str = ""


Opener = Callable[[], BinaryIO]
"""Opens the bytes from their start; called once for each pass."""


def read_delimited(opener: Opener, file: str, how: CsvFormat, *, bare: bool = False) -> Table:
    """Read delimited text as rows of text; ``bare``: a header without rows will do.

    Raises:
        SourceError: the file is empty, binary, in another encoding, has one column, no rows,
            a broken quote, or a line or cell beyond the caps. Raised before any row is given.
    """
    with opener() as stream:
        _prove_readable(TextFile(stream, file, how.encoding), how)
    rows = _rows(opener, file, how)
    header = next(rows, [])
    if len(header) < 2:
        raise _one_column(file, header, how)
    first = next(rows, None)
    if first is None and not bare:
        raise SourceError(file, "row 1", "is the only row; a header and rows are expected")
    return Table(file, tuple(header), rows if first is None else chain([first], rows))


def _rows(opener: Opener, file: str, how: CsvFormat) -> Iterator[Cells]:
    with opener() as stream:
        text = TextFile(stream, file, how.encoding)
        yield from _parsed(text.chunks(), how)


def _parsed(chunks: Iterable[str], how: CsvFormat) -> Iterator[Cells]:
    lines = chain.from_iterable(io.StringIO(chunk, newline="") for chunk in chunks)
    escape = how.escape or None
    return csv.reader(lines, delimiter=how.delimiter, escapechar=escape, strict=True)


def _prove_readable(text: TextFile, how: CsvFormat) -> None:
    """Read everything once.

    Only a quote or an escape can break the structure of a row; a file without is not parsed twice.
    """
    quoted = False
    for chunk in text.chunks():
        quoted = quoted or '"' in chunk or (how.escape or '"') in chunk or _has_long_cell(chunk)
    if quoted:
        _prove_rows(text, how)


def _has_long_cell(chunk: str) -> bool:
    return len(chunk) > MAX_CELL and any(
        len(line) > MAX_CELL for line in io.StringIO(chunk, newline="")
    )


def _prove_rows(text: TextFile, how: CsvFormat) -> None:
    progress = [0]
    try:
        for _ in _parsed(_watched(text, progress), how):
            progress[0] += 1
    except csv.Error as error:
        raise SourceError(text.file, f"row {progress[0] + 1}", _advice(str(error))) from None


def _watched(text: TextFile, progress: list[int]) -> Iterator[str]:
    """Hand on the pieces, and stop when one row swallows several: rows are held in memory."""
    rows, waited = 0, 0
    for chunk in text.chunks():
        waited = 0 if progress[0] > rows else waited + len(chunk)
        rows = progress[0]
        if waited > 2 * MAX_LINE:
            advice = "is longer than two million characters; a quote may not be closed"
            raise SourceError(text.file, f"row {rows + 1}", advice)
        yield chunk


def _advice(error: str) -> str:
    if "field larger" in error:
        return f"has a cell of more than {MAX_CELL:,} characters; a quote may not be closed"
    if "unexpected end" in error:
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
