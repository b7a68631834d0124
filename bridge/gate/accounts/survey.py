"""For the operator: how many records each partner may see now, and why not the others.

Counts only. It decides like a release would, reads no content and releases nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bridge.clock import Clock
from bridge.gate.agreements import CompiledAgreement
from bridge.gate.authorise import Viewer, of_agreement
from bridge.gate.decisions import ElementDecision, RecordDecision, decide, decide_as
from bridge.store.facts.evidence import EvidenceView, evidence_of
from bridge.store.vault import Query, Stored, find

_SURVEYED = {
    "provider": ("ServiceRequest",),
    "lea": ("Task",),
    "hub": ("ServiceRequest", "Encounter"),
}
_ALL = 1_000_000


@dataclass(frozen=True, slots=True, order=True)
class SurveyRow:
    """How often one element is permitted, or withheld for one reason under one clause."""

    agreement: str
    recipient: str
    role: str
    element: str
    permitted: bool
    reason: str
    clause: str
    count: int


def survey(connection: Connection, clock: Clock, viewers: Sequence[Viewer]) -> list[SurveyRow]:
    """Decide every referral (and session) for every viewer, and count the answers."""
    counts: Counter[tuple[str, str, str, str, bool, str, str]] = Counter()
    for viewer in viewers:
        for agreement in viewer.agreements:
            for kind in _SURVEYED[viewer.party]:
                for answer in _answers(connection, clock, (viewer, agreement), kind):
                    counts[_key(viewer, agreement, answer)] += 1
    return sorted(SurveyRow(*key, count) for key, count in counts.items())


def _answers(
    connection: Connection, clock: Clock, of: tuple[Viewer, CompiledAgreement], kind: str
) -> list[ElementDecision]:
    viewer, agreement = of
    stored, _ = find(connection, Query(kind, limit=_ALL), of_agreement(agreement.id))
    evidence = evidence_of(connection, {s.student_id for s in stored}, clock.now())
    decided = (_decided(viewer, agreement, record, (evidence, clock)) for record in stored)
    return [answer for each in decided if each is not None for answer in each.elements]


def _decided(
    viewer: Viewer,
    agreement: CompiledAgreement,
    record: Stored,
    known: tuple[EvidenceView, Clock],
) -> RecordDecision | None:
    evidence, clock = known
    if viewer.party == "lea":
        asked = (record, ("referral.status",))
        return decide_as("provider", viewer, agreement, asked, (evidence, clock.now()))
    return decide(viewer, record, evidence, clock.now())


def _key(
    viewer: Viewer, agreement: CompiledAgreement, answer: ElementDecision
) -> tuple[str, str, str, str, bool, str, str]:
    decision = answer.decision
    reason = decision.flow if decision.permitted else decision.reasons[0]
    return (
        agreement.id,
        viewer.organization,
        viewer.role,
        answer.slice.element,
        decision.permitted,
        reason,
        decision.clause,
    )
