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

from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from itertools import product

from consent.cells import Cells
from consent.columns import Decisions, FactColumns, decide_columns
from consent.compiling import compile_slice, is_known
from consent.conditions import Conditions, Sources, bits_of, facts_in
from consent.decide import Vote, guarded, votes
from consent.duties import able
from consent.filters import filter_of
from consent.law import Law
from consent.model import Decision, FactName, Filter, Slice
from consent.mou.agreement import Agreement
from consent.mou.digest import canonical
from consent.mou.template import Template
from consent.mou.terms.flows import Flow

# An attacker who asks for made-up slices must not grow the table without end.
_MOST_SLICES = 50_000


def compile_table(
    template: Template, agreement: Agreement, law: Law, able_to: frozenset[str] | None = None
) -> "DecisionTable":
    """Compile three documents to a table.

    Args:
        template: the template.
        agreement: read against that template.
        law: the pack of the template's jurisdiction.
        able_to: the duties the sender can carry out; those of ``codes/duties.csv`` if not given.

    Raises:
        ValueError: if the three do not belong together.
    """
    if agreement.extends.digest != template.digest:
        raise ValueError("the agreement signs another template")
    if law.jurisdiction != template.jurisdiction:
        raise ValueError("the law pack is of another jurisdiction")
    can = able() if able_to is None else able_to
    return DecisionTable(Sources(template, agreement, law, can))


class DecisionTable:
    """Every answer of one agreement. Immutable but for what it has compiled so far.

    Attributes:
        digest: names documents *and* compiled conditions; equal digests decide alike.
    """

    __slots__ = ("_compiled", "_filters", "_live", "_opened", "_sources", "digest")

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._compiled: dict[Slice, Cells] = {}
        self._filters: dict[Slice, Filter] = {}
        self._opened: dict[tuple[str, str, str, str], tuple[str, ...]] = {}
        self._live = tuple(sorted(_named_by_flows(sources.template)))
        self.digest = self._digest()

    def decide(self, asked: Slice, facts: Collection[str]) -> Decision:
        """Decide one slice under the facts that are true (unknowns already applied).

        Never raises: whatever goes wrong inside is a denial (``decision-failed``), and so is a
        name that is no fact.
        """
        return guarded(self._answer_names, asked, facts)

    def decide_bits(self, asked: Slice, bits: int) -> Decision:
        """Decide one slice under facts already read (:func:`consent.conditions.bits_of`).

        Never raises, as :meth:`decide`.
        """
        return guarded(self._answer, asked, bits)

    def decide_record(self, asked: Slice, record: Mapping[str, object]) -> Decision:
        """Decide one slice under the facts of a record (:meth:`consent.cells.Cells.read`).

        Never raises, as :meth:`decide`.
        """
        return guarded(self._answer_record, asked, record)

    def decide_many(self, asked: Slice, facts: FactColumns) -> Decisions:
        """Decide one slice for many records at once."""
        return decide_columns(self._conditions(asked), facts)

    def cells_of(self, asked: Slice) -> Cells:
        """Return the answers of one slice, for one who asks it again and again."""
        return self._cells(asked)

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

    def duties_towards(
        self, sender: str, recipient: str, role: str, purpose: str
    ) -> frozenset[str]:
        """Return the codes that may ride with any element some set of facts could permit."""
        opened = self.elements(sender, recipient, role, purpose)
        asked = (Slice(sender, recipient, role, purpose, element) for element in opened)
        layers = (layer for each in asked for layer in self._conditions(each).layers)
        return frozenset(code for layer in layers for way in layer.ways for code in way.obligations)

    def elements(self, sender: str, recipient: str, role: str, purpose: str) -> tuple[str, ...]:
        """Return the elements some set of facts could permit, in the catalogue's order."""
        key = (sender, recipient, role, purpose)
        found = self._opened.get(key)
        if found is None:
            every = self._sources.template.elements
            found = tuple(each for each in every if not self.filter(Slice(*key, each)).never)
            if len(self._opened) < _MOST_SLICES:
                self._opened[key] = found
        return found

    def slices(self) -> tuple[Slice, ...]:
        """Return the slices a flow of the template names, sorted; no other can ever permit."""
        return self._live

    def cells(self) -> Iterator[tuple[Slice, frozenset[FactName], Decision]]:
        """Yield every cell of every live slice: all sets of its relevant facts."""
        for asked in self._live:
            for bits, decision in self._cells(asked):
                yield asked, facts_in(bits), decision

    def explain(self, asked: Slice, facts: Collection[str]) -> tuple[Vote, ...]:
        """Return the vote of every layer, in the order of judgement; none for an unknown slice.

        Raises:
            KeyError: for a name that is no fact.
        """
        return tuple(votes(self._conditions(asked), bits_of(facts)))

    def _conditions(self, asked: Slice) -> Conditions:
        return self._cells(asked).conditions

    def _cells(self, asked: Slice) -> Cells:
        found = self._compiled.get(asked)
        if found is None:
            found = Cells(compile_slice(asked, self._sources))
            if found.conditions.known and len(self._compiled) < _MOST_SLICES:
                self._compiled[asked] = found
        return found

    def _answer(self, asked: Slice, bits: int) -> Decision:
        return self._cells(asked).at(bits)

    def _answer_names(self, asked: Slice, facts: Collection[str]) -> Decision:
        # INVARIANT: a misspelt fact must not pass for one that is false; bits_of refuses it.
        return self._answer(asked, bits_of(facts))

    def _answer_record(self, asked: Slice, record: Mapping[str, object]) -> Decision:
        cells = self._cells(asked)
        return cells.at(cells.read(record))

    def _digest(self) -> str:
        compiled = [[asked, self._conditions(asked)] for asked in self._live]
        sources = self._sources
        documents = [sources.template.digest, sources.agreement.digest, sources.law.digest]
        return "sha256:" + sha256(canonical([documents, compiled])).hexdigest()


def _named_by_flows(template: Template) -> set[Slice]:
    named = {asked for flow in template.flows for asked in _slices_of(flow)}
    return {asked for asked in named if is_known(asked, template)}


def _slices_of(flow: Flow) -> Iterator[Slice]:
    parts = (flow.senders, flow.to, flow.recipients, flow.purposes, flow.elements)
    return (Slice(*names) for names in product(*parts))
