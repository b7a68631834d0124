"""What is known of students for a file of coded rows, and which facts can matter to one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bridge.gate.agreements import VIEWS
from bridge.gate.authorise import CODED_ELEMENTS, Viewer
from bridge.store.facts.known_facts import KnownFact, Sought
from bridge.store.vault import FoundRow
from consent.model import Slice


@dataclass(frozen=True, slots=True)
class StudentFacts:
    """What is known of one student.

    Attributes:
        version: of the student, when it was read.
        until: from when on it is not known any more, as the driver spells it; None for no end.
        facts: what is said.
        said: of it, what a decision can rest on, if all of it is about whatever there is of the
            student; else None.
        subject: the name the ledger knows the student by.
    """

    version: int
    until: Any
    facts: Sequence[KnownFact]
    said: frozenset[object] | None
    named: bool
    subject: str

    def lasts(self, at: Any) -> bool:  # noqa: ANN401 - as the driver spells it
        """Tell whether it is still known at an instant, of the version it is known of."""
        return self.until is None or bool(at < self.until)

    def about(self, row: FoundRow) -> "StudentFacts":
        """Return what is known of one record of the student."""
        own = [fact for fact in self.facts if fact.is_about(row.referral_id or "", row.id)]
        return replace(self, facts=own, said=said_of(own), named=named_in(own))


def said_of(facts: Sequence[KnownFact]) -> frozenset[object]:
    """Return of some facts what a decision can rest on."""
    return frozenset(fact.said for fact in facts)


def named_in(facts: Sequence[KnownFact]) -> bool:
    """Tell whether some facts name who says so."""
    return any(fact.source_id for fact in facts)


def sought_by(viewer: Viewer, kind: str) -> Sought:
    """Return the facts that can change whether a viewer is told a row of a type."""
    elements, party = CODED_ELEMENTS[kind], viewer.party
    facts = frozenset(
        str(fact)
        for agreement in viewer.agreements
        for sender, recipient in VIEWS
        if recipient == party
        for element in elements
        for purpose in viewer.purposes
        for fact in agreement.table.relevant_facts(
            Slice(sender, party, viewer.role, purpose, element)
        )
    )
    return Sought(facts, tuple(a.id for a in viewer.agreements), elements, viewer.purposes, party)
