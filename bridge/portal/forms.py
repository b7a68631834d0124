"""A page of questions, declared: its fields, what they accept, and what is said when it is wrong.

``Questions.read(form)`` gives :class:`Filled`: what was typed, kept as it was, and at most one
problem a field, in the order of the page. ``question.html`` shows the same words in the summary and
beside the field (P3). Spaces around an answer are taken away, never complained of.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from bridge.portal.languages import say
from bridge.portal.posted import Form, Sent
from bridge.portal.visits import TURNS

DATE_PARTS: Final = ("month", "day", "year")

Answers = Mapping[str, str | list[str]]


class Kind(StrEnum):
    """How a question is answered; only what browsers bring themselves."""

    TEXT = "text"
    TEL = "tel"
    EMAIL = "email"
    DAY = "day"
    RADIOS = "radios"
    CHECKBOXES = "checkboxes"
    SELECT = "select"
    TEXTAREA = "textarea"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose. ``label`` is a marked text, or a name that no catalogue holds."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an answer, as a marked text and what stands in it."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Field:
    """One question.

    Attributes:
        missing: what is said where there is no answer; "" where none is needed.
        most: the most characters.
        autocomplete: what a browser may fill in (WCAG 1.3.5).
        check: returns what is wrong with an answer that is there; "" for nothing. Of a day it is
            given ``YYYY-MM-DD``.
    """

    name: str
    label: str
    kind: Kind = Kind.TEXT
    hint: str = ""
    options: tuple[Option, ...] = ()
    missing: str = ""
    most: int = 200
    autocomplete: str = ""
    check: Callable[[str], str] | None = None

    @property
    def anchor(self) -> str:
        """The id a link to the field leads to: its first control."""
        if self.kind in (Kind.RADIOS, Kind.CHECKBOXES):
            return f"{self.name}-1"
        return self.name if self.kind is not Kind.DAY else f"{self.name}-month"

    @property
    def grouped(self) -> bool:
        """Whether it has several controls, and so a legend."""
        return self.kind in (Kind.RADIOS, Kind.CHECKBOXES, Kind.DAY)


@dataclass(frozen=True, slots=True)
class Filled:
    """A page of questions as somebody filled it in.

    Attributes:
        values: JSON values by name, as they were typed; of a day also its parts.
        problems: what is wrong, by name of the field.
        files: what was chosen, by name of the field; not kept anywhere.
    """

    values: Answers = field(repr=False)
    problems: Mapping[str, Problem] = field(default_factory=dict)
    files: Mapping[str, Sent] = field(default_factory=dict, repr=False)

    def text(self, name: str) -> str:
        """Return one answer; "" for none."""
        value = self.values.get(name, "")
        return value if isinstance(value, str) else ""

    def several(self, name: str) -> list[str]:
        """Return the answers of a field that takes several."""
        value = self.values.get(name, [])
        return value if isinstance(value, list) else [value]


@dataclass(frozen=True, slots=True)
class Questions:
    """A page of questions.

    Attributes:
        title: the heading, a marked text. Of one field alone its label is the heading.
        together: returns what is wrong between the answers, by name of the field; asked where each
            of them is right alone.
    """

    title: str
    fields: tuple[Field, ...]
    together: Callable[[Answers], Mapping[str, str]] | None = None

    def read(self, form: Form) -> Filled:
        """Return what a form sent."""
        values: dict[str, str | list[str]] = {}
        problems: dict[str, Problem] = {}
        for each in self.fields:
            values |= _typed(each, form)
            if (problem := _problem(each, values, form)) is not None:
                problems[each.name] = problem
        if not problems and self.together is not None:
            problems = {n: Problem(text) for n, text in self.together(values).items() if text}
        return Filled(values, problems, form.files)


def plain(text: str, *, lines: bool = False) -> str:
    """Return a text as it is kept: composed, trimmed, without signs that cannot be seen."""
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = (c for c in composed if ord(c) not in TURNS)
    seen = "".join(c if c == "\n" or unicodedata.category(c)[0] != "C" else " " for c in kept)
    return seen.strip() if lines else " ".join(seen.split())


def _typed(asked: Field, form: Form) -> dict[str, str | list[str]]:
    if asked.kind is Kind.CHECKBOXES:
        return {asked.name: [plain(each) for each in form.values.get(asked.name, ())]}
    if asked.kind is Kind.FILE:
        return {}
    if asked.kind is not Kind.DAY:
        lines = asked.kind is Kind.TEXTAREA
        return {asked.name: plain(form.one(asked.name), lines=lines)}
    parts = {f"{asked.name}-{p}": plain(form.one(f"{asked.name}-{p}")) for p in DATE_PARTS}
    return {**parts, asked.name: _day(list(parts.values()))}


def _day(parts: list[str]) -> str:
    """Return month, day and year as ``YYYY-MM-DD``; "" if they are no day."""
    if not all(part.isascii() and part.isdecimal() and len(part) <= 4 for part in parts):
        return ""
    month, day, year = map(int, parts)
    try:
        return date(year, month, day).isoformat() if year >= 1900 else ""
    except ValueError:
        return ""


def _problem(asked: Field, values: Answers, form: Form) -> Problem | None:
    if asked.kind is Kind.FILE:
        absent = asked.missing and asked.name not in form.files
        return Problem(asked.missing) if absent else None
    if asked.kind is Kind.DAY and not values[asked.name]:
        typed = any(values[f"{asked.name}-{part}"] for part in DATE_PARTS)
        if typed:
            return Problem(say("Enter a real date. Use numbers for month, day and year."))
    given = values[asked.name]
    if not given:
        return Problem(asked.missing) if asked.missing else None
    return _wrong(asked, [given] if isinstance(given, str) else given)


def _wrong(asked: Field, given: list[str]) -> Problem | None:
    known = {option.value for option in asked.options}
    if asked.options and not known.issuperset(given):
        return Problem(say("Choose one of the answers on this page."))
    if any(len(each) > asked.most for each in given):
        return Problem(say("Use %(most)s characters or fewer."), {"most": asked.most})
    said = next((text for each in given if asked.check and (text := asked.check(each))), "")
    return Problem(said) if said else None
