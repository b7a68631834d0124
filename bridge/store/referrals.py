"""Finding a referral by the identifiers a provider's system carries, reading no content."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    Integer,
    and_,
    literal_column,
    select,
)
from sqlmodel import SQLModel

from bridge.store.facts.conditions import RECORD, STUDENT

_SEARCH = SQLModel.metadata.tables["search_value"]
_ITS = ("change", "type", "id")
"""What is the same in a record and in each of the values it is found by."""
_YES: Final = literal_column("1", Integer)
"""As the index spells it: for a value that is bound SQLite would make its plan anew each time."""
# FHIR R4 TaskStatus: nothing more is done about it.
CLOSED = ("rejected", "cancelled", "failed", "completed", "entered-in-error")


# The district is the student's: one that was passed on is kept by who did so.
_KNOWN = (
    select(RECORD.c.id, RECORD.c.student_id, RECORD.c.agreement_id, STUDENT.c.lea)
    .join(STUDENT, STUDENT.c.id == RECORD.c.student_id)
    .where(RECORD.c.type == "ServiceRequest")
)


@dataclass(frozen=True, slots=True)
class KnownReferral:
    """Whose referral it is and under which agreement."""

    request_id: str
    student_id: str
    agreement_id: str
    lea: str


def referrals_of(
    connection: Connection, provider: str, patient_id: str | None, number: str | None
) -> tuple[KnownReferral, ...]:
    """Return the referrals to a provider that fit all the identifiers given.

    Args:
        connection: the database.
        provider: key of the provider's organisation.
        patient_id: the student's identifier as the bridge issued it to this provider.
        number: the school's referral number.
    """
    if patient_id is None and number is None:
        return ()
    query = _KNOWN.where(RECORD.c.audience == provider)
    if number is not None:
        query = query.where(RECORD.c.id.in_(_numbered(connection, number)))
    if patient_id is not None:
        # By the student: of a Patient no value of its own stands in the index (docs/adr/0061).
        student = select(RECORD.c.student_id).where(
            RECORD.c.type == "Patient", RECORD.c.id == patient_id
        )
        query = query.where(
            RECORD.c.student_id == (connection.scalar(student) or ""), _is_about(patient_id)
        )
    return tuple(
        KnownReferral(row.id, row.student_id, row.agreement_id, row.lea)
        for row in connection.execute(query.order_by(RECORD.c.change))
    )


def _numbered(connection: Connection, number: str) -> list[str]:
    """Return the ids of the referrals of a number: a few, in the order of their change.

    Asked for first, and with a column of the row: in one statement, or where the key's own index
    holds all it needs, SQLite without statistics goes through every referral there is.
    """
    said = select(_SEARCH.c.id, _SEARCH.c.change).where(
        *(_SEARCH.c.starts == _YES, _SEARCH.c.type == "ServiceRequest"),
        *(_SEARCH.c.param == "identifier", _SEARCH.c.value == number),
    )
    return [row.id for row in connection.execute(said.order_by(_SEARCH.c.change))]


def _is_about(patient_id: str) -> Exists:
    """Return the condition that a record says that it is about a Patient."""
    said = select(_SEARCH.c.id).where(
        *(_SEARCH.c[name] == RECORD.c[name] for name in _ITS),
        *(_SEARCH.c.param == "patient", _SEARCH.c.value == f"Patient/{patient_id}"),
    )
    return said.exists()


@dataclass(frozen=True, slots=True)
class StudentReferral:
    """One referral of a student: to whom, under which agreement, and whether it is open."""

    request_id: str
    agreement_id: str
    provider: str
    open: bool


def referrals_by_student(connection: Connection, student_id: str) -> tuple[StudentReferral, ...]:
    """Return every referral of a student, in the order they were made."""
    status, focus, task = _SEARCH.alias(), _SEARCH.alias(), "Task"
    closed = (
        select(status.c.id)
        .join(focus, and_(*(focus.c[name] == status.c[name] for name in _ITS)))
        .where(status.c.type == task, status.c.param == "status", status.c.value.in_(CLOSED))
        .where(focus.c.starts == _YES, focus.c.param == "focus")
        .where(focus.c.value == "ServiceRequest/" + RECORD.c.id)
        .exists()
    )
    query = select(RECORD.c.id, RECORD.c.agreement_id, RECORD.c.audience, ~closed).where(
        RECORD.c.type == "ServiceRequest", RECORD.c.student_id == student_id
    )
    rows = connection.execute(query.order_by(RECORD.c.change))
    return tuple(StudentReferral(*row) for row in rows)


def requests_of(connection: Connection, student_id: str, agreement_id: str) -> list[str]:
    """Return the ids of a student's referrals under one agreement."""
    query = select(RECORD.c.id).where(
        RECORD.c.type == "ServiceRequest",
        RECORD.c.student_id == student_id,
        RECORD.c.agreement_id == agreement_id,
    )
    return list(connection.scalars(query.order_by(RECORD.c.id)))


def requests_of_students(connection: Connection, student_ids: Collection[str]) -> list[str]:
    """Return the ids of the referrals of some students, under whatever agreement."""
    ids, found = sorted(student_ids), list[str]()
    for start in range(0, len(ids), 500):
        of_some = RECORD.c.student_id.in_(ids[start : start + 500])
        # As an expression, so that no index of types serves (bridge.store.by_student says why).
        query = select(RECORD.c.id).where(of_some, RECORD.c.type + "" == "ServiceRequest")
        found += connection.scalars(query)
    return found


def open_requests(connection: Connection, agreement_ids: Collection[str]) -> list[str]:
    """Return the ids of the referrals under some agreements of which more is to be done."""
    query = (
        select(RECORD.c.referral_id)
        .join(_SEARCH, and_(*(_SEARCH.c[name] == RECORD.c[name] for name in _ITS)))
        .where(RECORD.c.type == "Task", RECORD.c.agreement_id.in_(sorted(agreement_ids)))
        .where(_SEARCH.c.param == "status", _SEARCH.c.value.not_in(CLOSED))
    )
    return sorted(set(connection.scalars(query)))


def referral_of(connection: Connection, request_id: str) -> KnownReferral | None:
    """Return whose a referral is, by the id of its ServiceRequest; None if there is none."""
    row = connection.execute(_KNOWN.where(RECORD.c.id == request_id)).one_or_none()
    if row is None:
        return None
    return KnownReferral(row.id, row.student_id, row.agreement_id, row.lea)


def passed_on_requests(connection: Connection, agreement_ids: Collection[str]) -> list[str]:
    """Return the ids of the orders under some agreements by which others passed a referral on."""
    query = (
        select(RECORD.c.id)
        .join(_SEARCH, and_(*(_SEARCH.c[name] == RECORD.c[name] for name in _ITS)))
        .where(RECORD.c.type == "ServiceRequest", _SEARCH.c.param == "intent")
        .where(_SEARCH.c.value == "filler-order", _SEARCH.c.starts == _YES)
        .where(RECORD.c.agreement_id.in_(sorted(agreement_ids)))
    )
    return list(connection.scalars(query.order_by(RECORD.c.change)))


def of_referrals(request_ids: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that a record is of one of some referrals.

    Their records are their students', and are looked for among those: an index by the referral
    would be one more place that each new record is written to (docs/adr/0061).
    """
    request = RECORD.alias("request")
    students = select(request.c.student_id).where(request.c.type == "ServiceRequest")
    students = students.where(request.c.id.in_(request_ids))
    return RECORD.c.student_id.in_(students), RECORD.c.referral_id.in_(request_ids)


def records_of_referral(connection: Connection, request_id: str) -> list[tuple[str, str]]:
    """Return type and id of every record of one referral."""
    query = select(RECORD.c.type, RECORD.c.id).where(*of_referrals([request_id]))
    return [(row.type, row.id) for row in connection.execute(query.order_by(RECORD.c.change))]


def records_of_student(connection: Connection, student_id: str) -> list[tuple[str, str, str]]:
    """Return id, referral and agreement of every record of one student."""
    columns = select(RECORD.c.id, RECORD.c.referral_id, RECORD.c.agreement_id)
    rows = connection.execute(columns.where(RECORD.c.student_id == student_id))
    return [(row.id, row.referral_id or "", row.agreement_id) for row in rows]


def requests_under(connection: Connection, agreement_ids: Collection[str]) -> list[str]:
    """Return the ids of every referral under some agreements, in the order of their change."""
    query = select(RECORD.c.id).where(
        RECORD.c.type == "ServiceRequest", RECORD.c.agreement_id.in_(sorted(agreement_ids))
    )
    return list(connection.scalars(query.order_by(RECORD.c.change)))


def references_of(connection: Connection, kind: str, of: tuple[str, str]) -> list[str]:
    """Return references to the records of a type of one student under one agreement."""
    student_id, agreement_id = of
    query = select(RECORD.c.id).where(
        RECORD.c.type == kind,
        RECORD.c.student_id == student_id,
        RECORD.c.agreement_id == agreement_id,
    )
    return [f"{kind}/{each}" for each in connection.scalars(query.order_by(RECORD.c.id))]


def lea_of(connection: Connection, student_id: str) -> str:
    """Return the key of a student's district; "" if there is no such student."""
    query = select(STUDENT.c.lea).where(STUDENT.c.id == student_id)
    return str(connection.execute(query).scalar_one_or_none() or "")


def numbered_referrals(
    connection: Connection, agreement_ids: Collection[str]
) -> dict[tuple[str, str], str]:
    """Return the student of each referral under some agreements, by number and provider's key."""
    query = (
        select(_SEARCH.c.value, RECORD.c.audience, RECORD.c.student_id)
        .join(RECORD, and_(*(RECORD.c[name] == _SEARCH.c[name] for name in _ITS)))
        .where(
            RECORD.c.type == "ServiceRequest",
            _SEARCH.c.param == "identifier",
            _SEARCH.c.starts == _YES,
        )
        .where(RECORD.c.agreement_id.in_(sorted(agreement_ids)))
    )
    return {(row.value, row.audience): row.student_id for row in connection.execute(query)}


def student_of_number(connection: Connection, agreement_ids: Collection[str], number: str) -> str:
    """Return the student of a referral under some agreements by its number; "" for none."""
    query = select(RECORD.c.student_id).where(
        RECORD.c.type == "ServiceRequest",
        RECORD.c.id.in_(_numbered(connection, number)),
        RECORD.c.agreement_id.in_(sorted(agreement_ids)),
    )
    return str(connection.execute(query).scalars().first() or "")


@dataclass(frozen=True, slots=True)
class IndexedTask:
    """A Task of a referral as the index knows it: parameter and value, no other content."""

    id: str
    said: dict[str, str]

    @property
    def is_cancellation(self) -> bool:
        """Whether it asks to stop another."""
        return self.said.get("code") == "abort"


def tasks_of(connection: Connection, request_id: str) -> list[IndexedTask]:
    """Return the Tasks of a referral, in the order in which they were last changed."""
    query = (
        select(RECORD.c.id, _SEARCH.c.param, _SEARCH.c.system, _SEARCH.c.value)
        .join(_SEARCH, and_(*(_SEARCH.c[name] == RECORD.c[name] for name in _ITS)))
        .where(RECORD.c.type + "" == "Task", *of_referrals([request_id]))
        .order_by(RECORD.c.change)
    )
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(query):
        name = row.param
        if name == "business-status" and not row.system.endswith("/CodeSystem/follow-up"):
            continue
        found.setdefault(row.id, {})[name] = row.value
    return [IndexedTask(task_id, said) for task_id, said in found.items()]
