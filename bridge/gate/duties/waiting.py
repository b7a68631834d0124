"""Texts that wait for a person: elements that would leave if somebody read, cleared or showed them.

For the operator, by reference: which element of which referral, for whom, and what is lacking.
Found by deciding again, so nothing is written when a partner asks: that would take longer where
something is held than where nothing is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from bridge.clock import Clock
from bridge.gate.agreements import CompiledAgreement
from bridge.gate.authorise import Viewer, of_agreement
from bridge.gate.decisions import ElementDecision, RecordDecision, decide
from bridge.store.facts.evidence import EvidenceView, evidence_of
from bridge.store.search.index import PARAMETERS
from bridge.store.vault import Query, Stored, find
from consent.minimise import minimise
from consent.projections import load_projection

CLEARABLE = ("human_reviewed", "third_party_cleared", "guardian_saw_text")
"""Facts that come from a person who read, cleared or showed a text."""
_ALL = 1_000_000


@dataclass(frozen=True, slots=True, order=True)
class WaitingText:
    """One element of one record that waits; ``lacking`` are facts a person can clear."""

    agreement: str
    recipient: str
    referral: str
    resource: str
    element: str
    lacking: tuple[str, ...]


def waiting_texts(
    connection: Connection, clock: Clock, viewers: Sequence[Viewer]
) -> list[WaitingText]:
    """Return what waits before it can go to any of some viewers, sorted, without repeats."""
    found = {
        each
        for viewer in viewers
        for agreement in viewer.agreements
        for each in _of(connection, clock, viewer, agreement)
    }
    return sorted(found)


def _of(
    connection: Connection, clock: Clock, viewer: Viewer, agreement: CompiledAgreement
) -> Iterator[WaitingText]:
    here = of_agreement(agreement.id)
    now = clock.now()
    for kind in PARAMETERS:
        stored, _ = find(connection, Query(kind, limit=_ALL), here)
        evidence = evidence_of(connection, {each.student_id for each in stored}, now)
        for each in stored:
            yield from _waiting(viewer, each, (evidence, now))


def _waiting(
    viewer: Viewer, stored: Stored, known: tuple[EvidenceView, datetime]
) -> Iterator[WaitingText]:
    whole = decide(viewer, stored, *known)
    if whole is None or whole.agreement is None:
        return
    leaving = {each.slice.element for each in whole.permitted}
    for held in _withheld(viewer, stored, known):
        lacking = _lacking(held, whole.agreement)
        if held.slice.element in leaving or not lacking:
            continue
        if _holds(stored, whole, whole.agreement, held.slice.element):
            yield WaitingText(
                agreement=whole.agreement.id,
                recipient=viewer.organization,
                referral=stored.referral_id,
                resource=f"{stored.type}/{stored.id}",
                element=held.slice.element,
                lacking=lacking,
            )


def _withheld(
    viewer: Viewer, stored: Stored, known: tuple[EvidenceView, datetime]
) -> Iterator[ElementDecision]:
    """Yield what is withheld for each purpose by itself: a decision tells of one purpose."""
    for purpose in viewer.purposes:
        decided = decide(replace(viewer, purposes=(purpose,)), stored, *known)
        yield from decided.withheld if decided else ()


def _lacking(held: ElementDecision, agreement: CompiledAgreement) -> tuple[str, ...]:
    """Return what a person must clear for an element to leave; nothing if that is not enough."""
    table, asked = agreement.table, held.slice
    if not table.decide(asked, held.facts | {*CLEARABLE}).permitted:
        return ()
    relevant = table.relevant_facts(asked)
    return tuple(fact for fact in CLEARABLE if fact in relevant and fact not in held.facts)


def _holds(
    stored: Stored, decided: RecordDecision, agreement: CompiledAgreement, element: str
) -> bool:
    """Whether the record has anything of an element."""
    projection = load_projection(decided.view, agreement.agreement.effective.tz)
    now = {each.slice.element for each in decided.permitted}
    without, resource = minimise(stored.resource(), now, projection), stored.resource()
    return minimise(resource, {*now, element}, projection) != without
