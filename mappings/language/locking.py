"""What a map does, as a table a person can read and approve: the lock of a map.

A check finds what cannot be meant. That ``Crisis`` now says ``routine``, that a separator is gone
or that a day is read the other way round can be meant, and only somebody who knows the form can
say so. So an approved map carries a second telling of what it does, ``<map>.lock.csv`` beside it:
every heading, every text of every value table and what it becomes, sample dates as they are read,
what is held and what is never sent. ``map test`` compares the two and names each difference in
words; a map that no longer does what its lock says is not run.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from mappings.language.dictionary import DICTIONARY, CanonicalField, Kind, MapKind
from mappings.language.document import FieldRule, MapDocument, SourceSpec, Word
from mappings.language.examples import as_text
from mappings.language.formats import date_format, written
from mappings.language.outcome import Unreadable
from mappings.language.typed import Reader, Setting, reader_for
from mappings.readers import SourceFormat, read_document

Line = tuple[str, str, str, str, str]
HEADER: Final[Line] = ("source", "column", "what", "text", "becomes")
_DATES: Final = (Kind.DATE, Kind.MOMENT, Kind.INSTANT)
_LISTS: Final = (Kind.CODED_LIST, Kind.CODE_LIST)
# One winter and one summer moment, whose day and month cannot be taken for each other.
_MOMENTS: Final = (
    datetime(2026, 1, 29, 15, 4, 5),  # noqa: DTZ001 - a source's own time has no zone
    datetime(2026, 7, 8, 9, 10, 11),  # noqa: DTZ001 - a value without a zone is what is meant
)
_HOW: Final = tuple(
    field.name for field in fields(SourceFormat) if field.name not in ("formats", "locations")
)
_UNKNOWN: Final = "(a text the map does not know)"


def lock_lines(document: MapDocument) -> list[Line]:
    """Return what a sound map does, one line a fact, in the order of the map."""
    return [
        *_whole(document),
        *(line for source in document.sources for line in _source(source)),
        *(line for rule in document.fields for line in _field(document, rule)),
        *_orders(document),
        *_joins(document),
        *_holds(document),
        *((u.source, u.column.text, "do-not-send", "", u.why) for u in document.unsent),
    ]


def _whole(document: MapDocument) -> Iterator[Line]:
    yield "", "", "map", "", document.id
    yield "", "", "kind", "", document.kind
    yield "", "", "zone", "", document.zone.text
    if document.kind is MapKind.SESSION:
        yield "", "", "until-past", "", document.until_past
    yield document.main.role, _together(document.row_key), "row key", "", ""
    for word in document.not_on_form:
        yield "", "", "not-on-form", "", word.text
    for constant in document.constants:
        yield "", "", "constant", constant.name.text, constant.value


def _source(source: SourceSpec) -> Iterator[Line]:
    how = source.how
    described = {
        "format": " or ".join(sorted(how.formats)),
        **{name: getattr(how, name) for name in _HOW},
        "read with the map": source.reads_with,
        "optional": "yes" if source.optional else "",
    }
    for what, text in described.items():
        if text:
            yield source.role, "", what, "", text
    for text in source.empty_words:
        yield source.role, "", "means empty", text, ""
    for word in source.headings:
        yield source.role, word.text, "heading", "", ""


def _field(document: MapDocument, rule: FieldRule) -> Iterator[Line]:
    entry = DICTIONARY[document.kind][rule.goes_to.text]
    columns = _columns(rule)
    place = (rule.source, columns)
    yield *place, "goes to", "", entry.name
    named = {
        "otherwise": rule.otherwise.value,
        "required": "yes" if rule.required else "",
        "say": rule.say,
        "joined": rule.joined if rule.together else "",
        "made from the row key, after": rule.prefix,
    }
    for what, text in named.items():
        if text:
            yield *place, f"{entry.name}: {what}", "", text
    for number, choice in enumerate(rule.choose, 1):
        when = " and ".join(f"{w.text} is {' or '.join(texts)}" for w, texts in choice.when)
        yield *place, f"{entry.name}: choice {number}", when, choice.gives.text
    if not rule.choose and not rule.made_from_key:
        yield from _texts(document, rule, entry)


def _texts(document: MapDocument, rule: FieldRule, entry: CanonicalField) -> Iterator[Line]:
    """Yield what sample texts of a column become, by really reading them."""
    source = document.source(rule.source)
    assert source is not None  # noqa: S101 - the map is sound
    zone = ZoneInfo(document.zone.text)
    read = reader_for(entry, rule, Setting(zone, frozenset({"", *source.empty_words})))
    for text in _samples(entry, rule):
        yield rule.source, _columns(rule), f"{entry.name}: text", text, _read(read, text)


def _samples(entry: CanonicalField, rule: FieldRule) -> Iterator[str]:
    if entry.kind in _DATES:
        for word in rule.read_as:
            yield from (written(moment, date_format(word.text)) for moment in _MOMENTS)
    elif entry.kind is Kind.NAME:
        yield "Last, First"
    elif entry.codes:
        texts = [value.text for value in rule.values] if rule.values else list(entry.codes)
        yield from texts
        yield _UNKNOWN
        if entry.kind in _LISTS:
            for mark in rule.split_on or (";",):
                yield mark.join(texts)


def _read(read: Reader, text: str) -> str:
    try:
        return as_text(read(text))
    except Unreadable as held:
        return f"({held.code})"


def _orders(document: MapDocument) -> Iterator[Line]:
    """Yield the order of columns that fill one list: it is the order of the list."""
    by_goal: dict[str, list[str]] = {}
    for rule in document.fields:
        by_goal.setdefault(rule.goes_to.text, []).append(_columns(rule))
    for goal, columns in by_goal.items():
        for number, column in enumerate(columns, 1) if len(columns) > 1 else ():
            yield "", column, f"{goal}: column", str(number), ""


def _holds(document: MapDocument) -> Iterator[Line]:
    for rule in document.hold_when:
        when = " and ".join(f"{w.text} is {' or '.join(texts)}" for w, texts in rule.when)
        yield document.main.role, "", "hold-when", when, rule.why


def _joins(document: MapDocument) -> Iterator[Line]:
    for join in document.joins:
        role = join.source.text
        yield role, "", "match-rate-floor", "", f"{join.floor:.0%}"
        for pair in join.pairs:
            yield (
                role,
                pair.matches.text,
                f"joined, compared as {pair.compare}",
                pair.column.text,
                "",
            )


def _columns(rule: FieldRule) -> str:
    if rule.together or rule.choose:
        return _together(rule.columns)
    return " or ".join(word.text for word in rule.columns)


def _together(words: tuple[Word, ...]) -> str:
    return " + ".join(word.text for word in words)


def lock_name(document: MapDocument) -> str:
    """Return the name of the file the lock of a map stands in."""
    return f"{document.document.removesuffix('.yaml')}.lock.csv"


def lock_text(document: MapDocument) -> str:
    """Return the lock of a sound map as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([HEADER, *lock_lines(document)])
    return out.getvalue()


def read_lock(document: MapDocument) -> list[Line] | None:
    """Return the lines of a map's lock, or None where it has none.

    Raises:
        ValueError: the file is there and is no lock.
    """
    path = document.folder / lock_name(document)
    if not path.is_file():
        return None
    try:
        rows = list(csv.reader(io.StringIO(read_document(path).decode("utf-8")), strict=True))
    except (OSError, csv.Error, UnicodeDecodeError):
        raise ValueError(f"{path.name} cannot be read; write it again with map lock") from None
    if not rows or tuple(rows[0]) != HEADER or any(len(row) != len(HEADER) for row in rows):
        raise ValueError(f"{path.name} is no lock of a map; write it again with map lock")
    return [(r[0], r[1], r[2], r[3], r[4]) for r in rows[1:]]


def lock_differences(document: MapDocument) -> tuple[str, ...]:
    """Return what a sound map does otherwise than its lock says; nothing where it has no lock.

    Raises:
        ValueError: see :func:`read_lock`.
    """
    approved = read_lock(document)
    if approved is None:
        return ()
    before, after = Counter(approved), Counter(lock_lines(document))
    gone, new = before - after, after - before
    told = []
    for line in gone:
        twin = next((other for other in new if other[:4] == line[:4]), None)
        if twin is None:
            told.append(f"{_said(line)} is no longer so")
        else:
            told.append(f'{_said(line)}, approved; now "{twin[4]}"')
            del new[twin]
    return (*told, *(f"{_said(line)} is new" for line in new))


def _said(line: Line) -> str:
    source, column, what, text, becomes = line
    place = f'{source}, "{column}": ' if column else f"{source}: " if source else ""
    said = f'{what} "{text}"' if text else what
    return f'{place}{said} -> "{becomes}"' if becomes else f"{place}{said}"
