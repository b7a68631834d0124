"""A map as written: what each part says and where it stands, before anything is proved of it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from documents import Position, Problem
from mappings.language.dictionary import MapKind
from mappings.language.past import UntilPast
from mappings.readers import PLACED, SourceFormat


class Otherwise(StrEnum):
    """What happens to a value that no table or format of the map understands."""

    HOLD = "hold"
    KEEP_TEXT = "leave-empty-and-keep-text"
    STOP = "stop-file"


class Compare(StrEnum):
    """How the cells of a join are compared."""

    TEXT = "text"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Word:
    """A text of the document and where it stands."""

    text: str
    position: Position


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """One source: a role, the format of its file and the headings recorded when it was written.

    Attributes:
        role: the name the map gives it (``form``, ``roster``).
        headings: the recorded header; empty where columns are places.
        empty_words: texts that mean an empty cell, such as ``NULL``.
        optional: whether the map runs without this file (what it would supply is then held).
        reads_with: id of the map that reads it; empty when this map's own fields do.
    """

    role: str
    position: Position
    how: SourceFormat
    headings: tuple[Word, ...] = ()
    empty_words: tuple[str, ...] = ()
    optional: bool = False
    reads_with: str = ""

    @property
    def has_places(self) -> bool:
        """Whether its columns are places in messages or records, not headings of a table."""
        return not PLACED.isdisjoint(self.how.formats)


@dataclass(frozen=True, slots=True)
class ValueEntry:
    """One line of a value table: the source's word and our code."""

    text: str
    code: str
    position: Position


@dataclass(frozen=True, slots=True)
class ChoiceRule:
    """One line of ``choose``: when every column named holds one of its texts, this code."""

    when: tuple[tuple[Word, tuple[str, ...]], ...]
    gives: Word


@dataclass(frozen=True, slots=True)
class HoldRule:
    """Rows a person must see first: every column named holds one of its texts, and why."""

    position: Position
    when: tuple[tuple[Word, tuple[str, ...]], ...]
    why: str


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One entry of ``fields``: columns to one canonical field.

    Attributes:
        columns: accepted headings of one column; with ``together``, several columns whose values
            all go to the field.
        read_as: formats tried in the stated order.
        values: the value table; ``values_from`` names its file, if it has one.
        say: what the person who gets a held row is told when the cell is empty.
        joined: several columns of text become ``lines`` (each with its heading) or ``words``.
        made_from_key: the value is made from the row key, after ``prefix``.
    """

    position: Position
    goes_to: Word
    source: str
    columns: tuple[Word, ...] = ()
    together: bool = False
    read_as: tuple[Word, ...] = ()
    values: tuple[ValueEntry, ...] | None = None
    values_from: str = ""
    split_on: tuple[str, ...] = ()
    otherwise: Otherwise = Otherwise.HOLD
    required: bool = False
    say: str = ""
    made_from_key: bool = False
    prefix: str = ""
    choose: tuple[ChoiceRule, ...] = ()
    joined: str = "lines"


@dataclass(frozen=True, slots=True)
class JoinPair:
    """A column of the main source and the column of the other one that must say the same."""

    column: Word
    matches: Word
    compare: Compare


@dataclass(frozen=True, slots=True)
class JoinRule:
    """How rows of another source are found; under ``floor`` (0 to 1) nothing is loaded."""

    position: Position
    source: Word
    pairs: tuple[JoinPair, ...]
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Unsent:
    """A column that is read and goes nowhere, and why."""

    column: Word
    source: str
    why: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A field that has the same value in every record."""

    name: Word
    value: str


@dataclass(frozen=True, slots=True)
class Example:
    """Rows by source and what must come of them: every field of the record, or why it is held.

    ``exported`` is when the example's file was made, where the map asks for it.
    """

    name: str
    position: Position
    given: dict[str, dict[str, str] | str]
    expect: dict[str, str]
    held: tuple[str, ...] = ()
    exported: str = ""


@dataclass(frozen=True, slots=True)
class MapDocument:
    """A whole map.

    Attributes:
        document: name of the file, for messages.
        folder: where its value tables stand.
        sources: in the order written; the first is the main one.
        hold_when: rows of the main source that are held whatever else they say.
        until_past: what a session is that is said to be over before it can be.
        problems: what was wrong with the form of the document.
    """

    document: str
    folder: Path
    id: str
    title: str
    kind: MapKind
    zone: Word
    sources: tuple[SourceSpec, ...]
    row_key: tuple[Word, ...]
    fields: tuple[FieldRule, ...]
    not_on_form: tuple[Word, ...] = ()
    constants: tuple[Constant, ...] = ()
    joins: tuple[JoinRule, ...] = ()
    unsent: tuple[Unsent, ...] = ()
    examples: tuple[Example, ...] = ()
    hold_when: tuple[HoldRule, ...] = ()
    until_past: UntilPast = UntilPast.HOLD
    problems: tuple[Problem, ...] = ()

    @property
    def main(self) -> SourceSpec:
        """The source whose rows become records."""
        return self.sources[0]

    def source(self, role: str) -> SourceSpec | None:
        """Return the source of that role, or None."""
        return next((source for source in self.sources if source.role == role), None)
