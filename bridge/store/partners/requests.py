"""Requests for a named record that were not answered with it, until the ledger has them.

Whether there is such a record is not looked up when the request comes: one row is written either
way, so that the answer takes as long for a record that is withheld as for one that is not there.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, Insert, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, SQLModel

from bridge.schema import table_of
from bridge.store.facts.conditions import RECORD


class UnansweredRow(SQLModel, table=True):
    """One record asked for by one party in one role, at its first request of a day (UTC).

    ``subject`` is the student once it is known that there is such a record; "" until then.
    """

    __tablename__ = "unanswered_request"

    organization: str = Field(primary_key=True)
    role: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    record_id: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    purposes: str
    request: str
    asked_at: datetime
    subject: str = Field(default="", index=True)


_UNANSWERED: Table = table_of(UnansweredRow)
_KEY = ("organization", "role", "kind", "record_id", "day")


@dataclass(frozen=True, slots=True)
class Unanswered:
    """One request: who asked, in what role and for what, and the record named."""

    organization: str
    role: str
    purposes: str
    kind: str
    record_id: str
    request: str
    asked_at: datetime

    @property
    def day(self) -> str:
        """The day of the request, UTC."""
        return self.asked_at.date().isoformat()


@dataclass(frozen=True, slots=True)
class Known:
    """A request for a record that is there: whose it is, under which agreement, who keeps it."""

    asked: Unanswered
    student_id: str
    agreement_id: str
    custodian: str


def note_unanswered(connection: Connection, rows: Sequence[Unanswered]) -> None:
    """Keep requests; one that was kept that day already is left alone."""
    if rows:
        new: Insert
        if connection.dialect.name == "sqlite":
            new = sqlite.insert(_UNANSWERED).on_conflict_do_nothing()
        else:
            new = postgresql.insert(_UNANSWERED).on_conflict_do_nothing()
        values = [{**asdict(row), "day": row.day} for row in rows]
        connection.execute(new, values)


def take_unanswered(connection: Connection, today: str) -> list[Known]:
    """Return, oldest first, the first request of each party, role, student and day.

    What names no record is forgotten, and so is what was taken on an earlier day. A request is
    taken once.
    """
    row = _UNANSWERED.c
    waiting = select(_UNANSWERED).where(row.subject == "").with_for_update()
    found = connection.execute(waiting.order_by(row.asked_at, row.record_id)).all()
    done = select(row.subject, row.organization, row.role, row.day).where(row.subject != "")
    taken = {tuple(each) for each in connection.execute(done)}
    out: list[Known] = []
    for each in found:
        owner = _owner(connection, each.kind, each.record_id)
        same = [row[name] == getattr(each, name) for name in _KEY]
        if owner is None:
            connection.execute(delete(_UNANSWERED).where(*same))
            continue
        connection.execute(update(_UNANSWERED).where(*same).values(subject=owner[0]))
        turn = (owner[0], each.organization, each.role, each.day)
        if turn not in taken:
            taken.add(turn)
            asked = Unanswered(**{name: getattr(each, name) for name in Unanswered.__slots__})
            out.append(Known(asked, *owner))
    connection.execute(delete(_UNANSWERED).where(row.subject != "", row.day < today))
    return out


def _owner(connection: Connection, kind: str, record_id: str) -> tuple[str, str, str] | None:
    """Return student, agreement and custodian of a record of a student; None if there is none."""
    columns = (RECORD.c.student_id, RECORD.c.agreement_id, RECORD.c.custodian)
    query = select(*columns).where(RECORD.c.type == kind, RECORD.c.id == record_id)
    found = connection.execute(query).one_or_none()
    return None if found is None or not found.student_id else (found[0], found[1], found[2])
