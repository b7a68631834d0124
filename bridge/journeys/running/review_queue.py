"""The review queue: what waits to be read before it leaves, and what a release left to be done.

A row tells of people, records and elements by reference. Whoever may look at them does so in the
district's own system.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement, Gate, WaitingText, agreements_of
from bridge.identity import Caller, list_clients
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.facts.emergencies import emergencies
from bridge.store.facts.evidence import open_students
from bridge.store.people.owed_duties import OwedDuty, close_items, item, open_items
from bridge.store.referrals import lea_of, references_of

READING, SECOND_PERSON, GUARDIAN = "HUAPRV", "REVIEW72H", "NOTIFYGUARDIAN"
_ORDER = "a court order is on file: see whom it keeps out before telling anybody"
_OWN_CARE = "the care is the minor's own (CGS 19a-14c): ask before telling anybody"


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One thing a person has to do.

    Attributes:
        item: id to close it by; "" for a text that waits (``review clear`` clears it).
        covers: what it is about: ``Type/id element``.
        patient: the student, as references to Patient.
        tell: who must be told, as references to RelatedPerson; empty for another duty.
        note: what forbids telling, or may.
        lacking: facts to clear before a text leaves.
    """

    code: str
    item: str
    agreement: str
    recipient: str
    covers: tuple[str, ...]
    due_at: datetime | None = None
    overdue: bool = False
    patient: tuple[str, ...] = ()
    tell: tuple[str, ...] = ()
    note: str = ""
    referral: str = ""
    lacking: tuple[str, ...] = ()


def review_queue(parts: Parts, gate: Gate, *, overdue: bool = False) -> list[QueueRow]:
    """Return what a person has to do, what is due first; or only what is overdue."""
    now = parts.clock.now()
    with read(parts.engine) as connection:
        blocked = open_students(connection, "recipient_blocked", now)
        own = open_students(connection, "minor_consented_care", now)
        flags = (blocked, own)
        rows = [_owed(connection, each, now, flags) for each in open_items(connection)]
        clients = list_clients(connection)
    if overdue:
        return [row for row in rows if row.overdue]
    callers = [Caller(client.client_id, client.standing) for client in clients]
    texts = {_reading(each): None for each in gate.waiting_texts(callers)}
    return [*rows, *texts]


def _owed(
    connection: Connection,
    each: OwedDuty,
    now: datetime,
    flags: tuple[frozenset[str], frozenset[str]],
) -> QueueRow:
    tells, about = each.code == GUARDIAN, (each.student_id, each.agreement_id)
    blocked, own = (each.student_id in students for students in flags)
    notes = [text for text, holds in ((_ORDER, blocked), (_OWN_CARE, own)) if holds]
    return QueueRow(
        code=each.code,
        item=each.id,
        agreement=each.agreement_id,
        recipient=each.recipient,
        covers=each.covers,
        due_at=each.due_at,
        overdue=each.due_at <= now,
        patient=tuple(references_of(connection, "Patient", about)),
        tell=tuple(references_of(connection, "RelatedPerson", about)) if tells else (),
        note="; ".join(notes) if tells else "",
    )


def _reading(each: WaitingText) -> QueueRow:
    return QueueRow(
        code=READING,
        item="",
        agreement=each.agreement,
        recipient=each.recipient,
        covers=(f"{each.resource} {each.element}",),
        referral=each.referral,
        lacking=each.lacking,
    )


def close_item(parts: Parts, item_id: str, by: str, reason: str) -> None:
    """Close an item: a person did what it asks, and says what came of it.

    Args:
        parts: the bridge's parts.
        item_id: of the item.
        by: who did it, as party and staff role (``lea.administrator``).
        reason: in words; kept with the item and nowhere else.

    Raises:
        BridgeError: no such open item, no reason, a role the agreement does not know, or the role
            that declared the emergency (the review asks for a second person).
    """
    if not reason.strip():
        raise BridgeError("say what came of it: --reason")
    with write(parts.engine) as connection:
        found = item(connection, item_id)
        if found is None or found.closed_at is not None:
            raise BridgeError("there is no such open item; see: schoolbridge review list")
        declared = {kept.declared_by for kept in emergencies(connection, found.sources).values()}
        agreement = _agreement(connection, found)
        check_person(agreement, by, declared if found.code == SECOND_PERSON else set())
        close_items(connection, [item_id], parts.clock.now(), (by, reason))


def check_person(agreement: CompiledAgreement, by: str, declared: Collection[str]) -> None:
    """Refuse a role that the agreement does not know, or that declared what it would review.

    Raises:
        BridgeError: it is one of these.
    """
    if by not in _roles(agreement):
        raise BridgeError("--by is a party and a staff role of the agreement: lea.administrator")
    if by in declared:
        raise BridgeError("the review asks for a second person: not the role that declared it")


def _agreement(connection: Connection, each: OwedDuty) -> CompiledAgreement:
    bound = agreements_of(connection, "lea", lea_of(connection, each.student_id))
    return next(agreement for agreement in bound if agreement.id == each.agreement_id)


def _roles(agreement: CompiledAgreement) -> set[str]:
    roles = agreement.template.roles.items()
    return {f"{party}.{staff}" for party, role in roles for staff in role.staff}
