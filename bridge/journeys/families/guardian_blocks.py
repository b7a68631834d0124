"""Court orders and safety flags: a guardian or a party who may not receive, or may not decide.

34 CFR 99.4: either parent has full rights unless the school holds a court order, statute or binding
document to the contrary. What an order says is entered by a person who has read it; the register
keeps whom it keeps out as a keyed hash, never the name.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from bridge.gate import agreements_of
from bridge.gate.accounts.recalls import Sought
from bridge.identifiers import Identifiers
from bridge.journeys.families.joint_consent import settle_student
from bridge.journeys.families.recall_releases import draft_recalls
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.facts.conditions import EVIDENCE
from bridge.store.facts.evidence import (
    ALWAYS_TO,
    NewEvidence,
    is_unknown,
    lock_students,
    record_evidence,
    supersede,
)
from bridge.store.facts.releases import releases_of
from bridge.store.intake import take_turn, touch
from bridge.store.referrals import requests_of_students

FACT = "recipient_blocked"


@dataclass(frozen=True, slots=True)
class Order:
    """One order.

    Attributes:
        guardian: name of the guardian it keeps out; empty where it is about a party.
        party: role it keeps out; ``family`` for a guardian.
        valid_from, valid_to: when it holds, half open.
        source: what it rests on (``court-order``, ``safety-flag``).
    """

    party: str = "family"
    guardian: str = ""
    valid_from: datetime | None = None
    valid_to: datetime = ALWAYS_TO
    source: str = "court-order"


def record_order(parts: Parts, student_id: str, order: Order) -> tuple[str, int]:
    """Record an order; returns its id and how many facts of the guardian's own forms it ended.

    From then on the guardian's signature sets no fact, and what earlier ones set has ended. What
    went out under those since the order began to hold is recalled.
    """
    with write(parts.engine) as connection:
        lock_students(connection, [student_id], share=False)
        now = parts.clock.now()
        since = order.valid_from or now
        source_id = _source_id(parts.identifiers, student_id, order)
        row = NewEvidence(
            id=parts.identifiers.issue(source_id, since.isoformat()),
            fact=FACT,
            valid_from=since,
            valid_to=order.valid_to,
            recorded_at=now,
            source=order.source,
            source_id=source_id,
            student_id=student_id,
            recipient=order.party,
        )
        record_evidence(connection, [row])
        return source_id, _end_forms(connection, parts, student_id, since)


def lift_order(parts: Parts, student_id: str, order_id: str) -> bool:
    """End an order; False if none of that id holds. Forms it ended must be signed anew.

    Referrals that it kept from a party get a new change number: whoever polls learns of them.
    """
    with write(parts.engine) as connection:
        take_turn(connection)
        now = parts.clock.now()
        lifted = supersede(connection, order_id, student_id, now) > 0
        if lifted:
            touch(connection, requests_of_students(connection, [student_id]), now)
        return lifted


def is_blocked(
    connection: Connection,
    identifiers: Identifiers,
    who: tuple[str, str | None],
    now: datetime,
) -> bool:
    """Return whether an order keeps a guardian of a student, given by name, from deciding."""
    student_id, name = who
    if not name:
        return False
    row = EVIDENCE.c
    query = select(row.id).where(
        row.student_id == student_id,
        row.fact == FACT,
        row.source_id == _source_id(identifiers, student_id, Order(guardian=name)),
        row.valid_from <= now,
        row.valid_to > now,
        or_(row.superseded_at.is_(None), row.superseded_at > now),
    )
    return bool(connection.scalar(select(query.exists())))


def orders_unknown(connection: Connection, lea: str, now: datetime) -> bool:
    """Return whether nobody can say just now whom orders keep out, for a district."""
    bound = agreements_of(connection, "lea", lea)
    return any(is_unknown(connection, FACT, agreement.id, now) for agreement in bound)


def _source_id(identifiers: Identifiers, student_id: str, order: Order) -> str:
    who = " ".join(order.guardian.casefold().split()) or order.party
    return f"order/{identifiers.issue('guardian', student_id, who)}"


def _end_forms(connection: Connection, parts: Parts, student_id: str, since: datetime) -> int:
    now, ended = parts.clock.now(), 0
    for kept in releases_of(connection, student_id):
        if is_blocked(connection, parts.identifiers, (student_id, kept.form.signer), now):
            ended += supersede(connection, kept.id, student_id, now, since)
            sought = Sought(student_id, kept.id, since=since)
            draft_recalls(connection, parts, sought, "court-order")
    settle_student(connection, parts, student_id)
    return ended
