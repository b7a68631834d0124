"""Fields of a map bound to the columns of one file: which cells, which reader, whether needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mappings.language.dictionary import DICTIONARY, CanonicalField, Kind
from mappings.language.document import FieldRule, MapDocument, SourceSpec
from mappings.language.outcome import HoldCode, HoldReason, Unreadable
from mappings.language.typed import Reader, Setting, reader_for
from mappings.language.value_tables import normal

Places = dict[str, dict[str, int]]
_DATES = (Kind.DATE, Kind.MOMENT, Kind.INSTANT)
_LISTS = (Kind.CODED_LIST, Kind.CODE_LIST)
_EMPTY_ADVICE = "fill it in the source"
_SAID_ADVICE = "correct it in the source, or leave the row held"


@dataclass(frozen=True, slots=True)
class BoundField:
    """One field of the map, ready to read the rows of one file.

    Attributes:
        indices: positions of its cells in a row of its source.
        many: whether ``read`` takes the texts of all ``indices`` as a tuple, or one text.
        required: whether an empty value holds the row.
        empty: the texts that mean an empty cell.
    """

    entry: CanonicalField
    rule: FieldRule
    indices: tuple[int, ...]
    many: bool
    required: bool
    read: Callable[[Any], Any]
    empty: frozenset[str]

    @property
    def column(self) -> str:
        """The heading a person looks for."""
        return self.rule.columns[0].text if self.rule.columns else ""

    def take(self, cells: Sequence[str]) -> Any:  # noqa: ANN401 - a value of the field's kind
        """Return the value of a row.

        Raises:
            Unreadable: a cell cannot be read.
        """
        if self.many:
            return self.read(tuple(cells[index] for index in self.indices))
        return self.read(cells[self.indices[0]])

    def empty_reason(self) -> HoldReason:
        """Return why an empty value holds the row."""
        if self.entry.never_assumed and self.entry.group:
            text = self.rule.say or "release column empty: write yes, no or pending"
            return HoldReason(HoldCode.EMPTY, self.column, text, "ask who holds the form")
        if self.rule.say:
            return HoldReason(HoldCode.EMPTY, self.column, self.rule.say, _SAID_ADVICE)
        text = f"is empty, and {self.entry.name} is needed"
        return HoldReason(HoldCode.EMPTY, self.column, text, _EMPTY_ADVICE)


def bind_fields(
    document: MapDocument, places: Places, settings: dict[str, Setting]
) -> list[BoundField]:
    """Bind every field whose source has a header (is given)."""
    found = []
    for rule in document.fields:
        source = document.source(rule.source)
        if rule.source in places and source and not rule.made_from_key:
            found.append(
                _bound(document, rule, source, (places[rule.source], settings[rule.source]))
            )
    return found


def _bound(
    document: MapDocument,
    rule: FieldRule,
    source: SourceSpec,
    given: tuple[dict[str, int], Setting],
) -> BoundField:
    places, setting = given
    entry = DICTIONARY[document.kind][rule.goes_to.text]
    by_name = {normal(name): index for name, index in places.items()}
    found = [by_name[normal(word.text)] for word in rule.columns if normal(word.text) in by_name]
    several = rule.together or bool(rule.choose) or (source.has_places and len(found) > 1)
    indices = tuple(found) if several else (found[0],)
    required = rule.required or (entry.required and not is_optional_group(entry.group))
    # Reasons may come from several columns; whether all are empty is looked at together.
    required = required and entry.kind is not Kind.CODED_LIST
    # Both names stand in it, and no student is without.
    required = required or entry.kind is Kind.NAME
    read: Callable[[Any], Any] = reader_for(entry, rule, setting)
    if rule.choose:
        read = _chooser(rule)
    elif several:
        together = _together(entry, rule, read, setting.empty)
        read = together if rule.together else _first_filled(read)
    return BoundField(entry, rule, indices, several, required, read, setting.empty)


BoundHold = tuple[tuple[tuple[int, frozenset[str]], ...], HoldReason]
"""Conditions on cells (position, plain texts), and why a row that meets them all is held."""


def bind_holds(document: MapDocument, places: dict[str, int]) -> tuple[BoundHold, ...]:
    """Bind ``hold-when`` to the columns of the main source's file."""
    by_name = {normal(name): index for name, index in places.items()}
    advice = "see to it by hand"
    return tuple(
        (
            tuple((by_name[normal(w.text)], frozenset(map(normal, t))) for w, t in rule.when),
            HoldReason(HoldCode.HOLD_WHEN, rule.when[0][0].text, rule.why, advice),
        )
        for rule in document.hold_when
    )


def is_optional_group(group: str) -> bool:
    """Whether a part of a record may be left out as a whole: a guardian, a screening."""
    return group.startswith(("guardian", "screening"))


def _first_filled(one: Reader) -> Callable[[tuple[str, ...]], Any]:
    def read(texts: tuple[str, ...]) -> Any:  # noqa: ANN401 - a value of the field's kind
        for text in texts:
            if (value := one(text)) is not None:
                return value
        return None

    return read


def _moment(one: Reader, empty: frozenset[str]) -> Callable[[tuple[str, ...]], Any]:
    """Read a moment from several columns; when one is empty, the rest may be a day, or nothing."""

    def read(texts: tuple[str, ...]) -> Any:  # noqa: ANN401 - a value of the field's kind
        filled = [bare for text in texts if (bare := text.strip()) not in empty]
        try:
            return one(" ".join(filled))
        except Unreadable:
            if len(filled) == len(texts):
                raise
            return None

    return read


def _together(
    entry: CanonicalField, rule: FieldRule, one: Reader, empty: frozenset[str]
) -> Callable[[tuple[str, ...]], Any]:
    if entry.kind in _LISTS:
        return lambda texts: tuple(part for text in texts for part in one(text) or ()) or None
    if entry.kind in _DATES:  # a day in one column and its time in another
        return _moment(one, empty)
    names = [word.text.strip() for word in rule.columns]

    def lines(texts: tuple[str, ...]) -> str | None:
        filled = [(name, one(text)) for name, text in zip(names, texts, strict=True)]
        return "\n".join(f"{name}: {text}" for name, text in filled if text) or None

    def words(texts: tuple[str, ...]) -> str | None:
        return " ".join(text for text in map(one, texts) if text) or None

    return lines if rule.joined == "lines" else words


def _chooser(rule: FieldRule) -> Callable[[tuple[str, ...]], str]:
    order = [word.text for word in rule.columns]
    choices = [
        (
            [
                (order.index(column.text), frozenset(map(normal, texts)))
                for column, texts in choice.when
            ],
            choice.gives.text,
        )
        for choice in rule.choose
    ]

    def read(texts: tuple[str, ...]) -> str:
        plain = [normal(text) for text in texts]
        for conditions, code in choices:
            if all(plain[index] in wanted for index, wanted in conditions):
                return code
        text = rule.say or f"no line of choose fits, so {rule.goes_to.text} is not known"
        raise Unreadable(HoldCode.UNMAPPED, text, "correct the source, or add a line to the map")

    return read
