"""Every answer of one slice: one per set of its relevant facts, judged when first asked for."""

from collections.abc import Iterator

from consent.conditions import Conditions
from consent.decide import judge
from consent.model import Decision

# No slice of a real memorandum looks at as many as sixteen facts; more answers are not kept.
_MOST_ANSWERS = 1 << 16


class Cells:
    """The answers of one slice.

    Attributes:
        relevant: the facts that can change an answer, as a number.
    """

    __slots__ = ("_answers", "conditions", "relevant")

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        self.relevant = conditions.relevant
        self._answers: dict[int, Decision] = {}

    def at(self, bits: int) -> Decision:
        """Return the decision under some facts: the same facts give the same (frozen) decision."""
        found = self._answers.get(bits & self.relevant)
        return found if found is not None else self._judged(bits & self.relevant)

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
