"""What a district's roster says of its students, as far as a referral asks it: sealed.

Readable under the deployment's secret alone, and in nobody's answer but the entry pages' of the
student's own district. Gone when the roster says that the student has left.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Table, Text, delete, insert, select
from sqlmodel import Field, SQLModel

from bridge.schema import table_of

_AT_ONCE: Final = 500


class RosterEntryRow(SQLModel, table=True):
    """One student's; ``sealed`` is what the roster said, ``at`` when it came in."""

    __tablename__ = "roster_entry"

    student_id: str = Field(primary_key=True, foreign_key="student.id")
    sealed: str = Field(sa_type=Text)
    at: datetime


_ENTRY: Final[Table] = table_of(RosterEntryRow)


def put_roster_entries(connection: Connection, sealed: Mapping[str, str], at: datetime) -> None:
    """Keep what a roster says, by student, in place of what an earlier one said."""
    drop_roster_entries(connection, sealed)
    if sealed:
        rows = [{"student_id": who, "sealed": text, "at": at} for who, text in sealed.items()]
        connection.execute(insert(_ENTRY), rows)


def drop_roster_entries(connection: Connection, students: Collection[str]) -> None:
    """Forget what a roster said of some students."""
    for some in _cut(sorted(students)):
        connection.execute(delete(_ENTRY).where(_ENTRY.c.student_id.in_(some)))


def drop_rosters_before(connection: Connection, moment: datetime) -> int:
    """Forget what no roster has said again since a moment; returns of how many students."""
    return connection.execute(delete(_ENTRY).where(_ENTRY.c.at < moment)).rowcount


def roster_entry_of(connection: Connection, student_id: str) -> str | None:
    """Return what a roster said of one student, sealed; None where none did."""
    query = select(_ENTRY.c.sealed).where(_ENTRY.c.student_id == student_id)
    return connection.execute(query).scalar_one_or_none()


def _cut(every: Sequence[str]) -> list[Sequence[str]]:
    return [every[start : start + _AT_ONCE] for start in range(0, len(every), _AT_ONCE)]
