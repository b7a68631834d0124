"""A consent filter as SQL, over the evidence kept here.

The filter comes from the compiled decision table as data (:class:`consent.model.Filter`); each of
its literals becomes a constant or an ``EXISTS`` over the evidence. The same facts are read in
Python by :mod:`bridge.store.facts.evidence`, and a test compares the two on every combination.

The SQL is plain text that both databases understand: made once per standing and agreement, it then
costs nothing but its execution (building and hashing expressions took three times as long as the
query). Only names of documents are written into it (:func:`quoted`); instants are bound.

It is written in two ways that say the same (:data:`WRITTEN`). SQLite compiles a statement once and
is given a look for each fact, of which it takes only those it needs. PostgreSQL plans a statement
at each run, a plan for each look, and is given one look for all facts (docs/adr/0056).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache, partial
from typing import Final, Protocol

from sqlalchemy import Connection, Date, Table, TextClause, bindparam, text
from sqlmodel import SQLModel

from bridge.driver import cursor_of
from bridge.store import tables as _tables
from consent.facts import IfUnknown, load_facts
from consent.model import FactName, Filter, Literal

RECORD: Table = SQLModel.metadata.tables[str(_tables.RecordRow.__tablename__)]
STUDENT: Table = SQLModel.metadata.tables[str(_tables.StudentRow.__tablename__)]
EVIDENCE: Table = SQLModel.metadata.tables[str(_tables.EvidenceRow.__tablename__)]

TRUE, FALSE = "1 = 1", "1 = 0"
# Besides what is said of it: a record may speak of others by its kind, and free text always may.
OTHERS = "third_party_present"
_NAME = re.compile(r"^[A-Za-z0-9 ._/-]*$")
_OF_ANYBODY = "(e.student_id = record.student_id OR e.student_id = '')"
_OF_ITS_STUDENT = "e.student_id = record.student_id"
_OF_EITHER = "e.student_id IN (record.student_id, '')"
_COUNTED = "count(*) FILTER"
# When a row counts: in one spelling where a condition holds if there is one, in another where it
# holds if there is none, so that :func:`sometime` tells them apart.
_COUNTS_FOR = (
    " AND e.valid_from <= :as_of AND e.valid_to > :as_of AND e.recorded_at <= :as_of"
    " AND (e.superseded_at IS NULL OR e.superseded_at > :as_of)"
)
_COUNTS_AGAINST = (
    " AND e.valid_to > :as_of AND e.valid_from <= :as_of AND e.recorded_at <= :as_of"
    " AND (e.superseded_at IS NULL OR e.superseded_at > :as_of)"
)
_COMES_TO_COUNT = (
    " AND e.valid_to > :as_of AND (e.superseded_at IS NULL OR e.superseded_at > :as_of)"
)
_GOES_ON_TO_COUNT = (
    " AND e.valid_to >= :until AND e.valid_from <= :as_of AND e.recorded_at <= :as_of"
    " AND e.superseded_at IS NULL"
)
# INVARIANT: SQLite compares the element in the index, and seeks for the fact alone. By two seeks
# for each fact, one for each element, what is withheld would cost more than what is absent may.
_COMPARED = "e.element || ''"
_FACT = re.compile(r"e\.fact = '([^']*)'")


class Condition(Protocol):
    """What authorises a caller: a condition on ``record`` and what to bind when it runs."""

    @property
    def condition(self) -> TextClause:
        """The condition, as text."""

    @property
    def binds(self) -> Mapping[str, object]:
        """Values of its parameters."""

    @property
    def bins(self) -> tuple[str, ...]:
        """The agreements whose records can be meant; all if empty."""

    @property
    def standing(self) -> str:
        """Whose views of changes hold; "" for nobody's."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a filter is asked about, besides the record itself.

    Attributes:
        agreement_id: the agreement whose table gave the filter.
        element, purpose, recipient: of the slice (recipient is a party role).
        constants: facts the bridge itself knows (``in_force``, ``provider_active`` ...).
        free_text: whether the element is free text, which may always speak of other people.
    """

    agreement_id: str
    element: str
    purpose: str
    recipient: str
    constants: dict[str, bool]
    free_text: bool = False


def quoted(name: str) -> str:
    """Write a name of our documents or directory as an SQL string.

    Raises:
        ValueError: it holds a character that no such name needs.
    """
    if not _NAME.match(name):
        raise ValueError("a name may hold letters, digits, space and . _ / - only")
    return f"'{name}'"


def any_of(conditions: Iterable[str]) -> str:
    """Join conditions of which one must hold; none at all never holds."""
    return _joined(" OR ", conditions, FALSE)


def all_of(conditions: Iterable[str]) -> str:
    """Join conditions that must all hold; none at all always holds."""
    return _joined(" AND ", conditions, TRUE)


def _joined(word: str, conditions: Iterable[str], none: str) -> str:
    parts = list(conditions)
    return "(" + word.join(parts) + ")" if parts else none


def condition(decision: Filter, scope: Scope) -> str:
    """Render a filter to a condition on ``record`` joined to ``student``.

    The instant and the coming-of-age day are bound when the query runs (:func:`clause`), so a
    condition can be made once and used for as long as the agreement and its constants stand.
    """
    found, lacking = (partial(_looked_for, scope, how) for how in (_COUNTS_FOR, _COUNTS_AGAINST))
    return written(decision, partial(_literal, scope, (found, lacking)))


def gathered(decision: Filter, scope: Scope) -> str:
    """Do :func:`condition` with one look at what is said, whatever is asked of it."""
    sql = written(decision, partial(_literal, scope, (_among, _among)))
    if _COUNTED not in sql:
        return sql
    return f"(SELECT {sql} FROM evidence e WHERE {_OF_EITHER}{_counts_in(scope)})"  # noqa: S608 - names are quoted, the rest is ours


WRITTEN: Final[Mapping[str, Callable[[Filter, Scope], str]]] = {
    "sqlite": condition,
    "postgresql": gathered,
}
"""How a filter is written, by the name of the database's dialect."""


def written(decision: Filter, literal: Callable[[Literal], str]) -> str:
    """Write a filter with each of its literals as ``literal`` says."""
    if decision.never:
        return FALSE
    return all_of(
        any_of(all_of(map(literal, alternative)) for alternative in each)
        for each in decision.clauses
    )


def clause(sql: str, agreement_ids: Iterable[str]) -> TextClause:
    """Return a condition ready to stand in a query; run it with :func:`binds`."""
    days = [bindparam(adult_since(i), type_=Date()) for i in agreement_ids if adult_since(i) in sql]
    if ":as_of" in sql:
        days.append(bindparam("as_of", type_=EVIDENCE.c.valid_from.type))
    return text(sql).bindparams(*days)


def binds(now: datetime, adults: dict[str, date]) -> dict[str, object]:
    """Return what a query with a :func:`clause` is run with.

    Args:
        now: the instant of the decision.
        adults: per agreement id, the birth date of someone who is 18 just now in its zone.
    """
    return {"as_of": now, **{adult_since(i): day for i, day in adults.items()}}


@lru_cache(maxsize=1024)
def of_own_student(sql: str) -> tuple[str, frozenset[str]]:
    """Return a condition that asks for facts of a record's own student alone, and those facts.

    It says the same where none of them is :func:`said_of_anybody`, for half the work.
    """
    return sql.replace(_OF_ANYBODY, _OF_ITS_STUDENT), frozenset(_FACT.findall(sql))


def sometime(sql: str) -> str:
    """Return a condition that may hold at some instant from ``as_of`` on and before ``until``.

    INVARIANT: where it does not hold now, the condition holds at none of these instants, for as
    long as nothing more is said and nobody comes of age. Both are bound when it runs.
    """
    return sql.replace(_COUNTS_FOR, _COMES_TO_COUNT).replace(_COUNTS_AGAINST, _GOES_ON_TO_COUNT)


def said_of_anybody(connection: Connection) -> frozenset[str]:
    """Return the facts that anything is said about without naming a student.

    They change only where a counter does (:mod:`bridge.store.state_versions`, ``evidence``).
    """
    with cursor_of(connection) as cursor:
        sql = "SELECT DISTINCT fact FROM evidence WHERE student_id = ''"
        return frozenset(fact for (fact,) in cursor.execute(sql).fetchall())


@lru_cache(maxsize=1024)
def adult_since(agreement_id: str) -> str:
    """Return the parameter that carries an agreement's coming-of-age day."""
    return f"adult_since_{hashlib.sha256(agreement_id.encode()).hexdigest()[:12]}"


_Said = Callable[[str, str], str]
"""Writes that something is said of a fact: its name, and a condition on ``e.value``."""
_Looks = tuple[_Said, _Said]
"""How it is written where a condition holds because it is said, and where because it is not."""


def _literal(scope: Scope, looks: _Looks, literal: Literal) -> str:
    if literal.wanted:
        return _truth(str(literal.fact), scope, looks)
    return f"NOT {_truth(str(literal.fact), scope, (looks[1], looks[0]))}"


def _truth(fact: str, scope: Scope, looks: _Looks) -> str:
    """Write when a fact counts as true: said so, or unknown where the facts table says so.

    Silence is unknown for a fact a permit needs, and for whose consent a minor's care rests on. Of
    orders, refusals and mentions of others the register itself would know: there silence is no, and
    unknown is a row that says so (``value`` null).
    """
    found, lacking = looks
    if fact in scope.constants:
        return f"({TRUE})" if scope.constants[fact] else f"({FALSE})"
    match load_facts()[FactName(fact)].if_unknown:
        case IfUnknown.FALSE:
            return f"({found(fact, 'e.value')} AND NOT {lacking(fact, 'e.value IS NOT TRUE')})"
        case IfUnknown.TRUE_UNDER_18:
            said_no, unsure = lacking(fact, "NOT e.value"), found(fact, "e.value IS NULL")
            minor = f"student.birth_date > :{adult_since(scope.agreement_id)}"
            unknown = f"({minor} AND (NOT {said_no} OR {unsure}))"
            return f"({found(fact, 'e.value')} OR {unknown})"
        case IfUnknown.TRUE:
            if fact == OTHERS and scope.free_text:
                return f"({TRUE})"
            said = found(fact, "e.value IS NOT FALSE")
            return f"(record.third_party OR {said})" if fact == OTHERS else said


def _looked_for(scope: Scope, counts: str, fact: str, said: str) -> str:
    return (
        "EXISTS (SELECT 1 FROM evidence e"  # noqa: S608 - names are quoted, the rest is ours
        f" WHERE e.fact = {quoted(fact)} AND {said} AND {_OF_ANYBODY}"
        f"{_counts_in(scope, _COMPARED, counts)})"
    )


def _among(fact: str, said: str) -> str:
    return f"{_COUNTED} (WHERE e.fact = {quoted(fact)} AND {said}) > 0"


def _counts_in(scope: Scope, element: str = "e.element", counts: str = _COUNTS_FOR) -> str:
    """Write that a row of evidence, of whomever, counts for the record in a scope.

    ``element`` is how its element is written, ``counts`` how that it does at the instant.
    """
    return (
        f" AND e.agreement_id IN ('', {quoted(scope.agreement_id)})"
        " AND (e.referral_id = '' OR e.referral_id = record.referral_id)"
        " AND (e.record_id = '' OR e.record_id = record.id)"
        f" AND {element} IN ('', {quoted(scope.element)})"
        f" AND e.purpose IN ('', {quoted(scope.purpose)})"
        f" AND e.recipient IN ('', {quoted(scope.recipient)}){counts}"
    )
