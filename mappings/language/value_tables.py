"""Value tables: the source's words beside our codes, inline or as a CSV file beside the map."""

import csv
import io
import re
from collections.abc import Callable

from mappings.language.document import ValueEntry, Word
from mappings.language.outline import Outline

HEADER = ["source", "code"]
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_./-]*\.csv\Z")
ReadTable = Callable[[str], bytes]


def normal(text: str) -> str:
    """Return a text as value tables compare it: case and runs of spaces do not matter.

    >>> normal("  No  Show ")
    'no show'
    """
    return " ".join(text.split()).casefold()


def read_table(name: Word, read: ReadTable, outline: Outline) -> tuple[ValueEntry, ...]:
    """Read a CSV file with the columns ``source`` and ``code`` (others are notes)."""
    if not _NAME.match(name.text) or ".." in name.text:
        outline.problem(name.position, "a value table is a CSV file in the map's folder")
        return ()
    try:
        rows = list(csv.reader(io.StringIO(read(name.text).decode("utf-8-sig")), strict=True))
    except (OSError, ValueError, csv.Error):
        outline.problem(name.position, f'the value table "{name.text}" cannot be read')
        return ()
    if not rows or rows[0][:2] != HEADER:
        outline.problem(name.position, f'"{name.text}" must begin with the header source,code')
        return ()
    entries = []
    for number, row in enumerate(rows[1:], 2):
        if len(row) < 2 or not row[0].strip() or not row[1].strip():
            outline.problem(name.position, f'"{name.text}" row {number} must hold source and code')
            continue
        entries.append(ValueEntry(row[0], row[1].strip(), name.position))
    return tuple(entries)
