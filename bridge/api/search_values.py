"""Values of search parameters: tokens, references, texts and dates (R4 search.html)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bridge.errors import BadRequestError, Finding
from bridge.gate import Criterion, DateMatch, Match, Missing
from bridge.store.search.index import (
    GOVERNED,
    MISSING,
    SOUGHT_MISSING,
    TARGETS,
    Parameter,
    ParameterKind,
)
from bridge.store.search.index_values import EXACT, MOST_LETTERS, normalised
from bridge.store.search.ranges import Range, instant_of, read_range, ticks

MOST_VALUES: Final = 200
"""So many alternatives one parameter may give."""
_PREFIX: Final = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)", re.DOTALL)
_ID: Final = re.compile(r"[A-Za-z0-9.\-]{1,64}")
_SPLIT: Final = re.compile(r"(?<!\\),")
_SECONDS: Final = re.compile(r".*T\d\d:\d\d:\d\d.*")
_MODIFIERS: Final = {
    ParameterKind.TOKEN: ("missing", "not"),
    ParameterKind.REFERENCE: ("missing",),
    ParameterKind.STRING: ("missing", "exact"),
    ParameterKind.DATE: ("missing",),
}


def modifiers_of(kind: ParameterKind) -> tuple[str, ...]:
    """Return the modifiers that a parameter of a kind understands."""
    return _MODIFIERS[kind]


def refused(name: str, text: str) -> BadRequestError:
    """Return the refusal of a parameter; ``name`` is cut, since it may be anything."""
    shown = name[:40]
    return BadRequestError(Finding("not-supported", f"Search parameter {shown} {text}.", shown))


@dataclass(frozen=True, slots=True)
class ValueReader:
    """Reads the values of a search of one type; ``now`` is what ``ap`` is measured from."""

    kind: str
    base: str
    now: datetime

    def criterion(self, parameter: Parameter, modifier: str, value: str) -> Criterion:
        """Read one parameter with one value (or several, of which any will do).

        Raises:
            BadRequestError: a modifier that is not understood, or a value out of form.
        """
        kind, name = parameter.kind, parameter.name
        if modifier == "missing":
            return self._absent(parameter, value)
        choices = parts_of(name, value)
        if kind is ParameterKind.REFERENCE:
            targets = _targets(parameter, modifier)
            found = (v for each in choices for v in self._reference(name, each, targets))
            return Match(name, tuple((None, each) for each in found))
        if modifier not in ("", *modifiers_of(kind)):
            offered = ", ".join(modifiers_of(kind))
            raise refused(name, f"does not understand that modifier; known: {offered}")
        if kind is ParameterKind.DATE:
            return DateMatch(name, tuple(self._date(name, each) for each in choices))
        if kind is ParameterKind.STRING:
            return _text_match(name, choices, exact=bool(modifier))
        tokens = tuple(_token(name, each) for each in choices)
        return Match(name, tokens, negated=modifier == "not")

    def _absent(self, parameter: Parameter, value: str) -> Criterion:
        name, missing = parameter.name, _truth(parameter.name, value)
        if (self.kind, name) in SOUGHT_MISSING:
            return Match(name + MISSING, ((None, "true"),), negated=not missing)
        return Missing(name, missing, dates=parameter.kind is ParameterKind.DATE)

    def _reference(self, name: str, choice: str, targets: Sequence[str]) -> list[str]:
        """Read a reference in its three forms: id, type and id, address on this server."""
        relative = unescaped(choice).removeprefix(f"{self.base}/")
        if "/" in relative and (name not in GOVERNED or relative.partition("/")[0] in targets):
            return [relative]
        if not _ID.fullmatch(relative):
            raise refused(name, "needs an id, a type and an id, or an address")
        return [f"{target}/{relative}" for target in targets]

    def _date(self, name: str, choice: str) -> tuple[str, Range]:
        comparator, span = compared(name, choice)
        if comparator != "ap":
            return comparator, span
        margin = abs(ticks(self.now) - span.low) // 10
        return "ap", Range(span.low - margin, span.high + margin)

    def updated(self, value: str) -> tuple[tuple[tuple[str, datetime], ...], tuple[Range, ...]]:
        """Read ``_lastUpdated`` as bounds and spans to leave out.

        An instant with seconds is taken as that instant for gt, ge, lt and le: a poller whose
        cursor dropped the fraction of a second is sent a row twice rather than never.
        """
        comparator, span = self._date("_lastUpdated", value)
        low, high = instant_of(span.low), instant_of(span.high)
        point = _SECONDS.fullmatch(value) is not None
        if comparator == "ne":
            return (), (span,)
        after, upto = ("gt", low) if point else ("ge", high), ("le", low) if point else ("lt", high)
        bounds: dict[str, tuple[tuple[str, datetime], ...]] = {
            "gt": (after,),
            "sa": (after,),
            "le": (upto,),
            "lt": (("lt", low),),
            "eb": (("lt", low),),
            "ge": (("ge", low),),
        }
        return bounds.get(comparator, (("ge", low), ("lt", high))), ()


def parts_of(name: str, value: str) -> list[str]:
    """Return the alternatives of a value, still with their escapes.

    Raises:
        BadRequestError: there is none, or too many.
    """
    choices = [choice for choice in _SPLIT.split(value) if choice]
    if not choices:
        raise refused(name, "needs a value")
    if len(choices) > MOST_VALUES:
        raise refused(name, f"takes at most {MOST_VALUES} values")
    return choices


def unescaped(text: str) -> str:
    r"""Undo the escapes of R4 search.html: ``\,``, ``\|``, ``\$`` and ``\\``."""
    return re.sub(r"\\([,|$\\])", r"\1", text)


def compared(name: str, value: str) -> tuple[str, Range]:
    """Read a date with its prefix.

    Raises:
        BadRequestError: it is none.
    """
    found = _PREFIX.fullmatch(value)
    span = read_range(found[2]) if found and _zoned(found[2]) else None
    if found is None or span is None:
        raise refused(name, "needs a date, as ge2026-09-01 or gt2026-09-01T00:00:00Z")
    return found[1] or "eq", span


def _zoned(text: str) -> bool:
    """Return whether a time says its zone, as R4 dateTime asks; a date has none."""
    return "T" not in text or text.endswith("Z") or text[-6:-5] in ("+", "-")


def ids_of(value: str) -> tuple[str, ...]:
    """Read ``_id``.

    Raises:
        BadRequestError: one of them cannot be the id of a resource.
    """
    ids = tuple(dict.fromkeys(value.split(",")))
    if len(ids) > MOST_VALUES or any(not _ID.fullmatch(each) for each in ids):
        raise refused("_id", f"takes up to {MOST_VALUES} resource ids")
    return ids


def _token(name: str, choice: str) -> tuple[str | None, str | None]:
    system, bar, code = _bar(choice)
    if not bar:
        return None, unescaped(code)
    if not system and not code:
        raise refused(name, "needs a code, a system or both")
    return unescaped(system), unescaped(code) or None


def _bar(choice: str) -> tuple[str, str, str]:
    """Split at the last bar that is not escaped."""
    found = [m.start() for m in re.finditer(r"(?<!\\)\|", choice)]
    if not found:
        return "", "", choice
    return choice[: found[-1]], "|", choice[found[-1] + 1 :]


def _text_match(name: str, choices: Sequence[str], *, exact: bool) -> Match:
    if exact:
        return Match(name + EXACT, tuple((None, unescaped(c)[:MOST_LETTERS]) for c in choices))
    return Match(name, tuple((None, _text(name, each)) for each in choices), begins=True)


def _text(name: str, choice: str) -> str:
    text = normalised(unescaped(choice))
    if not text:
        raise refused(name, "needs a text")
    return text


def _targets(parameter: Parameter, modifier: str) -> Sequence[str]:
    targets = TARGETS[parameter.name]
    if not modifier:
        return targets
    if modifier not in targets:
        raise refused(parameter.name, f"is a reference to: {', '.join(targets)}")
    return (modifier,)


def _truth(name: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise refused(f"{name}:missing", "is true or false")
    return value == "true"
