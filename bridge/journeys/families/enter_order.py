"""A district enters, lists and lifts court orders and safety flags of its students.

What an order does is :mod:`bridge.journeys.families.guardian_blocks`'s; here it is said of a
student by the district's number and in the district's days, and the ledger keeps who said it.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement, agreements_of
from bridge.gate.disclosures import subject_of
from bridge.journeys.families.guardian_blocks import (
    FACT,
    PREFIX,
    Order,
    Recorded,
    is_against,
    lift_locked,
    record_locked,
)
from bridge.journeys.families.signing import who_of
from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.directory import StudentEntry, student_of_key
from bridge.store.facts.conditions import EVIDENCE
from bridge.store.facts.evidence import ALWAYS_TO
from bridge.store.facts.guardians import guardians_of
from bridge.store.facts.releases import releases_of
from bridge.store.intake import take_turn
from consent.calendar import end_of, start_of

GUARDIAN = "guardian"
FAMILY = "family"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose order, and who says so: the district, its number of the student, a person's name."""

    lea: str
    local_id: str
    by: str


@dataclass(frozen=True, slots=True)
class Ordered:
    """What an order says, as the office reads it.

    Attributes:
        guardian: name of the guardian it keeps out, as on the form; empty for a party.
        party: role it keeps out; empty for a guardian.
        first_day, last_day: days of the district, both included; from this instant on and for
            good where there is none.
        source: ``court-order`` or ``safety-flag``.
    """

    guardian: str = field(default="", repr=False)
    party: str = ""
    first_day: date | None = None
    last_day: date | None = None
    source: str = "court-order"


@dataclass(frozen=True, slots=True)
class KeptOrder:
    """One order as known now.

    Attributes:
        kind: ``guardian``, or the role of the party it keeps out.
        since, until: instants in the district's zone, half open; None where no end is set.
        holds: whether it holds now.
    """

    id: str
    kind: str
    since: datetime
    until: datetime | None
    source: str
    holds: bool


def enter_order(parts: Parts, asked: Asked, ordered: Ordered) -> tuple[Recorded, bool]:
    """Enter an order; returns what it changed, and whether whom it keeps out is known.

    A guardian is known who signed a form of the student or stands in the register of guardians. An
    order holds for the name as given alone: one that nobody has may be written wrongly.

    Raises:
        BridgeError: the student, the party or the days are none; the text repeats no value.
    """
    if bool(ordered.guardian.strip()) == bool(ordered.party):
        raise BridgeError("say whom the order keeps out: one guardian by name, or one party")
    with write(parts.engine) as connection:
        take_turn(connection)
        bound, student = _known(connection, asked.lea, asked.local_id)
        roles = {str(role) for each in bound for role in each.template.roles}
        if ordered.party and ordered.party not in roles:
            raise BridgeError(f"a party is one of: {', '.join(sorted(roles))}")
        order = _order(ordered, bound[0].agreement.effective.tz)
        known = not ordered.guardian or _has(connection, parts, student.id, ordered.guardian)
        recorded = record_locked(connection, parts, student.id, order)
        if recorded.new:
            said = (recorded.id, f"{asked.by}: order recorded")
            _note(connection, parts, bound, (student.id, *said))
        return recorded, known


def orders_of(parts: Parts, lea: str, local_id: str) -> list[KeptOrder]:
    """Return the orders entered of a student, also those that ended, the oldest first.

    Raises:
        BridgeError: the district has no such student.
    """
    now, row = parts.clock.now(), EVIDENCE.c
    with read(parts.engine) as connection:
        bound, student = _known(connection, lea, local_id)
        query = select(
            row.source_id, row.recipient, row.valid_from, row.valid_to, row.source
        ).where(
            row.student_id == student.id,
            row.fact == FACT,
            row.source_id.startswith(PREFIX),
            row.superseded_at.is_(None),
        )
        found = connection.execute(query.order_by(row.valid_from, row.id)).all()
    zone = ZoneInfo(bound[0].agreement.effective.tz)
    return [
        KeptOrder(
            id=order_id,
            kind=party if is_against(parts.identifiers, student.id, order_id, party) else GUARDIAN,
            since=since.astimezone(zone),
            until=None if until >= ALWAYS_TO else until.astimezone(zone),
            source=source,
            holds=since <= now < until,
        )
        for order_id, party, since, until, source in found
    ]


def lift(parts: Parts, asked: Asked, order_id: str) -> bool:
    """Lift an order; False where it was over already.

    Whoever sees more by that finds it by time; what ends by its last day does so by itself.

    Raises:
        BridgeError: the district has no such student, or no order of that id was entered of it.
    """
    row = EVIDENCE.c
    with write(parts.engine) as connection:
        take_turn(connection)
        bound, student = _known(connection, asked.lea, asked.local_id)
        entered = select(row.id).where(
            row.student_id == student.id, row.fact == FACT, row.source_id == order_id
        )
        if not order_id.startswith(PREFIX) or not connection.scalar(select(entered.exists())):
            raise BridgeError("there is no such order; see: schoolbridge student order list")
        lifted = lift_locked(connection, parts, student.id, order_id)
        if lifted:
            said = (order_id, f"{asked.by}: order lifted")
            _note(connection, parts, bound, (student.id, *said))
        return lifted


def _known(
    connection: Connection, lea: str, local_id: str
) -> tuple[list[CompiledAgreement], StudentEntry]:
    bound = sorted(agreements_of(connection, "lea", lea), key=lambda each: each.id)
    if not bound:
        raise BridgeError(f"{lea} has no agreement; make one first: schoolbridge party add")
    student = student_of_key(connection, lea, local_id)
    if student is None:
        raise BridgeError(f"{lea} has no student of that number; import the roster first")
    return bound, student


def _order(ordered: Ordered, tz: str) -> Order:
    first, last = ordered.first_day, ordered.last_day
    return Order(
        party=ordered.party or FAMILY,
        guardian=ordered.guardian.strip(),
        valid_from=start_of(first, tz) if first else None,
        valid_to=end_of(last, tz) if last else ALWAYS_TO,
        source=ordered.source,
    )


def _has(connection: Connection, parts: Parts, student_id: str, name: str) -> bool:
    who = who_of(parts.identifiers, student_id, name)
    signed = (kept.form.signer for kept in releases_of(connection, student_id))
    register = {each.who for each in guardians_of(connection, student_id)}
    return who in register | {who_of(parts.identifiers, student_id, s) for s in signed if s}


def _note(
    connection: Connection,
    parts: Parts,
    bound: list[CompiledAgreement],
    said: tuple[str, str, str],
) -> None:
    """Enter in the ledger of each agreement that an order was recorded or lifted, and by whom."""
    student_id, order_id, what = said
    subject = subject_of(parts.identifiers, student_id)
    entries = [
        Entry(
            log=each.id,
            kind=Kind.EVIDENCE,
            request=what,
            subject=subject,
            evidence=(order_id,),
        )
        for each in bound
    ]
    append(connection, entries, parts.clock)
