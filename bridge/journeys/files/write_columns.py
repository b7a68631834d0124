"""A table becomes a file of a district: CSV as its map reads it, or a workbook of text cells."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from bridge.errors import BridgeError
from mappings.language.text_workbook import cell_fits, text_workbook
from mappings.readers import SourceFormat, column_letter

# What a formula begins with, in the widths that programs of some languages take for the same.
FORMULA_SIGNS: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
# At the start of a cell, signs that cannot be seen aside; and behind what may divide cells where
# a program takes another sign than the comma for that (Excel does by the country it is set to).
_STARTS: Final = re.compile(rf"^(?=[\s\ufeff\u200b-\u200f\u2060]*[{FORMULA_SIGNS}]|[\t\r\n])")
_WITHIN: Final = re.compile(rf"([;|\t\r\n][\s\"']*)(?=[{FORMULA_SIGNS}])")
_DIVIDES: Final = re.compile(r"[;|\t]")
_SHEET: Final = "records"


def guarded(text: str) -> str:
    """Return a cell for CSV that no spreadsheet program reads as a formula.

    An apostrophe goes before what would start one, also behind a semicolon, a bar, a tab or a line
    break: a program that divides cells there would start one anew.
    """
    return _WITHIN.sub(r"\1'", _STARTS.sub("'", text))


def csv_text(rows: Iterable[Sequence[str]], delimiter: str = ",", escape: str = "") -> str:
    """Return rows as CSV of guarded cells.

    A row with a sign that another program may divide cells at is quoted whole.
    """
    out = io.StringIO()
    common: dict[str, Any] = {
        "delimiter": delimiter,
        "doublequote": not escape,
        "escapechar": escape or None,
        "lineterminator": "\r\n",
    }
    plain, quoted = csv.writer(out, **common), csv.writer(out, **common, quoting=csv.QUOTE_ALL)
    for row in rows:
        cells = [guarded(cell) for cell in row]
        divided = any(_DIVIDES.search(cell) for cell in cells)
        (quoted if divided else plain).writerow(cells)
    return out.getvalue()


def write_columns(rows: Sequence[Sequence[str]], how: SourceFormat, out: Path) -> int:
    """Write a header and its rows; the file appears whole or not at all.

    In CSV a cell that would start a formula gets an apostrophe before it, and reads so when it is
    brought in again; in a workbook every cell is text and stays as it is.

    Args:
        rows: the header, then rows as wide.
        how: how the map reads such a file: delimiter, encoding, quotes.
        out: ``.csv`` or ``.xlsx``.

    Returns:
        how many cells got an apostrophe.

    Raises:
        BridgeError: of another ending, one the map does not read, or a cell cannot be written.
    """
    ending = out.suffix.lower().removeprefix(".")
    if ending not in ("csv", "xlsx") or ending not in how.formats:
        known = " or ".join(f".{each}" for each in how.formats if each in ("csv", "xlsx"))
        raise BridgeError(f"{out.name}: the map reads files ending in {known}; name the file so")
    written = _workbook(rows, how, out) if ending == "xlsx" else _text(rows, how, out)
    partial = out.with_name(f"{out.name}.part")
    partial.write_bytes(written)
    partial.replace(out)
    cells = [cell for row in rows for cell in row]
    return 0 if ending == "xlsx" else sum(guarded(cell) != cell for cell in cells)


def _workbook(rows: Sequence[Sequence[str]], how: SourceFormat, out: Path) -> bytes:
    if place := _first(rows, lambda cell: not cell_fits(cell)):
        raise BridgeError(f"{out.name} {place} holds what no workbook can; write .csv instead")
    return text_workbook(how.sheet or _SHEET, rows)


def _text(rows: Sequence[Sequence[str]], how: SourceFormat, out: Path) -> bytes:
    try:
        return csv_text(rows, how.delimiter, how.escape).encode(how.encoding)
    except UnicodeEncodeError:
        place = _first(rows, lambda cell: not _encodes(cell, how.encoding))
        advice = f"holds a letter that {how.encoding} does not have; write .xlsx instead"
        raise BridgeError(f"{out.name} {place} {advice}") from None


def _encodes(cell: str, encoding: str) -> bool:
    return cell.encode(encoding, "replace").decode(encoding) == cell


def _first(rows: Iterable[Sequence[str]], wrong: Callable[[str], bool]) -> str:
    """Return the place of the first cell that is wrong; "" if none is."""
    for number, row in enumerate(rows, 1):
        for index, cell in enumerate(row):
            if wrong(cell):
                return f"row {number}, column {column_letter(index)}"
    return ""
