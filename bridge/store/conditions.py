"""A consent filter as SQL, over the evidence kept here.

The filter comes from the compiled decision table as data (:class:`consent.model.Filter`); each of
its literals becomes a constant or an ``EXISTS`` over the evidence. The same facts are read in
Python by :mod:`bridge.store.evidence`, and a test compares the two on every combination.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import (
    ColumnElement,
    Date,
    Table,
    and_,
    bindparam,
    exists,
    false,
    not_,
    or_,
    select,
    true,
)
from sqlmodel import SQLModel

from bridge.store import tables as _tables
from consent.model import Filter, Literal

RECORD: Table = SQLModel.metadata.tables[str(_tables.RecordRow.__tablename__)]
STUDENT: Table = SQLModel.metadata.tables[str(_tables.StudentRow.__tablename__)]
EVIDENCE: Table = SQLModel.metadata.tables[str(_tables.EvidenceRow.__tablename__)]
AS_OF = bindparam("as_of", type_=EVIDENCE.c.valid_from.type)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a filter is asked about, besides the record itself.

    Attributes:
        agreement_id: the agreement whose table gave the filter.
        element, purpose, recipient: of the slice (recipient is a party role).
        now: the instant of the decision.
        adult_since: someone born on or before this day is 18 at ``now`` in the district's zone.
        constants: facts the bridge itself knows at ``now`` (``in_force``, ``provider_active`` ...).
        free_text: whether the element is free text, which may always speak of other people.
    """

    agreement_id: str
    element: str
    purpose: str
    recipient: str
    now: datetime
    adult_since: date
    constants: dict[str, bool]
    free_text: bool = False


def condition(decision: Filter, scope: Scope) -> ColumnElement[bool]:
    """Render a filter to a condition on ``record`` joined to ``student``.

    The instant and the coming-of-age day are bound when the query runs (:func:`binds`), so a
    condition can be made once and used for as long as the agreement and its constants stand.
    """
    if decision.never:
        return false()
    clauses = [
        or_(
            *(
                and_(*(_literal(literal, scope) for literal in alternative))
                for alternative in clause
            )
        )
        for clause in decision.clauses
    ]
    return and_(true(), *clauses)


def _literal(literal: Literal, scope: Scope) -> ColumnElement[bool]:
    truth = _truth(str(literal.fact), scope)
    return truth if literal.wanted else not_(truth)


def _truth(fact: str, scope: Scope) -> ColumnElement[bool]:
    if fact in scope.constants:
        return true() if scope.constants[fact] else false()
    known_true = _evidence(fact, scope, value=True)
    match fact:
        case "third_party_present":
            return true() if scope.free_text else or_(RECORD.c.third_party, known_true)
        case "minor_consented_care":
            # Unknown counts as true for someone under 18 (facts table): silence must not open.
            unstated = not_(or_(known_true, _evidence(fact, scope, value=False)))
            minor = STUDENT.c.birth_date > bindparam(_adult_since(scope.agreement_id), type_=Date())
            return or_(known_true, and_(unstated, minor))
        case _:
            return known_true


def _evidence(fact: str, scope: Scope, *, value: bool) -> ColumnElement[bool]:
    row = EVIDENCE.c
    return exists(
        select(row.id)
        .where(row.fact == fact, row.value.is_(value))
        .where(row.agreement_id.in_(["", scope.agreement_id]))
        .where(or_(row.student_id == "", row.student_id == RECORD.c.student_id))
        .where(or_(row.referral_id == "", row.referral_id == RECORD.c.referral_id))
        .where(or_(row.record_id == "", row.record_id == RECORD.c.id))
        .where(row.element.in_(["", scope.element]))
        .where(row.purpose.in_(["", scope.purpose]))
        .where(row.recipient.in_(["", scope.recipient]))
        .where(row.valid_from <= AS_OF, row.valid_to > AS_OF, row.recorded_at <= AS_OF)
        .where(or_(row.superseded_at.is_(None), row.superseded_at > AS_OF))
    )


def binds(now: datetime, adults: dict[str, date]) -> dict[str, object]:
    """Return what a query with conditions of :func:`condition` is run with.

    Args:
        now: the instant of the decision.
        adults: per agreement id, :attr:`Scope.adult_since`.
    """
    return {"as_of": now, **{_adult_since(i): day for i, day in adults.items()}}


def _adult_since(agreement_id: str) -> str:
    return f"adult_since_{hashlib.sha256(agreement_id.encode()).hexdigest()[:12]}"
