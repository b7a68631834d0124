"""The ledger entry of a release: who got which elements of whom, why, and what was not sent."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson

from bridge.gate.authorise import Viewer
from bridge.gate.decisions import ElementDecision, RecordDecision
from bridge.gate.released import ReleasedResource, Seen
from bridge.identifiers import Identifiers
from bridge.ledger.append import Filled
from bridge.ledger.entry import Entry, Kind, Resource, Ruling, Terms
from bridge.ledger.templates import Template
from bridge.store.vault import Stored
from consent.model import Decision, Slice

_Decided = tuple[Slice, frozenset[str], Decision]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One record as it leaves: what is stored, what was decided, what goes out.

    Attributes:
        remembered: whether an earlier decision still stands; ``decided`` then says nothing.
        entry: of an earlier decision that still stands, the template of the ledger's entry; None
            where none is made.
    """

    stored: Stored
    decided: RecordDecision
    released: ReleasedResource
    remembered: bool = False
    entry: Template | None = None


def seen_of(disclosure: Disclosure) -> Seen:
    """Return what a journey may check a change against."""
    stored, released = disclosure.stored, disclosure.released
    return Seen(
        type=stored.type,
        id=stored.id,
        version=released.version,
        agreement_id=stored.agreement_id,
        student_id=stored.student_id,
        referral_id=stored.referral_id,
        content=orjson.loads(released.body),
    )


def entry_of(
    viewer: Viewer, disclosure: Disclosure, identifiers: Identifiers, request: str
) -> Entry | None:
    """Return the entry to append, or None for what speaks of no person or is the asker's own."""
    decided, stored = disclosure.decided, disclosure.stored
    if decided.agreement is None:
        return None
    purposes = sorted({e.slice.purpose for e in decided.permitted})
    agreement = decided.agreement
    return Entry(
        log=agreement.id,
        kind=Kind.RELEASE,
        releasing=stored.custodian,
        receiving=viewer.organization,
        role=viewer.role,
        purpose=" ".join(purposes),
        request=request,
        subject=subject_of(identifiers, stored.student_id),
        resource=Resource(stored.type, disclosure.released.id, disclosure.released.version),
        elements=tuple(e.slice.element for e in decided.permitted),
        terms=Terms(agreement.id, agreement.agreement.version, agreement.table.digest),
        ruling=ruling_of(decided.elements),
        evidence=tuple(sorted({s for e in decided.permitted for s in e.sources})),
    )


def entered_as(
    viewer: Viewer, disclosure: Disclosure, identifiers: Identifiers, request: str
) -> Entry | Filled | None:
    """Do :func:`entry_of`, from the template of the decision where that still stands."""
    if disclosure.entry is not None:
        return Filled(disclosure.entry, request)
    return None if disclosure.remembered else entry_of(viewer, disclosure, identifiers, request)


def subject_of(identifiers: Identifiers, student_id: str) -> str:
    """Return the name the ledger knows a student by."""
    return identifiers.issue("ledger-subject", student_id)


def ruling_of(elements: Sequence[ElementDecision]) -> Ruling:
    """Return what the ledger keeps of the decisions on one record."""
    return _ruling(tuple((e.slice, e.facts, e.decision) for e in elements))


# Many records are decided alike; a decision follows from its question and the facts.
@lru_cache(maxsize=1024)
def _ruling(elements: tuple[_Decided, ...]) -> Ruling:
    permitted = [decision for _, _, decision in elements if decision.permitted]
    bits = "\n".join(_bits(asked, facts) for asked, facts, _ in elements)
    return Ruling(
        reasons=tuple(sorted({reason for d in permitted for reason in d.reasons})),
        flow=" ".join(sorted({d.flow for d in permitted})),
        clause=" ".join(sorted({d.clause for d in permitted})),
        bases=tuple(sorted({basis for d in permitted for basis in d.bases})),
        obligations=tuple(sorted({str(duty) for d in permitted for duty in d.duties})),
        facts=hashlib.sha256(bits.encode()).hexdigest(),
        bits=bits,
    )


def _bits(asked: Slice, facts: frozenset[str]) -> str:
    """Write the question and the facts that were true, one line an element.

    The decision is a pure function of the two and the table's digest, so this is all a replay
    needs; elements that were withheld are listed too.
    """
    question = (asked.sender, asked.recipient, asked.role, asked.purpose, asked.element)
    return "|".join((*question, " ".join(sorted(facts))))
