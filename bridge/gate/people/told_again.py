"""What a board decided of referrals, remembered with everything it rests on (docs/adr/0065).

A page of a hundred children in treatment takes most of its time to decide again what it decided a
minute ago. What was decided of a referral, and where it stands, is a function of the records, facts
and forms of its student, of what holds for everybody, who asks and the instant; a row is remembered
with the counters and numbers that say that none of it moved (docs/adr/0025).

INVARIANTS
* A row is taken from here only in the releasing transaction, with its student locked, by counters
  read after the lock; where any has moved it is decided anew.
* What was withheld of a referral is remembered as what nobody answered is: by the same numbers, as
  the same row.
* However little moved, as many rows are decided anew (:data:`ANEW`): that something moved which may
  not be told takes no more statements than that nothing did.
* Only what is on disk is remembered, and nothing once a record was erased.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from typing import Final, NamedTuple

from bridge.gate.authorise import Viewer
from bridge.gate.disclosures import entry_of
from bridge.gate.hot.kept import Kept
from bridge.gate.people.follow_up import Followed, Left
from bridge.gate.released import Placed
from bridge.identifiers import Identifiers
from bridge.ledger.templates import Template
from bridge.store.people.follow_lines import Place

ANEW: Final = 8
"""So many rows of a page are decided anew, those remembered longest, though all still stand."""
MOST_CHANGES: Final = 2_000
"""A row is forgotten once so many records were changed since, whosever: they are looked through."""
MOST_BYTES: Final = 32 * 1024 * 1024
_A_ROW: Final = 11_000  # bytes; 10,300 were measured, of referrals in treatment


class Stands(NamedTuple):
    """What a transaction holds of some students, read once they are locked.

    Attributes:
        everybody: digest of what holds for every row alike, the day among it.
        change: number of the last change of any record.
        versions: of each student.
        now: the instant.
    """

    everybody: str
    change: int
    versions: dict[str, int]
    now: datetime


@dataclass(frozen=True, slots=True)
class ToldRow:
    """One referral as it was decided, as long as nothing it rests on has changed.

    Attributes:
        followed, placed: what may be told of it, and where it stands.
        everybody, change, version: the counters it was decided at.
        made, until: instants between which (the last excluded) nothing changes by itself.
    """

    followed: Followed
    placed: Placed
    everybody: str
    change: int
    version: int
    made: datetime
    until: datetime

    def holds(self, stands: Stands) -> bool:
        """Tell whether it is good, unless a record of its student was changed since."""
        version = stands.versions.get(self.followed.task.student_id)
        same = (self.everybody, self.version) == (stands.everybody, version)
        recent = stands.change - MOST_CHANGES <= self.change <= stands.change
        return same and recent and self.made <= stands.now < self.until

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return _A_ROW


Row = tuple[Followed, Placed]
Learned = list[tuple[tuple[str, str], ToldRow]]
"""Rows to remember, by whose they are and the id of their ServiceRequest."""


class ToldRows:
    """The rows of one process, of all who look at boards."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._rows: Kept[tuple[str, str], ToldRow] = Kept(most_bytes)
        self._erased = 0
        self._guard = Lock()

    def found(self, whose: str, places: Sequence[Place], stands: Stands) -> list[ToldRow]:
        """Return what is remembered of the referrals at some places, and holds."""
        found = (self._rows.find((whose, request)) for request, _ in places)
        return [row for row in found if row is not None and row.holds(stands)]

    def keep(self, learned: Learned) -> None:
        """Remember what was decided in a transaction that is on disk."""
        self._rows.keep(learned)

    def erased(self, version: int) -> None:
        """Forget everything where records were erased since the last call."""
        with self._guard:
            if version != self._erased:
                self._rows.clear()
                self._erased = version


def again(rows: Sequence[ToldRow], moved: set[str], shown: int) -> dict[str, Row]:
    """Return the rows that need not be decided anew, by the ids of their ServiceRequests.

    Args:
        rows: those that hold.
        moved: students of whom a record was changed since.
        shown: how many rows the page has.
    """
    stand = [row for row in rows if row.followed.task.student_id not in moved]
    stand.sort(key=lambda row: (row.change, row.made))
    spare = max(0, ANEW - (shown - len(stand)))
    return {row.followed.request_id: (row.followed, row.placed) for row in stand[spare:]}


def learned(whose: str, rows: Sequence[Row], stands: Stands, ends: dict[str, datetime]) -> Learned:
    """Return rows that were just decided as they may be remembered.

    Args:
        whose: who asked.
        rows: what was decided.
        stands: what it rests on.
        ends: until when what a line says holds, by the id of its ServiceRequest.
    """
    made: Learned = []
    for followed, placed in rows:
        version = stands.versions.get(followed.task.student_id)
        until = ends.get(followed.request_id)
        if version is None or until is None:
            continue
        bare = replace(followed, task=replace(followed.task, body=""))
        at = (stands.everybody, stands.change, version, stands.now, until)
        made.append(((whose, followed.request_id), ToldRow(bare, placed, *at)))
    return made


def with_what_left(
    learned: Learned, went: Mapping[str, Left], asking: tuple[Viewer, Identifiers]
) -> Learned:
    """Return rows to remember with what went out of them, and the template of what is entered.

    Args:
        learned: the rows.
        went: what went out, by the id of a ServiceRequest.
        asking: who asked, and what makes identifiers.
    """
    viewer, identifiers = asking
    made: Learned = []
    for key, row in learned:
        left = went.get(key[1])
        if left is not None:
            entry = entry_of(viewer, left.disclosure, identifiers, "")
            template = None if entry is None else Template.of(entry)
            told = replace(left.disclosure, stored=row.followed.task, entry=template)
            row = replace(row, followed=replace(row.followed, left=replace(left, disclosure=told)))  # noqa: PLW2901 - with more
        made.append((key, row))
    return made
