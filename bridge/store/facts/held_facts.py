"""Facts of one record: what a fact counts as, given the rows that speak of it.

The same is asked in SQL by :mod:`bridge.store.facts.conditions`, and a test compares the two.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.store.facts.conditions import OTHERS, Scope
from consent.conditions import bits_of
from consent.facts import IfUnknown, load_facts
from consent.model import FactName

Place = Mapping[str, Sequence[Any]]
"""Rows by the fact they speak of."""
_NOBODY: Final = frozenset[str]()


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """The identifiers of one record that evidence can be about."""

    record_id: str
    student_id: str
    referral_id: str
    third_party: bool
    minor: bool


@dataclass(frozen=True, slots=True)
class AskedFacts:
    """Some facts in one scope: each with its number, and all of them as one.

    Numbers are those of :func:`consent.conditions.bits_of`.
    """

    scope: Scope
    numbers: Mapping[str, int]
    whole: int
    _unsaid: dict[tuple[bool, bool], int] = field(default_factory=dict)

    @classmethod
    def of(cls, scope: Scope, facts: Iterable[str]) -> "AskedFacts":
        """Number them."""
        numbers = {fact: bits_of((fact,)) for fact in facts}
        return cls(scope, numbers, sum(numbers.values()))

    def unsaid(self, about: RecordFacts) -> int:
        """Return which hold for a record of which nobody said anything."""
        kind = (about.minor, about.third_party)
        found = self._unsaid.get(kind)
        if found is None:
            hold = (bit for fact, bit in self.numbers.items() if self.read(fact, (), about)[0])
            found = self._unsaid[kind] = sum(hold)
        return found

    def read(
        self, fact: str, places: Sequence[Place], about: RecordFacts
    ) -> tuple[bool, frozenset[str]]:
        """Return whether a fact holds for a record, and who says so."""
        return read_fact(fact, places, self.scope, about)


@dataclass(frozen=True, slots=True)
class Held:
    """The facts of one record that hold in one purpose, as far as no row names an element.

    Attributes:
        true: those that hold, as a number.
        sources: by the number of each that holds, who says so.
    """

    true: int
    sources: Mapping[int, frozenset[str]]


def read_fact(
    fact: str, places: Sequence[Place], scope: Scope, about: RecordFacts
) -> tuple[bool, frozenset[str]]:
    """Return whether a fact holds, and who says so."""
    rows = [row for place in places for row in place.get(fact, ()) if _applies(row, scope, about)]
    if not _holds(fact, scope, about, rows):
        return False, _NOBODY
    return True, frozenset(row.source_id for row in rows if row.value and row.source_id)


def _holds(fact: str, scope: Scope, about: RecordFacts, rows: Sequence[Any]) -> bool:
    if fact in scope.constants:
        return scope.constants[fact]
    said = {row.value for row in rows}
    match load_facts()[FactName(fact)].if_unknown:
        case IfUnknown.FALSE:
            # A permit needs it: said by somebody, and doubted by nobody.
            return said == {True}
        case IfUnknown.TRUE_UNDER_18:
            return True in said or (about.minor and said != {False})
        case IfUnknown.TRUE:
            itself = fact == OTHERS and (scope.free_text or about.third_party)
            return itself or not said <= {False}


def _applies(row: Any, scope: Scope, about: RecordFacts) -> bool:  # noqa: ANN401 - a row of either
    """Tell whether a row counts in a scope whose element it may be about."""
    return (
        row.agreement_id in ("", scope.agreement_id)
        and row.referral_id in ("", about.referral_id)
        and row.record_id in ("", about.record_id)
        and row.purpose in ("", scope.purpose)
        and row.recipient in ("", scope.recipient)
    )
