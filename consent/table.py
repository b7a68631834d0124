"""The decision: law, template, agreement and the person's own facts, compiled to a table.

Order of judgement; the first that denies gives *the* reason, all that object are listed:

1. ``unknown-slice``: sender and recipient the same party, or a name no document defines;
2. ``prohibition:ID``: the template's, then the agreement's;
3. ``law:NAME``: one basis met in every law that governs the element, in the law pack's order;
4. ``template:no-flow``;
5. ``agreement:no-flow``;
6. permit, with the union of obligations.

INVARIANT: deny is the default. What the template denies no agreement can permit: the template's
layer must always agree too.
"""

from collections.abc import Collection, Iterator
from dataclasses import asdict
from hashlib import sha256
from itertools import product

from consent.conditions import Conditions, Sources, bits_of, compile_slice, facts_in, is_known
from consent.decide import Vote, decide, judge, votes
from consent.filters import filter_of
from consent.law import Law
from consent.model import Decision, FactName, Filter, Slice
from consent.mou.agreement import Agreement
from consent.mou.digest import canonical
from consent.mou.template import Template
from consent.mou.terms.flows import Flow

# An attacker who asks for made-up slices must not grow the table without end.
_MOST_SLICES = 50_000
_MOST_ANSWERS = 100_000


def compile_table(template: Template, agreement: Agreement, law: Law) -> "DecisionTable":
    """Compile three documents to a table.

    Args:
        template: the template.
        agreement: read against that template.
        law: the pack of the template's jurisdiction.

    Raises:
        ValueError: if the three do not belong together.
    """
    if agreement.extends.digest != template.digest:
        raise ValueError("the agreement signs another template")
    if law.jurisdiction != template.jurisdiction:
        raise ValueError("the law pack is of another jurisdiction")
    return DecisionTable(Sources(template, agreement, law))


class DecisionTable:
    """Every answer of one agreement. Immutable but for what it has compiled so far.

    Attributes:
        digest: names documents *and* compiled conditions; equal digests decide alike.
    """

    __slots__ = ("_answers", "_compiled", "_filters", "_live", "_sources", "digest")

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._compiled: dict[Slice, Conditions] = {}
        self._filters: dict[Slice, Filter] = {}
        self._answers: dict[tuple[Slice, int], Decision] = {}
        self._live = tuple(sorted(_named_by_flows(sources.template)))
        self.digest = self._digest()

    def decide(self, asked: Slice, facts: Collection[str]) -> Decision:
        """Decide one slice under the facts that are true (unknowns already applied).

        Never raises: whatever goes wrong inside is a denial (``decision-failed``), and so is a
        name that is no fact.
        """
        return decide(self._answer, asked, facts)

    def filter(self, asked: Slice) -> Filter:
        """Return the condition of a slice as data; it holds exactly where decide permits."""
        found = self._filters.get(asked)
        if found is None:
            found = filter_of(self._conditions(asked))
            if len(self._filters) < _MOST_SLICES:
                self._filters[asked] = found
        return found

    def relevant_facts(self, asked: Slice) -> frozenset[FactName]:
        """Return the facts that can change the answer for a slice."""
        return facts_in(self._conditions(asked).relevant)

    def elements(self, sender: str, recipient: str, role: str, purpose: str) -> tuple[str, ...]:
        """Return the elements some set of facts could permit, in the catalogue's order."""
        return tuple(
            element
            for element in self._sources.template.elements
            if not self.filter(Slice(sender, recipient, role, purpose, element)).never
        )

    def slices(self) -> tuple[Slice, ...]:
        """Return the slices a flow of the template names, sorted; no other can ever permit."""
        return self._live

    def cells(self) -> Iterator[tuple[Slice, frozenset[FactName], Decision]]:
        """Yield every cell of every live slice: all sets of its relevant facts."""
        for asked in self._live:
            conditions = self._conditions(asked)
            for bits in _subsets(conditions.relevant):
                yield asked, facts_in(bits), judge(conditions, bits)

    def explain(self, asked: Slice, facts: Collection[str]) -> tuple[Vote, ...]:
        """Return the vote of every layer, in the order of judgement; none for an unknown slice.

        Raises:
            KeyError: for a name that is no fact.
        """
        return tuple(votes(self._conditions(asked), bits_of(facts)))

    def _conditions(self, asked: Slice) -> Conditions:
        found = self._compiled.get(asked)
        if found is None:
            found = compile_slice(asked, self._sources)
            if found.known and len(self._compiled) < _MOST_SLICES:
                self._compiled[asked] = found
        return found

    def _answer(self, asked: Slice, bits: int) -> Decision:
        """Judge a cell once: the same relevant facts always give the same (frozen) decision."""
        conditions = self._conditions(asked)
        cell = (asked, bits & conditions.relevant)
        found = self._answers.get(cell)
        if found is None:
            found = judge(conditions, cell[1])
            if conditions.known and len(self._answers) < _MOST_ANSWERS:
                self._answers[cell] = found
        return found

    def _digest(self) -> str:
        compiled = [[asdict(asked), asdict(self._conditions(asked))] for asked in self._live]
        sources = self._sources
        documents = [sources.template.digest, sources.agreement.digest, sources.law.digest]
        return "sha256:" + sha256(canonical([documents, compiled])).hexdigest()


def _named_by_flows(template: Template) -> set[Slice]:
    named = {asked for flow in template.flows for asked in _slices_of(flow)}
    return {asked for asked in named if is_known(asked, template)}


def _slices_of(flow: Flow) -> Iterator[Slice]:
    parts = (flow.senders, flow.to, flow.recipients, flow.purposes, flow.elements)
    return (Slice(*names) for names in product(*parts))


def _subsets(mask: int) -> Iterator[int]:
    """Yield every number whose bits are among the mask's."""
    subset = mask
    while True:
        yield subset
        if not subset:
            return
        subset = (subset - 1) & mask
