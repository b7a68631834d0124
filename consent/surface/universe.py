"""All sets of a few facts at once: a set of cells is one number, one bit a cell.

Cell ``i`` is the set of those facts whose bit is set in ``i``. With n facts a column has 2**n bits,
so a question about every cell is a handful of operations on long numbers.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from consent.model import Filter


@dataclass(frozen=True, slots=True)
class Universe:
    """The cells over some facts; ``columns`` says for each fact in which cells it is true."""

    facts: tuple[str, ...]
    everything: int
    columns: dict[str, int]

    @property
    def count(self) -> int:
        """How many cells there are."""
        return 1 << len(self.facts)

    def all_true(self, facts: Iterable[str]) -> int:
        """Return the cells in which all of these facts are true."""
        cells = self.everything
        for fact in facts:
            cells &= self.columns[fact]
        return cells

    def any_true(self, facts: Iterable[str]) -> int:
        """Return the cells in which any of these facts is true; one outside is never."""
        cells = 0
        for fact in facts:
            cells |= self.columns.get(fact, 0)
        return cells

    def were_true(self, cells: int, fact: str) -> int:
        """Return the cells that are among some cells once a fact is made true."""
        run = 1 << self.facts.index(fact)
        kept = cells & self.columns[fact]
        return kept | kept >> run

    def were_false(self, cells: int, fact: str) -> int:
        """Return the cells that are among some cells once a fact is made false."""
        run = 1 << self.facts.index(fact)
        kept = cells & ~self.columns[fact]
        return kept | kept << run

    def permitted(self, condition: Filter) -> int:
        """Return the cells in which a filter holds."""
        if condition.never:
            return 0
        cells = self.everything
        for clause in condition.clauses:
            met = 0
            for alternative in clause:
                one = self.everything
                for literal in alternative:
                    column = self.columns[literal.fact]
                    one &= column if literal.wanted else ~column
                met |= one
            cells &= met
        return cells & self.everything

    def of_terms(self, terms: Iterable[Iterable[str]]) -> int:
        """Return the cells of minimal permit sets (``c_ferpa``, ``!dissent``)."""
        cells = 0
        for term in terms:
            one = self.everything
            for literal in term:
                column = self.columns[literal.removeprefix("!")]
                one &= ~column if literal.startswith("!") else column
            cells |= one
        return cells & self.everything

    def smallest(self, cells: int) -> tuple[str, ...]:
        """Return the true facts of the cell with the fewest of them; the cells are not empty."""
        text = bin(cells)[:1:-1]
        places = (place for place, bit in enumerate(text) if bit == "1")
        least = min(places, key=lambda place: (place.bit_count(), place))
        return tuple(fact for index, fact in enumerate(self.facts) if least >> index & 1)


def universe(facts: Collection[str]) -> Universe:
    """Return the cells over some facts."""
    names = tuple(sorted(facts))
    everything = (1 << (1 << len(names))) - 1
    columns = {name: _column(index, everything) for index, name in enumerate(names)}
    return Universe(names, everything, columns)


def _column(index: int, everything: int) -> int:
    """Return the cells whose number has a bit set: runs of 2**index zeros, then as many ones."""
    run = 1 << index
    return everything // ((1 << run) + 1) << run
