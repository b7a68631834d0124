"""How a family is reached, what it was asked to sign, and what somebody said on the phone.

Addresses, names and codes cannot be read here: they are sealed under the deployment's secret, and
of a code only a keyed digest is kept.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, Text, delete, insert, select, update
from sqlmodel import Field, SQLModel

from bridge.driver import cursor_of, spelled_for
from bridge.schema import table_of


class ContactRow(SQLModel, table=True):
    """How one person of a student's family is reached.

    ``channel`` is ``mail``, ``sms``, ``letter``, ``phone`` or ``none``: nothing is sent to it.
    ``refused`` is the code with which a mail server refused the address for good.
    """

    __tablename__ = "family_contact"

    id: str = Field(primary_key=True)
    student_id: str = Field(index=True)
    channel: str
    sealed: str = Field(sa_type=Text)
    lang: str
    recorded_at: datetime
    refused: int = 0


class SigningRequestRow(SQLModel, table=True):
    """What one person was asked to sign: a link that works once, and a code told another way.

    The link is made of ``handle`` and a keyed digest of it, ``factor`` is a keyed digest of the
    code; ``attempts`` counts wrong ones. ``sealed`` holds who is asked. ``sent`` counts the mails
    and the days on which none could go out, ``next_at`` is when the next reminder is due; none once
    it was answered or came to its end.
    """

    __tablename__ = "signing_request"

    handle: str = Field(primary_key=True)
    factor: str
    contact_id: str
    student_id: str = Field(index=True)
    agreement_id: str
    text_digest: str
    sealed: str = Field(sa_type=Text)
    made_at: datetime
    expires_at: datetime
    attempts: int = 0
    sent: int = 0
    next_at: datetime | None = None
    lease: str = ""
    leased_until: datetime | None = None
    ended_at: datetime | None = None
    ended: str = ""


class VerbalRow(SQLModel, table=True):
    """What somebody of the family said: permission to go on asking, never to release.

    ``sealed`` holds who said it to whom, how, and who interpreted.
    """

    __tablename__ = "verbal_permission"

    id: str = Field(primary_key=True)
    student_id: str = Field(index=True)
    agreement_id: str
    given_on: date
    sealed: str = Field(sa_type=Text)
    recorded_at: datetime


_CONTACT: Final[Table] = table_of(ContactRow)
_REQUEST: Final[Table] = table_of(SigningRequestRow)
_VERBAL: Final[Table] = table_of(VerbalRow)
TABLES: Final = (_CONTACT, _REQUEST, _VERBAL)


@dataclass(frozen=True, slots=True)
class Contact:
    """One row of :class:`ContactRow`."""

    id: str
    student_id: str
    channel: str
    sealed: str = field(repr=False)
    lang: str
    recorded_at: datetime
    refused: int = 0


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """One row of :class:`SigningRequestRow`."""

    handle: str
    factor: str = field(repr=False)
    contact_id: str
    student_id: str
    agreement_id: str
    text_digest: str
    sealed: str = field(repr=False)
    made_at: datetime
    expires_at: datetime
    attempts: int = 0
    sent: int = 0
    next_at: datetime | None = None
    lease: str = ""
    leased_until: datetime | None = None
    ended_at: datetime | None = None
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Verbal:
    """One row of :class:`VerbalRow`."""

    id: str
    student_id: str
    agreement_id: str
    given_on: date
    sealed: str = field(repr=False)
    recorded_at: datetime


def put_contact(connection: Connection, contact: Contact) -> None:
    """Keep how a person is reached, in place of what was kept."""
    connection.execute(delete(_CONTACT).where(_CONTACT.c.id == contact.id))
    _insert(connection, _CONTACT, contact)


def contact_of(connection: Connection, contact_id: str) -> Contact | None:
    """Return how a person is reached, or None."""
    found = connection.execute(select(_CONTACT).where(_CONTACT.c.id == contact_id)).mappings()
    return next((Contact(**row) for row in found), None)


def contacts_of(connection: Connection, student_id: str) -> list[Contact]:
    """Return how the people of one student are reached."""
    row = _CONTACT.c
    found = connection.execute(
        select(_CONTACT).where(row.student_id == student_id).order_by(row.recorded_at, row.id)
    )
    return [Contact(**each) for each in found.mappings()]


def put_channel(connection: Connection, contact_id: str, channel: str, at: datetime) -> None:
    """Keep by which channel a person is reached from now on."""
    values = {"channel": channel, "recorded_at": at}
    connection.execute(update(_CONTACT).where(_CONTACT.c.id == contact_id).values(**values))


def mark_refused(connection: Connection, contact_id: str, code: int) -> None:
    """Keep that an address was refused for good."""
    connection.execute(update(_CONTACT).where(_CONTACT.c.id == contact_id).values(refused=code))


def keep_request(connection: Connection, request: SigningRequest) -> None:
    """Keep what a person is asked to sign."""
    _insert(connection, _REQUEST, request)


def request_of(connection: Connection, handle: str, *, lock: bool = False) -> SigningRequest | None:
    """Return a request by the handle of its link, or None."""
    query = select(_REQUEST).where(_REQUEST.c.handle == handle)
    found = connection.execute(query.with_for_update() if lock else query).mappings()
    return next((SigningRequest(**row) for row in found), None)


def requests_of_student(connection: Connection, student_id: str) -> list[SigningRequest]:
    """Return what was asked about one student, oldest first."""
    row = _REQUEST.c
    found = connection.execute(
        select(_REQUEST).where(row.student_id == student_id).order_by(row.made_at, row.handle)
    )
    return [SigningRequest(**each) for each in found.mappings()]


def settle_request(connection: Connection, handle: str, values: dict[str, Any]) -> None:
    """Change what is kept of a request."""
    connection.execute(update(_REQUEST).where(_REQUEST.c.handle == handle).values(**values))


def settle_taken(
    connection: Connection, request: SigningRequest, lease: str, values: dict[str, Any]
) -> None:
    """Keep what came of a mail, unless somebody else has taken it over or it was answered since."""
    row = _REQUEST.c
    mine = (row.handle == request.handle, row.lease == lease, row.ended_at.is_(None))
    free = {"lease": "", "leased_until": None}
    connection.execute(update(_REQUEST).where(*mine).values({**values, **free}))


def take_due_request(
    connection: Connection, now: datetime, lease: str, until: datetime
) -> SigningRequest | None:
    """Return a request of which a mail is due, taken by its lease; None if none is."""
    row = _REQUEST.c
    free = row.leased_until.is_(None) | (row.leased_until <= now)
    due = select(_REQUEST).where(row.next_at <= now, row.ended_at.is_(None), free)
    found = connection.execute(
        due.order_by(row.next_at).limit(1).with_for_update(skip_locked=True)
    ).mappings()
    request = next((SigningRequest(**each) for each in found), None)
    if request is not None:
        settle_request(connection, request.handle, {"lease": lease, "leased_until": until})
    return request


def keep_verbal(connection: Connection, verbal: Verbal) -> bool:
    """Keep what somebody said; False if it is there already."""
    there = select(_VERBAL.c.id).where(_VERBAL.c.id == verbal.id)
    if connection.execute(there).one_or_none() is not None:
        return False
    _insert(connection, _VERBAL, verbal)
    return True


def verbal_of(connection: Connection, student_ids: Collection[str]) -> list[Verbal]:
    """Return what was said about some students, oldest first."""
    row, found = _VERBAL.c, []
    ordered = sorted(student_ids)
    for start in range(0, len(ordered), 500):
        some = row.student_id.in_(ordered[start : start + 500])
        query = select(_VERBAL).where(some).order_by(row.given_on, row.id)
        found += [Verbal(**each) for each in connection.execute(query).mappings()]
    return found


def said_on(connection: Connection, student_ids: Collection[str]) -> dict[str, date]:
    """Return the day something was last said about each of some students of whom it was.

    Of no more than a statement may name.
    """
    marks = ", ".join("?" * len(student_ids)) or "NULL"
    sql = f"SELECT student_id, max(given_on) FROM verbal_permission WHERE student_id IN ({marks})"  # noqa: S608 - values are bound
    spelled = spelled_for(connection.dialect.name, f"{sql} GROUP BY student_id")
    with cursor_of(connection) as cursor:
        found = cursor.execute(spelled, tuple(sorted(student_ids))).fetchall()
    return {
        student: date.fromisoformat(day) if isinstance(day, str) else day for student, day in found
    }


def _insert(connection: Connection, table: Table, row: Any) -> None:  # noqa: ANN401 - of ours
    connection.execute(insert(table), {name: getattr(row, name) for name in row.__slots__})
