"""What a draft suggests for one column: a field, a format, a value table.

Suggestions come from the shipped maps and the dictionary. Urgency and consent get none. Only texts
that are options of a form, not one person's words, come into a draft.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from typing import Final

from mappings.language.dictionary import DICTIONARY, CanonicalField, Kind, MapKind
from mappings.language.formats import DateFormat, date_format
from mappings.language.outcome import SHOWN_FROM
from mappings.language.reading import OPEN
from mappings.language.shipped import list_maps
from mappings.language.value_tables import normal
from mappings.readers import SEVERAL, Table

MAX_ROWS: Final = 20_000
"""Rows of a source that a draft looks at."""
_OPTIONS: Final = 60
_DATES: Final = (Kind.DATE, Kind.MOMENT, Kind.INSTANT)
_DAYS: Final = ("M/D/YYYY", "D/M/YYYY", "YYYY-MM-DD", "YYYYMMDD", "D-MMM-YYYY", "D.M.YYYY")
_TIMES: Final = (
    *("M/D/YYYY h:mm:ss", "D/M/YYYY h:mm:ss", "M/D/YYYY h:mm:ss AM", "M/D/YYYY h:mm"),
    *("M/D/YYYY h:mm AM", "YYYY-MM-DD hh:mm:ss", "YYYY-MM-DDThh:mm:ss"),
)
# What YAML takes for no text, or a line end, even between quotes.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class DraftColumn:
    """A column or place, and what the rows looked at hold there.

    Attributes:
        placed: whether it is a place, which means what the format says, not a person's heading.
        several: rows that say several different things there.
    """

    heading: str
    texts: Counter[str]
    placed: bool = False
    several: int = 0

    @property
    def filled(self) -> int:
        """Rows that hold one text there."""
        return self.texts.total()


def draft_columns(table: Table) -> tuple[list[DraftColumn], int]:
    """Return the columns of a table, and how many rows were looked at.

    Raises:
        SourceError: a row cannot be read.
    """
    counts: list[Counter[str]] = [Counter() for _ in table.header]
    several = [0] * len(counts)
    rows = 0
    for cells in table.rows:
        if not any(cells):
            continue
        rows += 1
        for index, cell in enumerate(cells[: len(counts)]):
            if cell == SEVERAL:
                several[index] += 1
            elif text := cell.strip():
                counts[index][text] += 1
        if rows == MAX_ROWS:
            break
    found = zip(table.header, counts, several, strict=True)
    columns = [DraftColumn(name, count, table.joined, more) for name, count, more in found]
    return columns, rows


def draft_field(kind: MapKind, column: DraftColumn, source: str = "") -> Iterator[str]:
    """Yield the lines of one field; ``source`` is the role it is read from, if not the first."""
    entry = _suggested(kind, column)
    yield f"  - column: {quoted(column.heading)}"
    if source:
        yield f"    source: {source}"
    if column.several:
        yield f"    # {column.several} rows say several things here: every, first, or where ... is"
    if entry is None:
        yield f"    goes-to: {OPEN}"
        return
    yield f"    goes-to: {OPEN} {entry.name}"
    if entry.kind in _DATES:
        yield "    read-as:"
        yield from (
            f"      - {quoted(f'{OPEN} {form}'.strip())}" for form in _formats(entry, column)
        )
    elif entry.kind is Kind.NAME:
        yield f'    read-as: "{OPEN} Last, First"'
    elif entry.codes:
        yield from _values(entry, column)


def quoted(text: str) -> str:
    """Return a text as YAML reads it back, whatever it holds."""
    plain = json.dumps(text, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", plain)


def _suggested(kind: MapKind, column: DraftColumn) -> CanonicalField | None:
    """Return the field shipped maps read under such a heading, but for urgency and consent."""
    known = _headings(kind)
    name = normal(column.heading)
    near = [name] if name in known else []
    if not column.placed:
        near = near or get_close_matches(name, known, n=1, cutoff=0.85)
    entry = DICTIONARY[kind].get(known[near[0]]) if near else None
    return None if entry is None or entry.never_assumed else entry


@cache
def _headings(kind: MapKind) -> dict[str, str]:
    """Return what headings of shipped maps, and the names of fields themselves, go to."""
    found = {normal(name.replace(".", " ").replace("_", " ")): name for name in DICTIONARY[kind]}
    for document in list_maps():
        for rule in document.fields:
            if rule.goes_to.text in DICTIONARY[kind] and not (rule.together or rule.choose):
                found |= {normal(word.text): rule.goes_to.text for word in rule.columns}
    return found


def _formats(entry: CanonicalField, column: DraftColumn) -> list[str]:
    """Return the formats that read every text of a column, or, if none does, those that read some.

    Often there is more than one, and only who knows the source can choose.
    """
    forms = _DAYS if entry.kind is Kind.DATE else (*_TIMES, *_DAYS)
    read = {form: sum(_reads(form, text) for text in column.texts) for form in forms}
    whole = [form for form in forms if 0 < read[form] == len(column.texts)]
    return whole or [form for form in forms if read[form]] or [""]


@cache
def _compiled(form: str) -> DateFormat:
    return date_format(form)


def _reads(form: str, text: str) -> bool:
    found = _compiled(form).read(text)
    return found is not None and isinstance(found, datetime) == ("h" in form)


def _values(entry: CanonicalField, column: DraftColumn) -> Iterator[str]:
    """Yield a value table: texts that are options, each beside the code its word suggests."""
    known = _codes(entry)
    options = [
        t for t, n in column.texts.most_common(_OPTIONS) if n >= SHOWN_FROM or normal(t) in known
    ]
    if len(column.texts) > len(options):
        yield f"    # {len(column.texts) - len(options)} more texts stand in few rows: see the file"
    if options:
        yield "    values:"
    for text in options:
        code = known.get(normal(text), "")
        yield f"      {quoted(text)}: {quoted(f'{OPEN} {code}'.strip())}"
    if entry.kind in (Kind.CODED_LIST, Kind.CODE_LIST):
        yield f"    split-on: {quoted(OPEN)}"


@cache
def _codes(entry: CanonicalField) -> dict[str, str]:
    """Return codes by the words shipped maps translate into them."""
    found = {normal(code): code for code in entry.codes}
    for document in list_maps():
        for rule in document.fields:
            if rule.goes_to.text == entry.name:
                found |= {normal(value.text): value.code for value in rule.values or ()}
    return found
