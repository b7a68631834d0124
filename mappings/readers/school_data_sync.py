"""Microsoft School Data Sync exports (v1, v2, v2.1), a folder or a zip: one row is one student.

The three versions call the same things by different names, so a map asks in one set of words:

| place | v1 ``Student.csv`` | v2 ``users.csv`` | v2.1 |
|---|---|---|---|
| ``users.sourcedId`` | SIS ID, ID | sourcedId | sourcedId |
| ``users.givenName`` | First Name | givenName | givenName |
| ``users.role`` | - | role | ``roles.csv`` role |
| ``users.grade`` | Grade | grade | ``roles.csv`` grade |
| ``demographics.birthDate`` | Birthdate | - | ``demographics.csv`` birthDate |
| ``org.name`` | ``School.csv`` Name | ``orgs.csv`` name | ``orgs.csv`` name |
| ``guardian.1.givenName`` | ``User.csv`` First Name | as v2.1 | ``users.csv`` givenName |
| ``guardian.1.role`` | ``Guardianrelationship.csv`` Role | as v2.1 | ``relationships.csv`` |
| ``userFlags.flags`` | - | - | ``userFlags.csv``: special education, 504, lunch aid |

A guardian of v1 is known by the email address that both files write, whatever its case. A guardian
who is named and stands in no file of people keeps the role alone, and the map holds the row.

``userFlags`` rides in an ordinary roster and says what FERPA and IDEA protect most; no shipped map
sends it. Passwords stand in plain text in these files and are never read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mappings.readers.errors import SourceError
from mappings.readers.folder_parts import Part, named_parts
from mappings.readers.roster_folder import (
    GUARDIANS,
    MAX_PEOPLE,
    AskedPlace,
    Joined,
    RosterFile,
    RosterFormat,
    asked_places,
    columns_of,
    index_by,
    keep,
    listed,
    one_cell,
)
from mappings.readers.table import SEVERAL, Cells, Table

# The names of one column in v2/v2.1, v1, and v1 as used in the United Kingdom.
_ID: Final = ("sourcedId", "SIS ID", "ID")
_OWN: Final = {
    "sourcedId": _ID,
    "username": ("username", "Username"),
    "givenName": ("givenName", "First Name"),
    "middleName": ("middleName", "Middle Name"),
    "familyName": ("familyName", "Last Name"),
    "studentNumber": ("studentNumber", "Student Number"),
    "stateId": ("stateId", "State ID"),
    "email": ("email", "Secondary Email"),
    "phone": ("phone",),
    "sms": ("sms",),
    "status": ("status", "Status"),
    "grade": ("grade", "Grade"),
    "role": ("role",),
}
_SCHOOL_OF: Final = ("orgSourcedIds", "School SIS ID", "School DfE Number")
_DEMOGRAPHICS: Final = (
    *("birthDate", "sex", "birthCity", "birthState", "birthCountry"),
    *("ethnicityCodes", "raceCodes"),
)
_ORG: Final = {
    "sourcedId": ("sourcedId", "SIS ID", "DfE Number"),
    "name": ("name", "Name"),
    "type": ("type",),
    "number": ("number", "School Number"),
}
_GUARDIAN: Final = ("givenName", "familyName", "email", "phone", "sms", "role")
# Who is whose guardian, in v1 (where the adult's key is the email address) and in v2.1.
_RELATIONS: Final = {
    "student": ("guardianrelationship", "SIS ID", "Email", "Role"),
    "users": ("relationships", "userSourcedId", "relationshipUserSourcedId", "relationshipRole"),
}
_ADULTS: Final = {"student": ("user", ("Email",)), "users": ("users", _ID)}
# The columns of User.csv (v1); its SIS ID may be left empty.
_ADULT: Final = {"email": ("Email",), "phone": ("Phone",)}
PLACES: Final = (
    *(f"users.{name}" for name in _OWN),
    *(f"demographics.{name}" for name in _DEMOGRAPHICS),
    *(f"org.{name}" for name in _ORG),
    *(f"guardian.{n}.{name}" for n in range(1, GUARDIANS + 1) for name in _GUARDIAN),
    "userFlags.flags",
)
"""Every place a map may ask for."""

_GUARDIAN_ROLES: Final = ("parent", "guardian")


@dataclass(slots=True)
class _Links:
    """What other files say of one student; ``guardians`` are roles by the adult's key."""

    orgs: list[str] = field(default_factory=list)
    grades: set[str] = field(default_factory=set)
    guardians: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Export:
    """The folder, read but for the rows of the students."""

    parts: dict[str, Part]
    encoding: str
    asked: tuple[AskedPlace, ...]
    students: dict[str, _Links] = field(default_factory=dict)
    joined: dict[str, Joined] = field(default_factory=dict)

    @property
    def people(self) -> str:
        """The file whose rows are the students."""
        return "users" if "users" in self.parts else "student"

    def open(self, name: str) -> RosterFile:
        """Open one of its files."""
        return RosterFile.of(self.parts[name], self.encoding)


def read_sds(path: Path, how: RosterFormat) -> Table:
    """Read a School Data Sync export as rows of students.

    Raises:
        SourceError: neither users.csv nor Student.csv, no student, a file that cannot be read or
            lacks a needed column, too many people. Raised before any row is given.
    """
    parts = named_parts(path, ".csv")
    export = _Export(parts, how.encoding, asked_places(how.places))
    if export.people not in parts:
        advice = "holds neither users.csv (v2) nor Student.csv (v1) of School Data Sync"
        raise SourceError(path.name, "the whole folder", advice)
    _read_students(export)
    _read_roles(export)
    file = parts[export.people].file
    if not export.students:
        raise SourceError(file, "the whole file", "holds no student")
    _read_guardians(export)
    _read_satellites(export)
    return Table(file, how.places, _rows(export), joined=True)


def _column(file: RosterFile, names: tuple[str, ...]) -> int:
    found = file.at(*names)
    if found is None:
        raise SourceError(file.table.file, "row 1", f'the column "{names[0]}" is missing')
    return found


def _read_students(export: _Export) -> None:
    """Find the students of v1 (every row) and v2 (by the role in users.csv), with their schools."""
    file = export.open(export.people)
    key, role = _column(file, _ID), file.at("role")
    every = export.people == "student"
    if not every and role is None and "roles" not in export.parts:
        raise SourceError(file.table.file, "row 1", "has no role, and there is no roles.csv")
    pick = file.pick([_SCHOOL_OF])
    for _, cells in file.filled():
        if every or (role is not None and cells[role].strip().casefold() == "student"):
            links = export.students.setdefault(cells[key].strip(), _Links())
            links.orgs += listed(pick(cells)[0])


def _read_roles(export: _Export) -> None:
    """Find the students of v2.1; the role marked as primary decides the school and the grade."""
    if "roles" not in export.parts:
        return
    file = RosterFile.of(export.parts["roles"], export.encoding, ("userSourcedId", "role"))
    pick = file.pick(("userSourcedId", "role", "orgSourcedId", "grade", "isPrimary"))
    primary: set[str] = set()
    for _, cells in file.filled():
        user, role, org, grade, main = pick(cells)
        if role.casefold() != "student":
            continue
        links = export.students.setdefault(user, _Links())
        if main.casefold() == "true" and user not in primary:
            primary.add(user)
            links.orgs, links.grades = [], set()
        elif user in primary and main.casefold() != "true":
            continue
        links.orgs.append(org)
        links.grades.add(grade)


def _read_guardians(export: _Export) -> None:
    """Read who is whose parent or guardian; relatives, others and those without a role are none."""
    columns = columns_of(export.asked, "guardian")
    name, *needed = _RELATIONS[export.people]
    adults: set[str] = set()
    if name in export.parts and columns:
        file = RosterFile.of(export.parts[name], export.encoding, tuple(needed))
        pick = file.pick(needed)
        for _, cells in file.filled():
            student, adult, role = pick(cells)
            if role.casefold() in _GUARDIAN_ROLES and student in export.students:
                adults.add(_link(export, student, adult, role))
            if len(adults) > MAX_PEOPLE:
                advice = f"speaks of more than {MAX_PEOPLE:,} people"
                raise SourceError(file.table.file, "the whole file", advice)
    export.joined["guardian"] = _adults(export, adults, columns)


def _link(export: _Export, student: str, adult: str, role: str) -> str:
    """Note a guardian of a student; return as what the adult is known."""
    known, key = export.students[student].guardians, _key_of(export, adult)
    said = known.setdefault(key, role)
    if said.casefold() != role.casefold():
        known[key] = SEVERAL
    return key


def _key_of(export: _Export, text: str) -> str:
    return text.casefold() if export.people == "student" else text


def _adults(export: _Export, wanted: set[str], columns: list[str]) -> Joined:
    """Return the asked cells of some adults; every row is read, so a broken one is known now."""
    name, key_names = _ADULTS[export.people]
    found: Joined = {}
    if name not in export.parts:
        if wanted:
            relations = export.parts[_RELATIONS[export.people][0]].file
            advice = "names guardians, and there is no User.csv that says who they are"
            raise SourceError(relations, "the whole file", advice)
        return found
    file = export.open(name)
    named = _OWN | _ADULT if export.people == "student" else _OWN
    key, pick = _column(file, key_names), file.pick([named.get(one, (one,)) for one in columns])
    for _, cells in file.filled():
        adult = _key_of(export, cells[key].strip())
        if adult and adult in wanted:
            keep(found, adult, pick(cells), file.table.file)
    return found


def _read_satellites(export: _Export) -> None:
    columns = columns_of(export.asked, "demographics")
    demographics = export.parts.get("demographics")
    found = index_by(demographics, "userSourcedId", columns, export.encoding)
    if columns and export.people == "student":
        file = export.open("student")
        key = _column(file, _ID)
        pick = file.pick([("Birthdate",) if name == "birthDate" else (name,) for name in columns])
        for _, cells in file.filled():
            keep(found, cells[key].strip(), pick(cells), file.table.file)
    export.joined["demographics"] = found
    flags = ["flag"] if columns_of(export.asked, "userFlags") else []
    part = export.parts.get("userflags")
    export.joined["userFlags"] = index_by(part, "userSourcedId", flags, export.encoding)
    export.joined["org"] = _orgs(export)


def _orgs(export: _Export) -> Joined:
    columns = columns_of(export.asked, "org")
    found: Joined = {}
    name = "orgs" if "orgs" in export.parts else "school"
    if not columns or name not in export.parts:
        return found
    file = export.open(name)
    key, pick = _column(file, _ORG["sourcedId"]), file.pick([_ORG[column] for column in columns])
    for _, cells in file.filled():
        keep(found, cells[key].strip(), pick(cells), file.table.file)
    return found


def _rows(export: _Export) -> Iterator[Cells]:
    file = export.open(export.people)
    key, own = _column(file, _ID), columns_of(export.asked, "users")
    pick = file.pick([_OWN[name] for name in own])
    for _, cells in file.rows():
        links = export.students.get(cells[key].strip()) if cells else None
        if links is None:
            yield []
            continue
        mine = dict(zip(own, pick(cells), strict=True))
        if "grade" in mine and links.grades:
            mine["grade"] = one_cell(([grade] for grade in links.grades), 0)
        if "role" in mine and "roles" in export.parts:
            mine["role"] = "student"
        user = cells[key].strip()
        yield [
            mine[p.column] if p.record == "users" else _cell(export, (user, links), p)
            for p in export.asked
        ]


def _cell(export: _Export, student: tuple[str, _Links], place: AskedPlace) -> str:
    user, links = student
    joined = export.joined[place.record]
    if place.record == "userFlags":
        return "; ".join(cells[0] for cells in joined.get(user, ()))
    index = columns_of(export.asked, place.record).index(place.column)
    if place.record == "org":
        return one_cell((row for org in links.orgs for row in joined.get(org, ())), index)
    if place.record == "demographics":
        return one_cell(joined.get(user, ()), index)
    if place.number > len(links.guardians):
        return ""
    adult, role = [*links.guardians.items()][place.number - 1]
    return role if place.column == "role" else one_cell(joined.get(adult, ()), index)
