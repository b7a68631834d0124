"""A district's roster comes in: who is enrolled now, and what a referral need not ask again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.journeys.files.held_rows import HeldRow, by_reason, keep_held, let_go, of_mapping
from bridge.journeys.referrals.roster_answers import sealed_answers
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.directory import StudentEntry, organizations, put_students
from bridge.store.facts.evidence import (
    NewEvidence,
    lock_students,
    open_students,
    record_evidence,
    supersede,
)
from bridge.store.facts.openings import look_at_students
from bridge.store.intake import take_turn, touch
from bridge.store.people.roster_entries import drop_roster_entries, put_roster_entries
from bridge.store.referrals import requests_of_students
from mappings.canonical import SourceRow, Student
from mappings.language import Held, Mapped


@dataclass
class RosterReport:
    """What became of the rows: ``read == enrolled + left + unsaid + held``.

    Attributes:
        unsaid: students of whom the roster does not say whether they are enrolled; nothing changes.
        ended: enrolments ended.
    """

    read: int = 0
    enrolled: int = 0
    left: int = 0
    unsaid: int = 0
    ended: int = 0
    held: list[HeldRow] = field(default_factory=list)

    def as_data(self) -> dict[str, object]:
        """Return counts and reasons; no value of a record."""
        names = ("read", "enrolled", "left", "unsaid", "ended")
        counts = {name: getattr(self, name) for name in names}
        return {**counts, "held": len(self.held), "held_by_reason": by_reason(self.held)}


@dataclass
class _Roster:
    """What a roster says, put together before anything is stored."""

    enrolled: dict[str, StudentEntry] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    sealed: dict[str, str] = field(default_factory=dict)
    came: list[SourceRow] = field(default_factory=list)


def import_roster(
    parts: Parts, lea: str, rows: Iterable[Mapped | Held], *, names: bool = True
) -> RosterReport:
    """Record who is enrolled; a student the roster says has left stops being so at once.

    A student missing from the roster is left as before, and so is one of whom it does not say
    whether they are enrolled: files are often partial, and silence is no fact. A row that is held
    waits in the queue until it comes in good order. All in one transaction.

    With ``names``, what a roster says of a student and a referral asks is kept as long as the
    student is enrolled; without, what was kept of the students it names is forgotten.

    Raises:
        BridgeError: the map is not of kind roster, or there is no such district.
    """
    report, said = RosterReport(), _Roster()
    for row in rows:
        report.read += 1
        if isinstance(row, Held):
            report.held.append(of_mapping(row))
            continue
        if not isinstance(row.record, Student):
            raise BridgeError("this map makes no students; choose one of kind roster")
        if row.origin is not None:
            said.came.append(row.origin)
        if row.record.enrolled is None:
            report.unsaid += 1
            continue
        entry = _entry(parts, lea, row.record)
        if row.record.enrolled:
            said.enrolled[entry.id] = entry
            if names:
                said.sealed[entry.id] = sealed_answers(parts.identifiers, entry.id, row.record)
        else:
            said.left.add(entry.id)
    report.enrolled, report.left = len(said.enrolled), len(said.left)
    report.ended = _store(parts, lea, said, report.held)
    return report


def _entry(parts: Parts, lea: str, student: Student) -> StudentEntry:
    student_id = parts.identifiers.issue("student", lea, student.local_id)
    return StudentEntry(student_id, lea, student.local_id, student.birth_date)


def _store(parts: Parts, lea: str, said: _Roster, held: list[HeldRow]) -> int:
    enrolled, left = said.enrolled, said.left
    with write(parts.engine) as connection:
        take_turn(connection)
        if lea not in organizations(connection):
            raise BridgeError(f"there is no district {lea}; put its agreement to use first")
        put_students(connection, enrolled)
        # All at once, in one order: a release that locks some of them must not wait in a circle.
        lock_students(connection, {*enrolled, *left}, share=False)
        now = parts.clock.now()
        sealed = {who: text for who, text in said.sealed.items() if who not in left}
        drop_roster_entries(connection, {*enrolled, *left} - set(sealed))
        put_roster_entries(connection, sealed, now)
        there = open_students(connection, "enrolled", now)
        came = sorted(enrolled.keys() - there)
        _enrol(connection, parts, came, now)
        # A referral may have come before the roster, or before its student came back.
        touch(connection, requests_of_students(connection, came), now)
        keep_held(connection, parts.identifiers, lea, (held, now))
        let_go(connection, parts.identifiers, lea, (said.came, now))
        return sum(supersede(connection, "roster", gone, now) for gone in sorted(left & there))


def _enrol(connection: Connection, parts: Parts, came: Sequence[str], now: datetime) -> None:
    look_at_students(connection, came, now)
    rows = [
        NewEvidence(
            id=parts.identifiers.issue("enrolled", student_id, now.isoformat()),
            fact="enrolled",
            valid_from=now,
            recorded_at=now,
            source="roster",
            source_id="roster",
            student_id=student_id,
        )
        for student_id in came
    ]
    record_evidence(connection, rows)
