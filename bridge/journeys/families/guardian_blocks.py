"""Court orders and safety flags: a guardian or a party who may not receive, or may not decide.

34 CFR 99.4: either parent has full rights unless the school holds a court order, statute or binding
document to the contrary. What an order says is entered by a person who has read it; the register
keeps whom it keeps out as a keyed hash, never the name.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, or_, select

from bridge.errors import BridgeError
from bridge.gate import agreements_of, seen_anew
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
from bridge.store.intake import take_turn

FACT = "recipient_blocked"
PREFIX = "order/"


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


@dataclass(frozen=True, slots=True)
class Recorded:
    """What an order that was entered changed.

    Attributes:
        id: by which it is lifted; the same for every order against the same.
        new: False where one that covers it holds already.
        forms: how many of the guardian's own forms it ended.
        facts: how many facts those had set.
        recalls: how many notices were drafted of what went out under them since it holds.
    """

    id: str
    new: bool
    forms: int
    facts: int
    recalls: int


def record_order(parts: Parts, student_id: str, order: Order) -> tuple[str, int]:
    """Record an order; returns its id and how many facts of the guardian's own forms it ended.

    From then on the guardian's signature sets no fact, and what earlier ones set has ended. What
    went out under those since the order began to hold is recalled.

    Raises:
        BridgeError: it is over, or is to keep a guardian out from a later instant on.
    """
    with write(parts.engine) as connection:
        take_turn(connection)
        recorded = record_locked(connection, parts, student_id, order)
        return recorded.id, recorded.facts


def record_locked(connection: Connection, parts: Parts, student_id: str, order: Order) -> Recorded:
    """Do :func:`record_order` in a transaction that has taken its turn.

    The turn comes first because a refusal that ends with the guardian's forms lets records stand at
    new numbers, and every writer locks the counter before a student.

    Raises:
        BridgeError: as there.
    """
    lock_students(connection, [student_id], share=False)
    now = parts.clock.now()
    since = order.valid_from or now
    if order.valid_to <= max(since, now):
        raise BridgeError("the order is over, or ends before it begins; check its days")
    if order.guardian and since > now:
        raise BridgeError("an order against a guardian holds from now or before; enter it that day")
    source_id = _source_id(parts.identifiers, student_id, order)
    new = not _covered(connection, student_id, source_id, (order, since))
    if new:
        row = NewEvidence(
            # Of chance: one that was lifted may be ordered again, from the same day on.
            id=f"{PREFIX}{secrets.token_hex(16)}",
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
    with seen_anew(connection, parts, [student_id]):
        return Recorded(source_id, new, *_end_forms(connection, parts, student_id, since))


def lift_order(parts: Parts, student_id: str, order_id: str) -> bool:
    """End an order; False if none of that id holds. Forms it ended must be signed anew.

    Who sees again what it kept from them finds it by time.
    """
    with write(parts.engine) as connection:
        take_turn(connection)
        return lift_locked(connection, parts, student_id, order_id)


def lift_locked(connection: Connection, parts: Parts, student_id: str, order_id: str) -> bool:
    """Do :func:`lift_order` in a transaction that has taken its turn."""
    now = parts.clock.now()
    with seen_anew(connection, parts, [student_id]):
        return supersede(connection, order_id, student_id, now) > 0


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


def kept_out(
    connection: Connection, identifiers: Identifiers, student_id: str, now: datetime
) -> int:
    """Return how many guardians orders keep out of a student by name, as known now."""
    row = EVIDENCE.c
    query = select(row.source_id).where(
        row.student_id == student_id,
        row.fact == FACT,
        row.source_id.startswith(PREFIX, autoescape=True),
        row.source_id != _source_id(identifiers, student_id, Order()),
        row.recipient == Order().party,
        row.valid_to > now,
        row.superseded_at.is_(None),
    )
    return len(connection.scalars(query.distinct()).all())


def is_against(identifiers: Identifiers, student_id: str, order_id: str, party: str) -> bool:
    """Return whether an order is against a party as a whole, and no guardian by name."""
    return order_id == _source_id(identifiers, student_id, Order(party=party))


def _source_id(identifiers: Identifiers, student_id: str, order: Order) -> str:
    who = " ".join(order.guardian.casefold().split()) or order.party
    return f"{PREFIX}{identifiers.issue('guardian', student_id, who)}"


def _covered(
    connection: Connection, student_id: str, source_id: str, asked: tuple[Order, datetime]
) -> bool:
    """Whether an order that holds already says all that another one would."""
    (order, since), row = asked, EVIDENCE.c
    query = select(row.id).where(
        row.student_id == student_id,
        row.fact == FACT,
        row.source_id == source_id,
        row.source == order.source,
        row.recipient == order.party,
        row.valid_from <= since,
        row.valid_to >= order.valid_to,
        row.superseded_at.is_(None),
    )
    return bool(connection.scalar(select(query.exists())))


def _end_forms(
    connection: Connection, parts: Parts, student_id: str, since: datetime
) -> tuple[int, int, int]:
    """End what forms of guardians kept out set; returns how many forms, facts and notices."""
    now, forms, facts, recalls = parts.clock.now(), 0, 0, 0
    for kept in releases_of(connection, student_id):
        if is_blocked(connection, parts.identifiers, (student_id, kept.form.signer), now):
            ended = supersede(connection, kept.id, student_id, now, since)
            forms, facts = forms + bool(ended), facts + ended
            sought = Sought(student_id, kept.id, since=since)
            recalls += len(draft_recalls(connection, parts, sought, "court-order"))
    settle_student(connection, parts, student_id)
    return forms, facts, recalls
