"""What the classes of a OneRoster export say of a student: the school and the grade.

``enrollments.csv`` (1.1 and 1.2) names the school of each class a student attends, ``classes.csv``
the grades the class is for. Both are asked only where the export leaves a student's own school or
grade open, and never weighed: classes at two schools, or for grades that cannot both be a
student's, are ``SEVERAL`` and hold the row; a class for several grades alone decides nothing.
Enrollments ``tobedeleted`` and those of teachers do not count.

Source: 1EdTech OneRoster CSV binding 1.1 (section 4.6, 4.10) and 1.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from mappings.readers.errors import SourceError
from mappings.readers.folder_parts import Part
from mappings.readers.roster_folder import RosterFile, listed
from mappings.readers.table import SEVERAL

ENROLLMENT: Final = ("grade", "school.sourcedId", "school.identifier", "school.name")
"""The columns of a place ``enrollment``."""

MAX_CLASSES: Final = 400_000
Grades = Mapping[str, frozenset[str]]
"""For each class, the grades it is for."""
_NEEDED: Final = ("classSourcedId", "schoolSourcedId", "userSourcedId", "role")


@dataclass(slots=True)
class Enrolled:
    """What the classes of one student say together; however many there are, it stays small.

    Attributes:
        schools: up to two schools; two are one too many already.
        grades: the grades that every class so far is for; None before the first that says one.
    """

    schools: set[str] = field(default_factory=set)
    grades: frozenset[str] | None = None

    def take(self, school: str, grades: frozenset[str]) -> None:
        """Take in one class."""
        if school and len(self.schools) < 2:
            self.schools.add(school)
        if grades:
            self.grades = grades if self.grades is None else self.grades & grades

    def grade(self) -> str:
        """Return the one grade all classes are for; ``SEVERAL`` where none can be."""
        if self.grades is None or len(self.grades) > 1:
            return ""
        return next(iter(self.grades), SEVERAL)

    def school(self) -> str:
        """Return the one school of all classes; ``SEVERAL`` where there are several."""
        return SEVERAL if len(self.schools) > 1 else next(iter(self.schools), "")


def read_class_grades(part: Part | None, encoding: str) -> Grades:
    """Return the grades each class is for; an absent file says nothing.

    Raises:
        SourceError: the file cannot be read, or there are more classes than are ever held.
    """
    found: dict[str, frozenset[str]] = {}
    if part is None:
        return found
    file = RosterFile.of(part, encoding, ("sourcedId",))
    pick = file.pick(("sourcedId", "grades"))
    for _, cells in file.filled():
        key, grades = pick(cells)
        found[key] = found.get(key, frozenset()) | frozenset(listed(grades))
        if len(found) > MAX_CLASSES:
            advice = f"speaks of more than {MAX_CLASSES:,} classes"
            raise SourceError(part.file, "the whole file", advice)
    return found


def read_enrolled(
    part: Part, encoding: str, grades: Grades, students: Mapping[str, Enrolled]
) -> None:
    """Let each student know what their classes say.

    Raises:
        SourceError: the file cannot be read or lacks a needed column.
    """
    file = RosterFile.of(part, encoding, _NEEDED)
    pick = file.pick((*_NEEDED, "status"))
    for _, cells in file.filled():
        class_, school, user, role, status = pick(cells)
        known = students.get(user)
        if known is None or role.casefold() != "student" or status.casefold() == "tobedeleted":
            continue
        known.take(school, grades.get(class_, frozenset()))
