"""What was decided on records of a type for one who asks, by numbers alone (docs/adr/0064).

A search asks of each record it looks at whether it may be known. What was decided a moment ago is
looked up here by the number of the record's last change, which no two records of a type have, and
counts if the version of its student is the one it was decided at: a look in a table, by the driver
itself, where the facts are asked up to seventeen times.

INVARIANTS
* Nothing is let out by it: what is found is shown by a permit, or decided anew.
* It counts only at the counters it was found at, in the transaction that searches, and between
  instants from which to which nothing changes by itself; else it is empty.
* That a record is withheld is only noted where it may be known at no instant before the end.
* Of what is withheld it holds two numbers: nothing of the record, nor why.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

MOST_WITHHELD: Final = 50_000
"""So many records of a type are noted as withheld for one who asks, at about 100 bytes each."""

_EVER: Final = datetime(1, 1, 1, tzinfo=UTC)

Epoch = tuple[int, int]
"""The counters of agreements and of facts about anybody."""

Instants = tuple[datetime, datetime]
"""An instant, and one before which nothing changes by the day alone."""

Mark = tuple[int, int, Epoch, datetime, datetime]
"""What a permit is good for: the number of its record's change, the version of its student, the
counters of everybody, and the instants between which it holds."""


class Known:
    """Decisions on records of one type for one who asks.

    Attributes:
        number: tells it from all others of its process.
        versions: by the number of a record's change, the version of its student: ``v`` where it may
            be known, ``-1 - v`` where it may not. INVARIANT: always the same dictionary.
        until: no day ends before.
    """

    __slots__ = ("_ends", "_epoch", "_since", "_withheld", "number", "until", "versions")

    def __init__(self, number: int) -> None:
        self.number = number
        self.versions: dict[int, int] = {}
        self._epoch: Epoch = (0, 0)
        self._since = self._ends = self.until = _EVER
        self._withheld = 0

    def stands(self, epoch: Epoch, now: datetime) -> bool:
        """Tell whether all in it counts at an instant, with these counters."""
        return epoch == self._epoch and self._since <= now < self._ends

    def begin(self, epoch: Epoch, instants: Instants, marks: Iterable[Mark]) -> None:
        """Begin anew with those of the marks of permits that are good at an instant."""
        now, until = instants
        self.clear()
        self._epoch, self._since, self._ends, self.until = epoch, now, until, until
        for mark in marks:
            if mark[3] <= now < mark[4]:
                self.add(mark)

    def add(self, mark: Mark) -> None:
        """Take up what a permit is good for."""
        change, version, epoch, made, until = mark
        if epoch == self._epoch:
            self.versions[change] = version
            self._since, self._ends = max(self._since, made), min(self._ends, until)

    def drop(self, change: int) -> None:
        """Know nothing more of a record."""
        self.versions.pop(change, None)

    def clear(self) -> None:
        """Know nothing more of any."""
        self.versions.clear()
        self._withheld = 0

    def note(self, change: int, version: int, sometime: int) -> int:
        """Take down whether a record may be known before ``until``; the database asks, says so."""
        if not sometime:
            if self._withheld >= MOST_WITHHELD:
                self._forget_withheld()
            self._withheld += 1
            self.versions[change] = -1 - version
        return sometime

    def _forget_withheld(self) -> None:
        for change in [change for change, version in self.versions.items() if version < 0]:
            del self.versions[change]
        self._withheld = 0
