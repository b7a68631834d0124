"""From the value of a field back to the texts of its columns: the inverse of a typed reader.

Nothing here is trusted: each way of writing a value is a candidate, and the first that the map's
own reader reads as the same value is taken. Where none is, the columns cannot say it.

A code is written in the words it came from; where a record keeps no words or this map does not know
them, in the one text its table has for the code. Yes, no and codes of forms keep no words: of
several texts that mean the same the first in the table is written.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from mappings.canonical import Coded
from mappings.language.binding import BoundField
from mappings.language.dictionary import Kind
from mappings.language.document import FieldRule
from mappings.language.examples import as_text
from mappings.language.formats import date_format, written
from mappings.language.outcome import Unreadable
from mappings.language.typed import table_of
from mappings.language.value_tables import normal

_WHEN: Final = (Kind.DATE, Kind.MOMENT, Kind.INSTANT)
Texts = tuple[str, ...]
"""One text for each column of a field."""


def texts_of(bound: BoundField, value: object, zone: ZoneInfo) -> Texts | None:
    """Return what the columns of a field hold where it has a value; None if they cannot say it.

    A time of day that no format has is left out: the day is said.
    """
    width = len(bound.indices)
    for candidate in _candidates(bound, value, zone):
        texts = candidate + ("",) * (width - len(candidate))
        if len(texts) == width and says_same(reads_as(bound, texts), value):
            return texts
    if isinstance(value, datetime):
        return texts_of(bound, value.astimezone(zone).date(), zone)
    return None


def says_same(one: object, other: object) -> bool:
    """Whether two values mean the same: codes alone count, words only where there is no code."""
    return one == other or as_text(one) == as_text(other)


def reads_as(bound: BoundField, texts: Texts) -> object:
    """Return what the map reads in some texts; None where it cannot."""
    try:
        return bound.read(texts) if bound.many else bound.read(texts[0])
    except Unreadable:
        return None


def _candidates(bound: BoundField, value: Any, zone: ZoneInfo) -> Iterator[Texts]:  # noqa: ANN401 - a value of any field
    if bound.rule.choose:
        return _choices(bound.rule, str(value))
    if bound.entry.kind in _WHEN:
        return _moments(bound, value, zone)
    return _CANDIDATES[bound.entry.kind](bound, value)


def _plain(bound: BoundField, text: str) -> Iterator[Texts]:
    rule = bound.rule
    if rule.together and rule.joined == "lines":
        yield _lines(tuple(word.text.strip() for word in rule.columns), text)
    yield (text,)


def _name(_: BoundField, value: tuple[str, str]) -> Iterator[Texts]:
    yield (", ".join(value),)


def _number(_: BoundField, value: Decimal | int) -> Iterator[Texts]:
    yield (format(Decimal(value).normalize(), "f"),)


def _yes_no(bound: BoundField, value: bool) -> Iterator[Texts]:
    return _worded(bound, "yes" if value else "no")


def _worded(bound: BoundField, value: Coded | str) -> Iterator[Texts]:
    return ((text,) for text in _words(bound, value))


def _lines(headings: Texts, text: str) -> Texts:
    """Divide ``Heading: text`` lines among their columns; a text may have lines of its own."""
    found = dict.fromkeys(headings, "")
    current = ""
    for line in text.split("\n"):
        later = headings[headings.index(current) + 1 :] if current else headings
        begun = next((name for name in later if line.startswith(f"{name}: ")), "")
        if begun:
            current, found[begun] = begun, line[len(begun) + 2 :]
        elif current:
            found[current] += f"\n{line}"
    return tuple(found.values())


def _moments(bound: BoundField, value: date, zone: ZoneInfo) -> Iterator[Texts]:
    timed = isinstance(value, datetime)
    local = value.astimezone(zone) if isinstance(value, datetime) else None
    moment = local.replace(tzinfo=None) if local else datetime.combine(value, time())
    forms = [date_format(word.text) for word in bound.rule.read_as]
    for form in sorted(forms, key=lambda form: form.has_time is not timed):
        text = written(moment, form)
        yield (text,)
        if bound.many:  # a day in one column and its time in another
            yield tuple(text.split(" ", len(bound.indices) - 1))


def _listed(bound: BoundField, value: tuple[Any, ...]) -> Iterator[Texts]:
    parts = [next(iter(_words(bound, part)), None) for part in value]
    known = [part for part in parts if part is not None]
    if len(known) < len(value):
        return
    marks = bound.rule.split_on or ("",)
    for mark in marks if len(known) > 1 else marks[:1]:
        ending = mark if mark.endswith(" ") or len(known) == 1 else f"{mark} "
        yield (ending.join(known),)
        yield (mark.join(known),)
    yield tuple(known)


def _words(bound: BoundField, value: Coded | str) -> Iterator[str]:
    """Yield the texts a code may be written in, the words it came from first."""
    table, rule = table_of(bound.entry, bound.rule), bound.rule
    code, kept = (value.code, value.text) if isinstance(value, Coded) else (value, "")
    if kept and (table.get(normal(kept), "") == code):
        yield kept
    spelled = [entry.text for entry in rule.values or () if entry.code == code]
    if rule.values is None and code in table.values():
        spelled = [code]
    if len(spelled) == 1 or (spelled and not kept):
        yield spelled[0]


def _choices(rule: FieldRule, code: str) -> Iterator[Texts]:
    for choice in rule.choose:
        if choice.gives.text == code:
            said = {column.text: texts[0] for column, texts in choice.when}
            yield tuple(said.get(column.text, "") for column in rule.columns)


_CANDIDATES: Final[dict[Kind, Callable[[BoundField, Any], Iterator[Texts]]]] = {
    Kind.TEXT: _plain,
    Kind.NAME: _name,
    Kind.DECIMAL: _number,
    Kind.COUNT: _number,
    Kind.YES_NO: _yes_no,
    Kind.CODED: _worded,
    Kind.CODE: _worded,
    Kind.CODED_LIST: _listed,
    Kind.CODE_LIST: _listed,
}
