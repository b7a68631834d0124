"""Finding the row of another source that belongs to a row of the main one.

The other source is held in memory, keyed by the compared columns. One match joins; none or several
hold the row: a name that two students share is never decided here.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mappings.language.document import Compare, JoinRule
from mappings.language.outcome import Held, HoldCode, HoldReason
from mappings.language.value_tables import normal

MAX_JOINED_ROWS = 300_000
_APART = re.compile(r"[\W_]+")


def name_key(text: str) -> str:
    """Return a name as joins compare it: ``Last, First`` turned round, no accents, no case.

    >>> name_key("Núñez Ruiz, Ana-María") == name_key("ana maria NUÑEZ RUIZ")
    True
    """
    family, comma, given = text.partition(",")
    ordered = f"{given} {family}" if comma else text
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", ordered)
        if not unicodedata.combining(letter)
    )
    return _APART.sub(" ", plain.casefold()).strip()


_COMPARE = {Compare.TEXT: normal, Compare.NAME: name_key}


@dataclass(frozen=True, slots=True)
class JoinedRow:
    """A row of the other source: its number and its cells, its record, or why it is held."""

    row: int
    value: Any


@dataclass(slots=True)
class JoinIndex:
    """The rows of one other source by the compared columns.

    Attributes:
        role: role of the source.
        own: positions of the compared columns in the main source's rows.
        theirs: positions in the other source's rows.
    """

    rule: JoinRule
    own: tuple[int, ...]
    theirs: tuple[int, ...]
    matched: int = 0
    looked_up: int = 0
    _rows: dict[tuple[str, ...], list[JoinedRow]] = field(default_factory=dict, repr=False)

    @property
    def role(self) -> str:
        """Role of the other source."""
        return self.rule.source.text

    def add(self, cells: Sequence[str], row: JoinedRow) -> None:
        """Take in one row of the other source."""
        key = self._key(cells, self.theirs)
        if key is None:
            return
        known = self._rows.setdefault(key, [])
        # The same row twice says nothing new; it is not a choice between two.
        if all(row.value != other.value for other in known):
            known.append(row)

    def find(self, cells: Sequence[str]) -> list[JoinedRow]:
        """Return the rows that match a row of the main source."""
        key = self._key(cells, self.own)
        return [] if key is None else self._rows.get(key, [])

    def join(self, cells: Sequence[str]) -> Any | HoldReason:  # noqa: ANN401 - cells or a record
        """Return what the one matching row holds, or why there is none."""
        found = self.find(cells)
        self.looked_up += 1
        if len(found) == 1 and not isinstance(found[0].value, Held):
            self.matched += 1
            return found[0].value
        return self._reason(found)

    def _key(self, cells: Sequence[str], places: tuple[int, ...]) -> tuple[str, ...] | None:
        if max(places) >= len(cells):
            return None
        key = tuple(
            _COMPARE[pair.compare](cells[place])
            for pair, place in zip(self.rule.pairs, places, strict=True)
        )
        return key if all(key) else None

    def _reason(self, found: list[JoinedRow]) -> HoldReason:
        column = self.rule.pairs[-1].column.text
        if not found:
            text = f"no row of the {self.role} file matches"
            return HoldReason(HoldCode.JOIN_MISSING, column, text, "correct it or add the row")
        rows = " and ".join(str(row.row) for row in found[:5])
        if len(found) > 1:
            text = f"rows {rows} of the {self.role} file match; which one is meant is not known"
            advice = "make the rows differ, or correct it by hand"
            return HoldReason(HoldCode.JOIN_AMBIGUOUS, column, text, advice)
        text = f"row {rows} of the {self.role} file matches but is itself held"
        return HoldReason(HoldCode.JOIN_HELD, column, text, "correct that row first")
