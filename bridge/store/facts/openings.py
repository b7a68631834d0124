"""Students of whom something may be seen from an instant on, because facts begin or end with it.

Nothing is written when a day comes: a court order ends by its own last day, a student comes of age.
So whoever records a fact that begins later, or whose end may let something be seen, also writes
down when and of whom; and whoever changes what holds for everybody under an agreement writes down
all of its students. A worker looks at them then (:mod:`bridge.gate.newly_seen`): who sees more than
before finds it by time, as if it had just come.

A row of nobody says until when comings of age were looked at.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Final, Protocol

from sqlalchemy import BigInteger, ColumnElement, Connection, Table, delete, func, select, update
from sqlmodel import Field, SQLModel

from bridge.driver import cursor_of, spelled_for, stored_instant
from bridge.schema import table_of
from bridge.store.facts.conditions import RECORD, STUDENT
from consent.facts import IfUnknown, load_facts

NOBODY: Final = ""
ANY_CHANGE: Final = 2**62
"""In place of a number: no record was given another since."""


class OpeningRow(SQLModel, table=True):
    """That something of a student may be seen from an instant on which could not before.

    Attributes:
        at: the instant.
        digest: of the table its agreement decided by before; "" where it is the same.
        change: number of the last change before: what was moved since is found by that already.
        tries: how often it could not be looked at.
        retry_at: when it is tried again; None for one that never failed.
    """

    __tablename__ = "opening"

    at: datetime = Field(primary_key=True)
    student_id: str = Field(primary_key=True)
    digest: str = Field(default="", primary_key=True)
    change: int = Field(default=ANY_CHANGE, sa_type=BigInteger)
    tries: int = 0
    retry_at: datetime | None = None


_OPENING: Table = table_of(OpeningRow)


@dataclass(frozen=True, slots=True)
class Opening:
    """One row of :class:`OpeningRow`."""

    at: datetime
    student_id: str
    digest: str
    change: int
    tries: int = 0


@dataclass(frozen=True, slots=True)
class SetAside:
    """What could not be looked at, and waits to be tried again.

    Attributes:
        students: how many, at most.
        tries: how often the one that failed most was tried.
        next_at: when the first of them is tried again.
    """

    students: int
    tries: int
    next_at: datetime | None


class Dated(Protocol):
    """A fact with its two clocks (:class:`bridge.store.facts.evidence.NewEvidence`)."""

    @property
    def student_id(self) -> str:
        """Whose; "" for anybody's."""

    @property
    def fact(self) -> str:
        """What is said."""

    @property
    def value(self) -> bool | None:
        """Whether it holds."""

    @property
    def valid_from(self) -> datetime:
        """From when."""

    @property
    def valid_to(self) -> datetime:
        """Until when."""

    @property
    def recorded_at(self) -> datetime:
        """When the bridge learned of it."""


def keep_openings(connection: Connection, facts: Iterable[Dated], forever: datetime) -> None:
    """Write down when facts that were just recorded may let something be seen later."""
    wanted: dict[tuple[datetime, str], None] = {}
    for each in facts:
        if not each.student_id:
            continue
        if each.valid_from > each.recorded_at:
            wanted[each.valid_from, each.student_id] = None
        if each.recorded_at < each.valid_to < forever and end_opens(each.fact, each.value):
            wanted[each.valid_to, each.student_id] = None
    _insert(connection, [(at, student, "", ANY_CHANGE) for at, student in wanted])


def end_opens(fact: str, value: bool | None) -> bool:
    """Whether the end of a fact may let something be seen: of an objection, or of a doubt.

    The end of what a permit needs takes away alone.
    """
    return value is not True or fact not in _needed()


@cache
def _needed() -> frozenset[str]:
    """Return the facts that a permit needs: nobody is told more for their end."""
    facts = load_facts().values()
    return frozenset(str(each.name) for each in facts if each.if_unknown is IfUnknown.FALSE)


def look_at_agreements(
    connection: Connection, agreement_ids: Collection[str], at: datetime, digest: str = ""
) -> None:
    """Write down every student there are records of under some agreements.

    Called before anything else takes a number for the same change.
    """
    sql = (
        "INSERT INTO opening (at, student_id, digest, change, tries)"
        " SELECT DISTINCT ?, r.student_id, ?,"
        " (SELECT coalesce(max(c.last), 0) FROM change_counter c), 0 FROM record r"
        " WHERE r.agreement_id = ? AND r.student_id IS NOT NULL ON CONFLICT DO NOTHING"
    )
    dialect = connection.dialect.name
    if dialect != "sqlite":
        sql = sql.replace("?, r.student_id, ?,", "?::timestamptz, r.student_id, ?::text,")
    with cursor_of(connection) as cursor:
        for each in sorted(agreement_ids):
            given = (stored_instant(dialect, at), digest, each)
            cursor.execute(spelled_for(dialect, sql), given)


def look_at_students(connection: Connection, student_ids: Collection[str], at: datetime) -> None:
    """Write down some students, as far as there are records of them; as before."""
    change = last_change(connection)
    known: set[str] = set()
    ordered = sorted(student_ids)
    for start in range(0, len(ordered), 500):
        some = RECORD.c.student_id.in_(ordered[start : start + 500])
        known.update(connection.scalars(select(RECORD.c.student_id).where(some).distinct()))
    _insert(connection, [(at, student, "", change) for student in sorted(known)])


def last_change(connection: Connection) -> int:
    """Return the number of the last change so far, this transaction's own included."""
    with cursor_of(connection) as cursor:
        row = cursor.execute("SELECT last FROM change_counter").fetchone()
    return int(row[0]) if row else 0


def due_openings(connection: Connection, now: datetime, most: int) -> list[Opening]:
    """Return up to so many of what is due, the oldest first; none that waits to be tried again."""
    row = _OPENING.c
    free = row.retry_at.is_(None) | (row.retry_at <= now)
    due = select(_OPENING).where(row.student_id != NOBODY, row.at <= now, free)
    found = connection.execute(due.order_by(row.at, row.student_id, row.digest).limit(most))
    return [
        Opening(each.at, each.student_id, each.digest, each.change, each.tries) for each in found
    ]


def drop_opening(connection: Connection, opening: Opening) -> None:
    """Forget one that was looked at."""
    connection.execute(delete(_OPENING).where(*_key(opening)))


def set_aside(connection: Connection, opening: Opening, until: datetime) -> None:
    """Keep that one could not be looked at, and when it is tried again."""
    tried = {"tries": opening.tries + 1, "retry_at": until}
    connection.execute(update(_OPENING).where(*_key(opening)).values(tried))


def all_set_aside(connection: Connection) -> SetAside:
    """Return what waits to be tried again."""
    row = _OPENING.c
    students = func.count(row.student_id.distinct())
    query = select(students, func.max(row.tries), func.min(row.retry_at)).where(row.tries > 0)
    count, tries, first = connection.execute(query).one()
    return SetAside(count, tries or 0, first)


def _key(opening: Opening) -> tuple[ColumnElement[bool], ...]:
    row = _OPENING.c
    whose = (row.at == opening.at, row.student_id == opening.student_id)
    return (*whose, row.digest == opening.digest)


def looked_until(connection: Connection) -> datetime | None:
    """Return until when comings of age were looked at; None before the first time."""
    query = select(func.max(_OPENING.c.at)).where(_OPENING.c.student_id == NOBODY)
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def keep_looked(connection: Connection, at: datetime) -> None:
    """Keep until when comings of age were looked at."""
    connection.execute(delete(_OPENING).where(_OPENING.c.student_id == NOBODY))
    _insert(connection, [(at, NOBODY, "", 0)])


def look_at_born(connection: Connection, lea: str, born: tuple[date, date], at: datetime) -> None:
    """Write down the students of a district who were born after one day and until another."""
    row = STUDENT.c
    after, until = born
    query = select(row.id).where(row.lea == lea, row.birth_date > after, row.birth_date <= until)
    come = connection.scalars(query.order_by(row.id)).all()
    _insert(connection, [(at, student, "", ANY_CHANGE) for student in come])


def _insert(connection: Connection, rows: list[tuple[datetime, str, str, int]]) -> None:
    if not rows:
        return
    dialect = connection.dialect.name
    given = [(stored_instant(dialect, at), *more) for at, *more in rows]
    with cursor_of(connection) as cursor:
        cursor.executemany(spelled_for(dialect, _NEW), given)


_NEW: Final = (
    "INSERT INTO opening (at, student_id, digest, change, tries) VALUES (?, ?, ?, ?, 0)"
    " ON CONFLICT DO NOTHING"
)
