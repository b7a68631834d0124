"""Every answer of one slice: one per set of its relevant facts, judged when first asked for."""

from collections.abc import Iterator, Mapping

from consent.conditions import Conditions, bits_of, facts_in
from consent.decide import judge
from consent.facts import facts_with_unknowns
from consent.model import Decision

# No slice of a real memorandum looks at as many as sixteen facts; more answers are not kept.
_MOST_ANSWERS = 1 << 16


class Cells:
    """The answers of one slice.

    Attributes:
        relevant: the facts that can change an answer, as a number.
    """

    __slots__ = ("_answers", "_reads", "conditions", "relevant")

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        self.relevant = conditions.relevant
        self._answers: dict[int, Decision] = {}
        assumed = facts_with_unknowns((), (), under_18=None)
        self._reads = tuple(
            (name, bits_of((name,)), name in assumed) for name in sorted(facts_in(self.relevant))
        )

    def at(self, bits: int) -> Decision:
        """Return the decision under some facts: the same facts give the same (frozen) decision."""
        found = self._answers.get(bits & self.relevant)
        return found if found is not None else self._judged(bits & self.relevant)

    def read(self, record: Mapping[str, object]) -> int:
        """Return the relevant facts of a record that holds them by name.

        Only ``True`` and ``False`` are answers. Anything else, and a name that is not there, is
        unknown and counts as the fact table says, the student taken to be under 18.
        """
        bits = 0
        for name, bit, assumed in self._reads:
            found = record.get(name)
            if found is True or (assumed and found is not False):
                bits |= bit
        return bits

    def __iter__(self) -> Iterator[tuple[int, Decision]]:
        """Yield every cell: all sets of the relevant facts, most first; keeps none of them."""
        for bits in subsets(self.relevant):
            yield bits, judge(self.conditions, bits)

    def _judged(self, bits: int) -> Decision:
        decision = judge(self.conditions, bits)
        if len(self._answers) < _MOST_ANSWERS:
            self._answers[bits] = decision
        return decision


def subsets(mask: int) -> Iterator[int]:
    """Yield every number whose bits are among the mask's."""
    subset = mask
    while True:
        yield subset
        if not subset:
            return
        subset = (subset - 1) & mask
