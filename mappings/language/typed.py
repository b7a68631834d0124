"""Typed readers: from the text of a cell to the value of a canonical field, or why not.

One reader per :class:`Kind`. A reader takes text (or the texts of several columns) and returns the
value, ``None`` for an empty cell, or raises :class:`Unreadable`. No reader ever guesses.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from mappings.canonical import Coded
from mappings.language.dictionary import CanonicalField, Kind
from mappings.language.document import FieldRule, Otherwise
from mappings.language.formats import date_format, instant
from mappings.language.outcome import HoldCode, Unreadable
from mappings.language.value_tables import normal

Reader = Callable[[str], Any]
_DECIMAL = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,4})?\Z")
_COUNT = re.compile(r"[0-9]{1,6}\Z")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a reader needs beside its rule: the zone of the map and the words for *empty*."""

    zone: ZoneInfo
    empty: frozenset[str]


def reader_for(entry: CanonicalField, rule: FieldRule, setting: Setting) -> Reader:
    """Return the reader of one column; the result of an empty cell is None."""
    read = _READERS[entry.kind](entry, rule, setting)
    empty = setting.empty

    def cell(text: str) -> Any:  # noqa: ANN401 - a value of the field's kind
        bare = text.strip()
        return None if bare in empty else read(bare)

    return cell


def _text(entry: CanonicalField, rule: FieldRule, setting: Setting) -> Reader:
    del entry, rule, setting
    return lambda text: text


def _name(entry: CanonicalField, rule: FieldRule, setting: Setting) -> Reader:
    del entry, rule, setting

    def read(text: str) -> tuple[str, str]:
        family, _, given = (part.strip() for part in text.partition(","))
        if not family or not given or "," in given:
            raise _unreadable("is not written as Last, First")
        return family, given

    return read


def _when(entry: CanonicalField, rule: FieldRule, setting: Setting) -> Reader:
    formats = tuple(date_format(word.text) for word in rule.read_as)
    wanted = " or ".join(word.text for word in rule.read_as)

    def read(text: str) -> date | datetime:
        for form in formats:
            if (found := form.read(text)) is not None:
                return _placed(found, entry.kind, setting.zone, wanted)
        raise _unreadable(f"is not a day written as {wanted}")

    return read


def _placed(found: date | datetime, kind: Kind, zone: ZoneInfo, wanted: str) -> date | datetime:
    if isinstance(found, datetime):
        return found.date() if kind is Kind.DATE else instant(found, zone)
    if kind is Kind.INSTANT:
        raise _unreadable(f"has no time of day; {wanted} is expected")
    return found


def _decimal(entry: CanonicalField, rule: FieldRule, setting: Setting) -> Reader:
    del rule, setting

    def read(text: str) -> Decimal:
        if not _DECIMAL.match(text) or (entry.most is not None and Decimal(text) > entry.most):
            raise _unreadable(f"is no number{_limit(entry)}")
        return Decimal(text)

    return read


def _limit(entry: CanonicalField) -> str:
    return "" if entry.most is None else f" from 0 to {entry.most}"


def _count(entry: CanonicalField, rule: FieldRule, setting: Setting) -> Reader:
    del entry, rule, setting

    def read(text: str) -> int:
        if not _COUNT.match(text):
            raise _unreadable("is no whole number")
        return int(text)

    return read


def _coded(entry: CanonicalField, rule: FieldRule, setting: Setting) -> Reader:
    del setting
    table, keep = table_of(entry, rule), rule.otherwise is Otherwise.KEEP_TEXT

    def read(text: str) -> Coded:
        code = table.get(normal(text), "" if keep else None)
        if code is None:
            raise _unmapped(entry)
        return Coded(code, text)

    return read


def _code(entry: CanonicalField, rule: FieldRule, setting: Setting) -> Reader:
    del setting
    table = table_of(entry, rule)

    def read(text: str) -> str:
        if (code := table.get(normal(text))) is None:
            raise _unmapped(entry)
        return code

    return read


def _yes_no(entry: CanonicalField, rule: FieldRule, setting: Setting) -> Reader:
    code = _code(entry, rule, setting)
    return lambda text: code(text) == "yes"


def _coded_list(entry: CanonicalField, rule: FieldRule, setting: Setting) -> Reader:
    one, split = _coded(entry, rule, setting), splitter(entry, rule)
    return lambda text: tuple(one(part) for part in split(text))


def _code_list(entry: CanonicalField, rule: FieldRule, setting: Setting) -> Reader:
    one, split = _code(entry, rule, setting), splitter(entry, rule)
    return lambda text: tuple(sorted({one(part) for part in split(text)}))


_READERS = {
    Kind.TEXT: _text,
    Kind.NAME: _name,
    Kind.DATE: _when,
    Kind.MOMENT: _when,
    Kind.INSTANT: _when,
    Kind.DECIMAL: _decimal,
    Kind.COUNT: _count,
    Kind.YES_NO: _yes_no,
    Kind.CODED: _coded,
    Kind.CODED_LIST: _coded_list,
    Kind.CODE: _code,
    Kind.CODE_LIST: _code_list,
}


def table_of(entry: CanonicalField, rule: FieldRule) -> dict[str, str]:
    """Return the value table of a rule; without one, only the codes themselves are understood."""
    if rule.values is None:
        return {normal(code): code for code in entry.codes}
    return {normal(value.text): value.code for value in rule.values}


def splitter(entry: CanonicalField, rule: FieldRule) -> Callable[[str], list[str]]:
    """Return how a cell is divided into options: the longest option that fits comes first.

    An option may itself hold the separator; what is no option ends at the next separator.
    """
    if not rule.split_on:
        return lambda text: [text]
    ends = "|".join(re.escape(mark.strip()) for mark in rule.split_on)
    known = [value.text for value in rule.values or ()] or list(entry.codes)
    options = sorted({" ".join(text.split()) for text in known}, key=len, reverse=True)
    spaced = "|".join(re.escape(option).replace(r"\ ", r"\s+") for option in options)
    pattern = re.compile(
        rf"\s*(?:(?P<option>{spaced})|(?P<other>.+?))\s*(?:{ends}|\Z)", re.IGNORECASE | re.DOTALL
    )

    def split(text: str) -> list[str]:
        found = [
            match["option"] or match["other"] for match in pattern.finditer(" ".join(text.split()))
        ]
        return [part.strip() for part in found if part and part.strip()]

    return split


def _unreadable(text: str) -> Unreadable:
    return Unreadable(HoldCode.UNREADABLE, text, "correct the cell in the source")


def _unmapped(entry: CanonicalField) -> Unreadable:
    return Unreadable(
        HoldCode.UNMAPPED,
        f"holds a text that the value table of {entry.name} does not know",
        "correct the cell, or add the text to the value table of the map",
    )
