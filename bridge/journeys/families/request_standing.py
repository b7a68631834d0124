"""Whether what somebody was asked to sign can still be answered by them, and what keeps it from it.

The right passes on the 18th birthday (34 CFR 99.5), and an order keeps a guardian out (99.4).
"""

from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement
from bridge.journeys.families.ask_family import FamilyMember, has_passed, member_of
from bridge.journeys.families.guardian_blocks import FACT, is_blocked
from bridge.journeys.families.sign_release import agreement_by_id
from bridge.parts import Parts
from bridge.store.directory import student_of_id
from bridge.store.facts.evidence import is_unknown
from bridge.store.facts.families import SigningRequest

MOST_ATTEMPTS: Final = 5


class Barred(StrEnum):
    """What keeps who was asked from answering.

    Attributes:
        OVER: its thirty days have passed.
        GONE: the agreement is not in use any more, or it does not open under this secret.
        ADULT: the student is 18 and decides alone.
        KEPT_OUT: an order keeps the person out, for as long as it holds.
        UNSURE: nobody can say just now whom orders keep out.
    """

    OVER = "over"
    GONE = "gone"
    ADULT = "adult"
    KEPT_OUT = "kept-out"
    UNSURE = "unsure"


PASSING: Final = frozenset({Barred.KEPT_OUT, Barred.UNSURE})
"""What may be otherwise by itself before the request's time is over: orders are lifted, and end."""
OPEN: Final = "open"
ANSWERED: Final = "answered"
WRONG_CODES: Final = "wrong-codes"


def who_may_answer(
    connection: Connection, parts: Parts, request: SigningRequest
) -> FamilyMember | Barred:
    """Return who was asked, as long as they may decide; else what keeps them from it."""
    if parts.clock.now() >= request.expires_at:
        return Barred.OVER
    member = member_of(parts, request)
    try:
        agreement = agreement_by_id(connection, request.agreement_id)
    except BridgeError:
        return Barred.GONE
    if member is None or student_of_id(connection, request.student_id) is None:
        return Barred.GONE
    return _kept_out(connection, parts, (request, agreement), member) or member


def _kept_out(
    connection: Connection,
    parts: Parts,
    asked: tuple[SigningRequest, CompiledAgreement],
    member: FamilyMember,
) -> Barred | None:
    """Return what keeps a guardian from deciding; nothing of this keeps the student from it."""
    if member.relationship == "ONESELF":
        return None
    (request, agreement), now = asked, parts.clock.now()
    student = student_of_id(connection, request.student_id)
    if student is None or has_passed(agreement, student, member, now):
        return Barred.ADULT
    if is_blocked(connection, parts.identifiers, (request.student_id, member.name), now):
        return Barred.KEPT_OUT
    return Barred.UNSURE if is_unknown(connection, FACT, agreement.id, now) else None


def standing_of(connection: Connection, parts: Parts, request: SigningRequest) -> str:
    """Return where a request stands, as the office reads it: one of the words above."""
    if request.ended:
        return ANSWERED
    found = who_may_answer(connection, parts, request)
    if isinstance(found, Barred):
        return found.value
    return WRONG_CODES if request.attempts >= MOST_ATTEMPTS else OPEN
