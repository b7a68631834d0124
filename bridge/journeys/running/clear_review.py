"""The work queue of people: free text read, other people's mentions cleared, text shown.

Facts ``human_reviewed``, ``third_party_cleared`` and ``guardian_saw_text`` come from a person who
did it, for one referral and one element. A change of the text is a new referral (imports never
overwrite one), so what was cleared is what leaves.
"""

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import seen_anew
from bridge.gate.duties.waiting import CLEARABLE
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.facts.evidence import NewEvidence, lock_students, record_evidence, supersede
from bridge.store.intake import take_turn
from bridge.store.referrals import KnownReferral, referral_of


def clear_review(parts: Parts, request_id: str, element: str, fact: str) -> bool:
    """Record that a person did what a fact says; False if that stands already.

    Raises:
        BridgeError: no such referral, or that fact is not one a person clears.
    """
    if fact not in CLEARABLE:
        raise BridgeError(f"a person clears one of: {', '.join(CLEARABLE)}")
    with write(parts.engine) as connection:
        take_turn(connection)
        known = _referral(connection, request_id)
        lock_students(connection, [known.student_id], share=False)
        now = parts.clock.now()
        row = NewEvidence(
            id=parts.identifiers.issue("review", request_id, element, fact, now.isoformat()),
            fact=fact,
            valid_from=now,
            recorded_at=now,
            source="work-queue",
            source_id=_source(request_id, element, fact),
            agreement_id=known.agreement_id,
            student_id=known.student_id,
            referral_id=request_id,
            element=element,
        )
        with seen_anew(connection, parts, [known.student_id]):
            supersede(connection, row.source_id, known.student_id, now)
            new = record_evidence(connection, [row])
    return new > 0


def withdraw_review(parts: Parts, request_id: str, element: str, fact: str) -> bool:
    """Take a cleared review back; False if there is none."""
    with write(parts.engine) as connection:
        known = _referral(connection, request_id)
        lock_students(connection, [known.student_id], share=False)
        source = _source(request_id, element, fact)
        return supersede(connection, source, known.student_id, parts.clock.now()) > 0


def _source(request_id: str, element: str, fact: str) -> str:
    return f"review/{request_id}/{element}/{fact}"


def _referral(connection: Connection, request_id: str) -> KnownReferral:
    known = referral_of(connection, request_id)
    if known is None:
        raise BridgeError("there is no such referral")
    return known
