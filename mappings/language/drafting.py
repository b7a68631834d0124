"""``map new``: the draft of a map from a file's header and values. It suggests and never decides.

Every suggestion begins with ``decide?``, and a map that still holds one does not load: each is a
line that says what is open. Urgency and consent get no suggestion at all. Only texts that are
options of a form, not one person's words, come into a draft.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Final

from mappings.language.dictionary import DICTIONARY, CanonicalField, Kind, MapKind
from mappings.language.formats import DateFormat, date_format
from mappings.language.outcome import SHOWN_FROM
from mappings.language.reading import OPEN
from mappings.language.reading_sources import DELIMITERS
from mappings.language.shipped import list_maps
from mappings.language.value_tables import normal
from mappings.readers import SourceError, SourceFormat, Table, open_table

_ROWS: Final = 20_000  # rows a draft looks at
_OPTIONS: Final = 60
_DATES: Final = (Kind.DATE, Kind.MOMENT, Kind.INSTANT)
_DAYS: Final = ("M/D/YYYY", "D/M/YYYY", "YYYY-MM-DD", "YYYYMMDD", "D-MMM-YYYY", "D.M.YYYY")
_TIMES: Final = (
    *("M/D/YYYY h:mm:ss", "D/M/YYYY h:mm:ss", "M/D/YYYY h:mm:ss AM", "M/D/YYYY h:mm"),
    *("M/D/YYYY h:mm AM", "YYYY-MM-DD hh:mm:ss", "YYYY-MM-DDThh:mm:ss"),
)


@dataclass(frozen=True, slots=True)
class _Column:
    heading: str
    filled: int
    texts: Counter[str]


def draft_map(path: Path, kind: MapKind) -> str:
    """Return the YAML of a draft.

    Raises:
        SourceError: the file cannot be read as a table.
    """
    delimiter, table = _opened(path)
    columns, rows = _columns(table)
    return "\n".join(_lines(path, (kind, delimiter), columns, rows)) + "\n"


def _opened(path: Path) -> tuple[str, Table]:
    wrong: SourceError | None = None
    for name, mark in DELIMITERS.items():
        try:
            return name, open_table(path, SourceFormat(("csv", "xlsx"), delimiter=mark))
        except SourceError as error:
            wrong = wrong or error
    assert wrong is not None  # noqa: S101 - there is a delimiter, and it failed
    raise wrong


def _columns(table: Table) -> tuple[list[_Column], int]:
    counts: list[Counter[str]] = [Counter() for _ in table.header]
    rows = 0
    for cells in table.rows:
        rows += 1
        for count, cell in zip(counts, cells, strict=False):
            if text := cell.strip():
                count[text] += 1
        if rows == _ROWS:
            break
    named = zip(table.header, counts, strict=True)
    return [_Column(heading, count.total(), count) for heading, count in named], rows


def _lines(
    path: Path, how: tuple[MapKind, str], columns: Sequence[_Column], rows: int
) -> Iterator[str]:
    kind, delimiter = how
    slug = re.sub(r"[^a-z0-9]+", "-", path.stem.casefold()).strip("-") or "new-map"
    yield f"# A draft. What begins with {OPEN} is open: a person decides, and takes the word away."
    yield "# A column that goes nowhere belongs under do-not-send, with its reason (why)."
    yield from ('map: "1"', f"id: {slug}", f"title: {OPEN}", f"kind: {kind}", f"zone: {OPEN}")
    yield from ("sources:", "  form:", "    format: [csv, xlsx]", f"    delimiter: {delimiter}")
    yield from ("    headings:", *(f"      - {_quoted(c.heading)}" for c in columns))
    keys = [c.heading for c in columns if rows and len(c.texts) == rows]
    yield f"row-key: {_quoted(' '.join([OPEN, *keys[:1]]))}"
    yield "fields:"
    for column in columns:
        yield from _field(kind, column)
    yield from _still_needed(kind)
    yield from ("examples:", f"  - name: {OPEN} a row of your own making, and what it becomes")
    yield from ("    row: {}", "    expect: {}")


def _field(kind: MapKind, column: _Column) -> Iterator[str]:
    entry = _suggested(kind, column.heading)
    yield f"  - column: {_quoted(column.heading)}"
    if entry is None:
        yield f"    goes-to: {OPEN}"
        return
    yield f"    goes-to: {OPEN} {entry.name}"
    if entry.kind in _DATES:
        yield "    read-as:"
        yield from (
            f"      - {_quoted(f'{OPEN} {form}'.strip())}" for form in _formats(entry, column)
        )
    elif entry.kind is Kind.NAME:
        yield '    read-as: "Last, First"'
    elif entry.codes:
        yield from _values(entry, column)


def _suggested(kind: MapKind, heading: str) -> CanonicalField | None:
    """Return the field shipped maps read under such a heading, but for urgency and consent."""
    known = _headings(kind)
    near = get_close_matches(normal(heading), known, n=1, cutoff=0.85)
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


def _formats(entry: CanonicalField, column: _Column) -> list[str]:
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


def _values(entry: CanonicalField, column: _Column) -> Iterator[str]:
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
        yield f"      {_quoted(text)}: {_quoted(f'{OPEN} {code}'.strip())}"
    if entry.kind in (Kind.CODED_LIST, Kind.CODE_LIST):
        yield f"    split-on: {_quoted(OPEN)}"


@cache
def _codes(entry: CanonicalField) -> dict[str, str]:
    """Return codes by the words shipped maps translate into them."""
    found = {normal(code): code for code in entry.codes}
    for document in list_maps():
        for rule in document.fields:
            if rule.goes_to.text == entry.name:
                found |= {normal(value.text): value.code for value in rule.values or ()}
    return found


def _still_needed(kind: MapKind) -> Iterator[str]:
    """Yield what only a person may say: which columns hold urgency and consent, or none."""
    wanted = [e.name for e in DICTIONARY[kind].values() if e.never_assumed and e.required]
    if wanted:
        yield "# Each of these is a column above (goes-to), or is not on the form:"
        yield "not-on-form:"
        yield from (f"  - {OPEN} {name}" for name in wanted)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
