"""OneRoster 1.1 and 1.2 CSV exports, a folder or a zip: one row is one student.

Files are joined as the standard says (1EdTech OneRoster CSV binding): ``demographics`` by
``sourcedId``, the school through ``orgSourcedIds`` (1.1) or ``roles.csv`` (1.2), parents and
guardians through ``agentSourcedIds`` of either side. Rows of other users count as blank lines, so
that row numbers are those of ``users.csv``. Booleans stay the words ``true`` and ``false``.

Where the export leaves a student's school or grade open, ``enrollment`` says what the classes say
(:mod:`mappings.readers.oneroster_classes`).

In a bulk export every row is active and its ``status`` is left empty (OneRoster 1.1, bulk
processing); where the manifest says bulk, an empty status is given on as ``active``.

Passwords are never read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mappings.readers.errors import SourceError
from mappings.readers.folder_parts import Part, named_parts
from mappings.readers.oneroster_classes import (
    ENROLLMENT,
    Enrolled,
    read_class_grades,
    read_enrolled,
)
from mappings.readers.roster_folder import (
    GUARDIANS,
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

_USERS: Final = (
    *("sourcedId", "status", "enabledUser", "username", "userIds", "givenName", "familyName"),
    *("middleName", "identifier", "email", "sms", "phone", "grades", "userMasterIdentifier"),
    *("preferredGivenName", "preferredMiddleName", "preferredFamilyName", "pronouns", "role"),
)
_DEMOGRAPHICS: Final = (
    *("birthDate", "sex", "americanIndianOrAlaskaNative", "asian", "blackOrAfricanAmerican"),
    *("nativeHawaiianOrOtherPacificIslander", "white", "demographicRaceTwoOrMoreRaces"),
    *("hispanicOrLatinoEthnicity", "countryOfBirthCode", "stateOfBirthAbbreviation"),
    *("cityOfBirth", "publicSchoolResidenceStatus"),
)
_ORG: Final = ("type", "sourcedId", "name", "identifier")
# What stands above schools (OneRoster OrgType): no student's school.
_ABOVE: Final = frozenset({"district", "local", "state", "national"})
PLACES: Final = (
    *(f"users.{name}" for name in _USERS),
    *(f"demographics.{name}" for name in _DEMOGRAPHICS),
    *(f"org.{name}" for name in _ORG),
    *(f"guardian.{n}.{name}" for n in range(1, GUARDIANS + 1) for name in _USERS),
    *(f"enrollment.{name}" for name in ENROLLMENT),
)
"""Every place a map may ask for; ``metadata`` columns of users and demographics may follow."""

VERSIONS: Final = ("1.1", "1.2")
# Relatives and aides are agents too; only these may be written to as a guardian.
_GUARDIAN_ROLES: Final = ("parent", "guardian")
_NOWHERE: Final = Enrolled()


@dataclass(slots=True)
class _Person:
    """What the folder says of one user: whether student or guardian, of which schools.

    Attributes:
        graded: whether users.csv says the grade.
    """

    student: bool = False
    graded: bool = False
    role: str = ""
    orgs: list[str] = field(default_factory=list)
    primary: list[str] = field(default_factory=list)
    guardians: list[str] = field(default_factory=list)

    def take(self, role: str, orgs: list[str], *, primary: bool) -> None:
        """Take in one role of the user."""
        plain = role.strip().casefold()
        if plain == "student":
            self.student = True
            self.orgs += orgs
            self.primary += orgs if primary else []
        elif plain in _GUARDIAN_ROLES:
            self.role = plain


@dataclass(slots=True)
class _Roster:
    """The folder, read but for the rows of the students."""

    parts: dict[str, Part]
    encoding: str
    asked: tuple[AskedPlace, ...]
    people: dict[str, _Person] = field(default_factory=dict)
    joined: dict[str, Joined] = field(default_factory=dict)
    schools: dict[str, list[Cells]] = field(default_factory=dict)
    enrolled: dict[str, Enrolled] = field(default_factory=dict)
    bulk: bool = False

    def open(self, name: str, *needed: str) -> RosterFile:
        """Open one of its files."""
        return RosterFile.of(self.parts[name], self.encoding, needed)


def read_oneroster(path: Path, how: RosterFormat) -> Table:
    """Read a OneRoster export as rows of students.

    Raises:
        SourceError: no users.csv, another version, a delta export, a file that cannot be read or
            lacks a needed column, too many people. Raised before any row is given.
    """
    parts = named_parts(path, ".csv")
    if "users" not in parts:
        raise SourceError(path.name, "the whole folder", "holds no users.csv of OneRoster")
    roster = _Roster(parts, how.encoding, asked_places(how.places))
    said = _manifest(parts, how.encoding, _read_files(roster))
    roster.bulk = said.get("file.users", "").casefold() == "bulk"
    _read_people(roster)
    _read_guardians(roster)
    columns = columns_of(roster.asked, "demographics")
    demographics = parts.get("demographics")
    roster.joined["demographics"] = index_by(demographics, "sourcedId", columns, how.encoding)
    _read_schools(roster)
    _read_enrollments(roster)
    if not any(person.student for person in roster.people.values()):
        raise SourceError(parts["users"].file, "the whole file", "holds no student")
    return Table(parts["users"].file, how.places, _rows(roster), joined=True)


def _read_files(roster: _Roster) -> list[str]:
    """Return the files a map asks something of: of these, all rows must be there."""
    asked = columns_of(roster.asked, "enrollment")
    return [
        "users",
        "demographics",
        "roles",
        "orgs",
        *(("enrollments", "classes") if asked else ()),
    ]


def _manifest(parts: dict[str, Part], encoding: str, read: list[str]) -> dict[str, str]:
    """Return what the manifest says, if there is one; refuse what is not read here."""
    if "manifest" not in parts:
        return {}
    file = RosterFile.of(parts["manifest"], encoding, ("propertyName", "value"))
    pick = file.pick(("propertyName", "value"))
    said = dict(pick(cells) for _, cells in file.filled())
    version = said.get("oneroster.version", "1.1")
    if version not in VERSIONS:
        advice = f"is of another version; OneRoster {' and '.join(VERSIONS)} are read"
        raise SourceError(parts["manifest"].file, "oneroster.version", advice)
    for name in read:
        if said.get(f"file.{name}", "").casefold() == "delta":
            advice = "is a delta export, which leaves rows out; ask for a bulk export"
            raise SourceError(parts["manifest"].file, f"file.{name}", advice)
    return said


def _read_people(roster: _Roster) -> None:
    """Find out who is a student or a guardian, from roles.csv or else from users.csv."""
    name, person = ("roles", "userSourcedId") if "roles" in roster.parts else ("users", "sourcedId")
    orgs = "orgSourcedId" if name == "roles" else "orgSourcedIds"
    file = roster.open(name, person, "role")
    pick = file.pick((person, "role", orgs, "roleType"))
    for _, cells in file.filled():
        user, role, schools, kind = pick(cells)
        known = roster.people.setdefault(user, _Person())
        known.take(role, listed(schools), primary=kind.casefold() == "primary")


def _read_guardians(roster: _Roster) -> None:
    """Read every user once: the guardians' cells, and who is whose guardian."""
    file = roster.open("users", "sourcedId", "givenName", "familyName")
    columns = columns_of(roster.asked, "guardian")
    pick, own = file.pick(columns), file.pick(("sourcedId", "agentSourcedIds", "grades"))
    guardians: Joined = {}
    for _, cells in file.filled():
        user, agents, grades = own(cells)
        person = roster.people.get(user)
        if person is None:
            continue
        person.graded = bool(grades)
        if person.role:
            found = pick(cells)
            if "role" in columns:
                found[columns.index("role")] = person.role
            keep(guardians, user, found, file.table.file)
        for agent in listed(agents):
            _link(roster, user, agent)
    roster.joined["guardian"] = guardians


def _link(roster: _Roster, one: str, other: str) -> None:
    """Note the guardian of a student; either of the two may name the other."""
    for student, guardian in ((one, other), (other, one)):
        person, adult = roster.people.get(student), roster.people.get(guardian)
        if person and adult and person.student and adult.role and guardian not in person.guardians:
            person.guardians.append(guardian)


def _read_schools(roster: _Roster) -> None:
    """Read each org, and so which orgs are schools."""
    roster.schools = index_by(roster.parts.get("orgs"), "sourcedId", [*_ORG], roster.encoding)


def _orgs_of(roster: _Roster, person: _Person) -> list[Cells]:
    """Return a student's school: the primary one if one is marked, and never a district."""
    known = roster.schools
    found = [row for org in person.primary or person.orgs for row in known.get(org, ())]
    schools = [row for row in found if row[0].casefold() == "school"]
    return schools or [row for row in found if row[0].casefold() not in _ABOVE]


def _read_enrollments(roster: _Roster) -> None:
    """Read what classes say of the students whose school or grade the export leaves open."""
    if not columns_of(roster.asked, "enrollment") or "enrollments" not in roster.parts:
        return
    for user, person in roster.people.items():
        if person.student and not (person.graded and _orgs_of(roster, person)):
            roster.enrolled[user] = Enrolled()
    grades = read_class_grades(roster.parts.get("classes"), roster.encoding)
    read_enrolled(roster.parts["enrollments"], roster.encoding, grades, roster.enrolled)


def _enrollment(roster: _Roster, user: str, person: _Person) -> dict[str, str]:
    """Return the cells of ``enrollment``, each empty where the export says it elsewhere."""
    enrolled = roster.enrolled.get(user, _NOWHERE)
    school = "" if _orgs_of(roster, person) else _school_of_classes(roster, person, enrolled)
    rows = roster.schools.get(school, [])
    cells = {"grade": "" if person.graded else enrolled.grade(), "school.sourcedId": school}
    for name in ("identifier", "name"):
        said = one_cell(rows, _ORG.index(name))
        cells[f"school.{name}"] = school if school == SEVERAL else said
    return cells


def _school_of_classes(roster: _Roster, person: _Person, enrolled: Enrolled) -> str:
    school = enrolled.school()
    unknown = {org for org in person.primary or person.orgs if org not in roster.schools}
    if school and unknown and school not in unknown:
        return SEVERAL  # the student is said to belong elsewhere, and nobody knows where that is
    above = all(row[0].casefold() in _ABOVE for row in roster.schools.get(school, ()) or ([""],))
    return "" if above else school


def _rows(roster: _Roster) -> Iterator[Cells]:
    file = roster.open("users")
    key, own = file.at("sourcedId") or 0, columns_of(roster.asked, "users")
    pick = file.pick(own)
    for _, cells in file.rows():
        person = roster.people.get(cells[key].strip()) if cells else None
        if person is None or not person.student:
            yield []
            continue
        mine = dict(zip(own, pick(cells), strict=True))
        if roster.bulk and "status" in mine:
            mine["status"] = mine["status"] or "active"
        yield _student(roster, cells[key].strip(), person, mine)


def _student(roster: _Roster, user: str, person: _Person, mine: dict[str, str]) -> Cells:
    """Return a student's row; ``mine`` is what users.csv says at the places asked for."""
    columns = {name: columns_of(roster.asked, name) for name in ("demographics", "guardian")}
    columns["org"] = [*_ORG]
    rows = {
        "demographics": roster.joined["demographics"].get(user, []),
        "org": _orgs_of(roster, person),
    }
    found = {"users": mine, "enrollment": _enrollment(roster, user, person)}
    return [
        found[place.record][place.column]
        if place.record in found
        else one_cell(
            rows.get(place.record) or _guardian(roster, person, place.number),
            columns[place.record].index(place.column),
        )
        for place in roster.asked
    ]


def _guardian(roster: _Roster, person: _Person, number: int) -> list[Cells]:
    if not 0 < number <= len(person.guardians):
        return []
    return roster.joined["guardian"].get(person.guardians[number - 1], [])
