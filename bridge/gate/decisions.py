"""Deciding, element by element, what of one stored record one viewer may see."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Final

from bridge.errors import GateError
from bridge.gate.agreements import VIEWS, CompiledAgreement
from bridge.gate.authorise import (
    DIRECTORY_TYPES,
    OBSERVED_ELEMENTS,
    OWN_TYPES,
    Viewer,
    anchors,
    partners,
    scope_of,
)
from bridge.store.facts.evidence import EvidenceView
from bridge.store.facts.held_facts import AskedFacts, Held, RecordFacts
from bridge.store.facts.known_facts import Whom
from bridge.store.vault import Stored
from consent.conditions import facts_in
from consent.model import Decision, Slice
from consent.table import DecisionTable


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked about an element in one purpose, of whichever record."""

    slice: Slice
    facts: AskedFacts


@dataclass(frozen=True, slots=True, eq=False)
class _Questions:
    """What is asked about some elements, of whichever record; the same only as the same object.

    Attributes:
        elements: of each the question in every purpose.
        purposes: by purpose, the facts of them all, as they hold for every element.
    """

    elements: tuple[tuple[_Question, ...], ...]
    purposes: Mapping[str, AskedFacts]


@dataclass(frozen=True, slots=True)
class _Instant:
    """What follows from an agreement, a view and an instant: the same for each record of a page.

    Attributes:
        constants: the facts that hold for every record.
        minor_from: the birth date of the youngest adults.
        asked: what was asked so far; whatever the instant, where the constants are the same.
    """

    constants: dict[str, bool]
    minor_from: date
    asked: dict[tuple[object, ...], _Questions] = field(default_factory=dict)

    def asking(
        self, agreement: CompiledAgreement, viewer: Viewer, what: tuple[str, tuple[str, ...]]
    ) -> _Questions:
        """Return what is asked for a viewer about what one sender tells: some elements."""
        key = (*what, viewer.party, viewer.role, viewer.purposes)
        found = self.asked.get(key)
        if found is None:
            found = self.asked[key] = self._made(agreement, viewer, what)
        return found

    def _made(
        self, agreement: CompiledAgreement, viewer: Viewer, what: tuple[str, tuple[str, ...]]
    ) -> _Questions:
        sender, elements = what
        asked, purposes = (sender, viewer.party, viewer.role), viewer.purposes
        every = tuple(
            tuple(self._question(agreement, Slice(*asked, each, element)) for each in purposes)
            for element in elements
        )
        by_purpose = zip(purposes, *every, strict=True) if every else ()
        return _Questions(every, {purpose: _of_every(some) for purpose, *some in by_purpose})

    def _question(self, agreement: CompiledAgreement, asked: Slice) -> _Question:
        scope = scope_of(agreement, asked, self.constants)
        return _Question(asked, AskedFacts.of(scope, agreement.table.relevant_facts(asked)))


def _of_every(questions: Sequence[_Question]) -> AskedFacts:
    """Return the facts of some elements in one purpose, as they hold for every element."""
    facts = {fact for each in questions for fact in each.facts.numbers}
    scope = replace(questions[0].facts.scope, element="", free_text=False)
    return AskedFacts.of(scope, sorted(facts))


@dataclass(frozen=True, slots=True)
class ElementDecision:
    """The decision on one element: the slice asked, the facts that were true, the answer."""

    slice: Slice
    facts: frozenset[str]
    decision: Decision
    sources: tuple[str, ...]


@dataclass(frozen=True)  # without slots: what it permits is asked for again and again
class RecordDecision:
    """Everything decided about one record for one viewer.

    Attributes:
        agreement: the agreement it was decided under; None for a public or own record.
        view: the projection to apply; "" for a public or own record, which leaves whole.
        elements: per element the best answer over the viewer's purposes (a permit if any permits).
    """

    agreement: CompiledAgreement | None
    view: str
    elements: tuple[ElementDecision, ...]

    @cached_property
    def permitted(self) -> tuple[ElementDecision, ...]:
        """The decisions that permit."""
        return tuple(e for e in self.elements if e.decision.permitted)

    @property
    def withheld(self) -> tuple[ElementDecision, ...]:
        """The decisions that deny."""
        return tuple(e for e in self.elements if not e.decision.permitted)


_WHOLE: Final = RecordDecision(None, "", ())
"""Of what is public, or the viewer's own."""


def decide(
    viewer: Viewer, stored: Stored, evidence: EvidenceView, now: datetime
) -> RecordDecision | None:
    """Decide every element a record can carry to a viewer; None where nothing binds the two."""
    if stored.type in DIRECTORY_TYPES:
        return _WHOLE if stored.custodian in partners(viewer) else None
    if is_own(viewer, stored):
        return _WHOLE
    view = VIEWS.get((stored.sender_role, viewer.party))
    agreement = next((a for a in viewer.agreements if a.id == stored.agreement_id), None)
    if view is None or agreement is None:
        return None
    asked = (stored, _elements(viewer, agreement, stored))
    return decide_as(stored.sender_role, viewer, agreement, asked, (evidence, now))


def may_know(viewer: Viewer, stored: Stored, known: tuple[EvidenceView, datetime]) -> bool:
    """Return whether a viewer could find a record: the answer of the search filter, in Python."""
    if stored.type in DIRECTORY_TYPES or is_own(viewer, stored):
        return True
    addressed = viewer.party == "hub" or stored.audience == viewer.organization
    agreement = next((a for a in viewer.agreements if a.id == stored.agreement_id), None)
    if not addressed or agreement is None or (stored.sender_role, viewer.party) not in VIEWS:
        return False
    wanted = anchors(stored.sender_role, viewer.party, stored.type)
    if viewer.party == "hub" or stored.type == "Observation":
        wanted = tuple(element for element in wanted if element == stored.element)
    decided = decide_as(stored.sender_role, viewer, agreement, (stored, wanted), known)
    return bool(decided.permitted)


def decide_as(
    sender: str,
    viewer: Viewer,
    agreement: CompiledAgreement,
    asked: tuple[Stored, tuple[str, ...]],
    known: tuple[EvidenceView, datetime],
) -> RecordDecision:
    """Decide some elements of a record as coming from one party."""
    stored, elements = asked
    evidence, now = known
    view = VIEWS[sender, viewer.party]
    instant = _of_instant(agreement, now, view)
    about = RecordFacts(
        record_id=stored.id,
        student_id=stored.student_id,
        referral_id=stored.referral_id,
        third_party=stored.third_party,
        minor=stored.birth_date is None or stored.birth_date > instant.minor_from,
    )
    questions = instant.asking(agreement, viewer, (sender, elements))
    return RecordDecision(agreement, view, _answered(agreement, evidence, about, questions))


def _answered(
    agreement: CompiledAgreement,
    evidence: EvidenceView,
    about: RecordFacts,
    questions: _Questions,
) -> tuple[ElementDecision, ...]:
    """Answer questions about one record; once for all of a page of which the same is said.

    INVARIANT: an answer follows from the questions (agreement, viewer, instant), what is said of
    the record, and whether its student is a minor and others are in it. Who says it is told of
    each record by itself.
    """
    said = evidence.said_of(about)
    if said is None:
        return tuple(map(_Asking(agreement, evidence, about, questions).best, questions.elements))
    key = (questions, said.pattern, about.minor, about.third_party)
    alike = evidence.answers.get(key)
    if alike is None:
        made = tuple(map(_Asking(agreement, evidence, about, questions).best, questions.elements))
        at = {source: number for number, source in enumerate(said.sources)}
        alike = tuple((each, tuple(at[source] for source in each.sources)) for each in made)
        evidence.answers[key] = alike
        return made
    return tuple(
        _said_by(each, sorted([said.sources[number] for number in by])) if by else each
        for each, by in alike
    )


def _said_by(each: ElementDecision, sources: Sequence[str]) -> ElementDecision:
    return ElementDecision(each.slice, each.facts, each.decision, tuple(sources))


# What follows from an agreement and an instant is the same for each record of a page. Two of them
# are the same only if they are one object: comparing their documents would cost more.
_INSTANTS: OrderedDict[tuple[int, datetime, str], tuple[CompiledAgreement, _Instant]] = (
    OrderedDict()
)
_MOST_INSTANTS = 64
_LATEST: dict[tuple[int, str], tuple[CompiledAgreement, _Instant]] = {}


def _of_instant(agreement: CompiledAgreement, now: datetime, view: str) -> _Instant:
    """Return the facts that hold for every record, and the birth date of the youngest adults."""
    key = (id(agreement), now, view)
    kept = _INSTANTS.get(key)
    if kept is not None and kept[0] is agreement:
        return kept[1]
    constants, place = agreement.constants(now, view), (id(agreement), view)
    before = _LATEST.get(place)
    same = before is not None and before[0] is agreement and before[1].constants == constants
    asked = before[1].asked if before is not None and same else {}
    made = _Instant(constants, agreement.adult_since(now), asked)
    if len(_LATEST) >= _MOST_INSTANTS:
        _LATEST.clear()
    _INSTANTS[key] = _LATEST[place] = (agreement, made)
    while len(_INSTANTS) > _MOST_INSTANTS:
        with suppress(KeyError):  # another thread took it
            _INSTANTS.popitem(last=False)
    return made


def whom_of(viewer: Viewer) -> Whom:
    """Return a viewer as whoever facts are read for.

    INVARIANT: a fact that is left out changes no answer, of any element that a flow of an agreement
    names; what none names is withheld whatever is known.
    """
    asking = (viewer.party, viewer.role, viewer.purposes)
    facts = (_relevant(agreement.table, *asking) for agreement in viewer.agreements)
    return Whom(viewer.party, viewer.purposes, frozenset[str]().union(*facts))


@lru_cache(maxsize=256)
def _relevant(
    table: DecisionTable, party: str, role: str, purposes: tuple[str, ...]
) -> frozenset[str]:
    """Return the facts that can change an answer, even the reason why something is withheld."""
    senders = [sender for sender, recipient in VIEWS if recipient == party]
    elements = {asked.element for asked in table.slices()}
    asked = (Slice(s, party, role, p, e) for s in senders for p in purposes for e in elements)
    return frozenset(str(fact) for each in asked for fact in table.relevant_facts(each))


def is_own(viewer: Viewer, stored: Stored) -> bool:
    """Return whether the viewer's own organisation wrote the record."""
    kinds = OWN_TYPES.get(viewer.party, ())
    return stored.type in kinds and stored.custodian == viewer.organization


def _elements(viewer: Viewer, agreement: CompiledAgreement, stored: Stored) -> tuple[str, ...]:
    if viewer.party == "hub":
        return (stored.element,) if stored.element else ()
    if stored.type == "Observation":
        return (stored.element,) if stored.element in OBSERVED_ELEMENTS else ()
    names: set[str] = set()
    for purpose in viewer.purposes:
        names.update(
            agreement.table.elements(stored.sender_role, viewer.party, viewer.role, purpose)
        )
    return tuple(sorted(names))


@dataclass(frozen=True, slots=True)
class _Asking:
    """One record, one viewer, one instant: what every element is decided on.

    Attributes:
        held: by purpose, what was read of the record so far.
    """

    agreement: CompiledAgreement
    evidence: EvidenceView
    about: RecordFacts
    questions: _Questions
    held: dict[str, Held] = field(default_factory=dict)

    def best(self, asked: Sequence[_Question]) -> ElementDecision:
        """Decide an element for each purpose of the viewer; a permit if any permits."""
        first: ElementDecision | None = None
        for question in asked:
            answer = self._answer(question)
            if answer.decision.permitted:
                return answer
            first = first or answer
        if first is None:
            raise GateError("a caller without a purpose can be told nothing")
        return first

    def _answer(self, asked: _Question) -> ElementDecision:
        purpose = asked.slice.purpose
        held = self.held.get(purpose)
        if held is None:
            held = self.evidence.held(self.questions.purposes[purpose], self.about)
            self.held[purpose] = held
        true, sources = self.evidence.held_for(held, asked.facts, self.about)
        decision = self.agreement.table.decide_bits(asked.slice, true)
        return ElementDecision(asked.slice, facts_in(true), decision, tuple(sorted(sources)))
