"""Hears what becomes of each row of an import, and holds one whose number is somebody else's.

A number that was given to two children, or mistyped, would put one child's referral into the
record of the other. Whether it is the same child, a person says: nothing is guessed.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from bridge.journeys.files.held_rows import HeldRow
from bridge.store.directory import student_of_key
from bridge.store.search.index_values import normalised
from bridge.store.search.indexing import says_the_same
from mappings.canonical import Referral, SourceRow, Student

STUDENT_DIFFERS: Final = "student-differs"
_OTHER: Final = (
    "the student number is on file with another name or date of birth; correct the number, the "
    "name or the date, or say that it is the same student"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a row that was stored.

    Attributes:
        new: its referral was not there before.
        changes: it replaced what was on file of the student.
    """

    new: bool
    changes: bool


class ImportWatch:
    """Watches the import of one file, in one or more transactions (which may be undone)."""

    def __init__(self, lea: str, accepted: Collection[int], *, rehearses: bool) -> None:
        """Watch.

        Args:
            lea: short name of the district.
            accepted: rows of which a person said that it is the student on file.
            rehearses: what is imported will be undone.
        """
        self.rehearses = rehearses
        self.stored: dict[int, Stored] = {}
        self._lea, self._accepted = lea, accepted
        self._coming: dict[int, Student] = {}
        # The students of rows before: what the review of a file undoes must count all the same.
        self._before: dict[str, Student] = {}

    def doubt(self, connection: Connection, referral: Referral, patient_id: str) -> HeldRow | None:
        """Return why a row is held whose student number is on file for somebody else."""
        row, student = referral.origin.row, referral.student
        self._coming[row] = student
        if row in self._accepted or self._same(connection, student, patient_id):
            return None
        return HeldRow(referral.origin, (STUDENT_DIFFERS,), (_OTHER,))

    def taken(self, origin: SourceRow, *, new: bool, changes: bool) -> None:
        """Note that a row was stored."""
        student = self._coming[origin.row]
        first = student.local_id not in self._before
        self._before.setdefault(student.local_id, student)
        self.stored[origin.row] = Stored(new, changes and first)

    def _same(self, connection: Connection, student: Student, patient_id: str) -> bool:
        before = self._before.get(student.local_id, student)
        known = student_of_key(connection, self._lea, student.local_id)
        born = before.birth_date if known is None else known.birth_date
        named = says_the_same(connection, ("Patient", patient_id), _named(student))
        if named is None:
            named = _named(before) == _named(student)
        return born == student.birth_date and named


def _named(student: Student) -> dict[str, str]:
    return {"family": normalised(student.family_name), "given": normalised(student.given_name)}
