"""What becomes of a row: a record, or a hold with its reasons; and the count of it all.

INVARIANT: no text here holds a value of a record. A person finds the value by file, row and column.
"""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from mappings.canonical import (
    Referral,
    ReferralAnswer,
    ServiceSession,
    SourceRow,
    Student,
    StudentScreening,
)

Record = Referral | Student | ServiceSession | StudentScreening | ReferralAnswer

# An option text is shown in a report when at least this many rows hold it: then it is an option of
# a form and not one person's words.
SHOWN_FROM = 5
_MAX_OPTION = 80
_MAX_DISTINCT = 2_000


class HoldCode(StrEnum):
    """Why a row waits for a person."""

    EMPTY = "empty"
    UNMAPPED = "unmapped"
    UNREADABLE = "unreadable"
    INCOMPLETE = "incomplete"
    NOT_ON_FORM = "not-on-form"
    JOIN_MISSING = "join-missing"
    JOIN_AMBIGUOUS = "join-ambiguous"
    JOIN_HELD = "join-held"
    RAGGED = "ragged"
    KEY_REPEATED = "key-repeated"
    NOT_YET = "not-yet"
    HOLD_WHEN = "hold-when"


@dataclass(frozen=True, slots=True)
class HoldReason:
    """One reason: a code for machines, the column, what is wrong and what to do."""

    code: HoldCode
    column: str
    text: str
    what_to_do: str

    def __str__(self) -> str:
        place = f'column "{self.column}": ' if self.column else ""
        return f"{place}{self.text}; {self.what_to_do}"


@dataclass(frozen=True, slots=True)
class Mapped:
    """A row that became a record; ``source_row`` is its number in the file.

    ``origin`` tells where it stands: a student of a roster does not know it.
    """

    record: Record
    source_row: int
    origin: SourceRow | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A row that waits for a person."""

    origin: SourceRow
    reasons: tuple[HoldReason, ...]


class Unreadable(Exception):  # noqa: N818 - it is an outcome of a cell, caught within the package
    """A cell that cannot be read as its field asks; becomes a reason of a hold."""

    def __init__(self, code: HoldCode, text: str, what_to_do: str) -> None:
        self.code = code
        self.text = text
        self.what_to_do = what_to_do
        super().__init__(f"{text}; {what_to_do}")


@dataclass(slots=True)
class UnmappedValues:
    """Texts of one column that no table knows, counted; texts are kept only to count them."""

    cells: int = 0
    texts: Counter[str] = field(default_factory=Counter, repr=False)

    def add(self, text: str) -> None:
        """Count one cell."""
        self.cells += 1
        if len(text) <= _MAX_OPTION and (text in self.texts or len(self.texts) < _MAX_DISTINCT):
            self.texts[text] += 1

    def add_all(self, other: "UnmappedValues") -> None:
        """Count the cells that another process counted."""
        self.cells += other.cells
        self.texts.update(other.texts)

    @property
    def options(self) -> dict[str, int]:
        """The texts that at least ``SHOWN_FROM`` rows hold: options of a form, not a person's."""
        return {text: count for text, count in self.texts.items() if count >= SHOWN_FROM}


@dataclass(slots=True)
class RunReport:
    """What happened in a run; complete when the run is.

    Attributes:
        read: rows below the header, blank ones not counted.
        held_by_reason: rows by reason; a row with two reasons counts under both.
        fill: for each column of the main source, how many rows hold something.
        unmapped: for each column, the values no table knows.
        match_rates: for each joined source, matched rows and rows looked up.
    """

    map_id: str
    files: dict[str, str]
    read: int = 0
    mapped: int = 0
    held: int = 0
    duplicates: int = 0
    blank: int = 0
    held_by_reason: Counter[HoldCode] = field(default_factory=Counter)
    fill: dict[str, int] = field(default_factory=dict)
    unmapped: dict[str, UnmappedValues] = field(default_factory=dict)
    match_rates: dict[str, tuple[int, int]] = field(default_factory=dict)
    complete: bool = False

    def add(self, other: "RunReport") -> None:
        """Count in what another process found in its own rows of the same files."""
        self.read += other.read
        self.mapped += other.mapped
        self.held += other.held
        self.duplicates += other.duplicates
        self.blank += other.blank
        self.held_by_reason += other.held_by_reason
        for column, filled in other.fill.items():
            self.fill[column] = self.fill.get(column, 0) + filled
        for column, values in other.unmapped.items():
            self.unmapped.setdefault(column, UnmappedValues()).add_all(values)
        for role, (matched, looked_up) in other.match_rates.items():
            before = self.match_rates.get(role, (0, 0))
            self.match_rates[role] = (before[0] + matched, before[1] + looked_up)
        self.finish()

    def hold(self, held: Held) -> None:
        """Count a held row."""
        self.held += 1
        self.held_by_reason.update({reason.code for reason in held.reasons})

    def finish(self) -> None:
        """Close the count.

        Raises:
            RuntimeError: a row is unaccounted for.
        """
        # INVARIANT: no row vanishes.
        if self.read != self.mapped + self.held + self.duplicates:
            raise RuntimeError(f"map {self.map_id}: rows read and rows accounted for differ")
        self.complete = True
