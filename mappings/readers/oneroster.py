"""OneRoster 1.1 and 1.2 CSV exports, a folder or a zip: one row is one student.

Files are joined as the standard says (1EdTech OneRoster CSV binding): ``demographics`` by
``sourcedId``, the school through ``orgSourcedIds`` (1.1) or ``roles.csv`` (1.2), parents and
guardians through ``agentSourcedIds`` of either side. Rows of other users count as blank lines, so
that row numbers are those of ``users.csv``. Booleans stay the words ``true`` and ``false``.

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
from mappings.readers.table import Cells, Table

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
_ORG: Final = ("sourcedId", "name", "type", "identifier")
PLACES: Final = (
    *(f"users.{name}" for name in _USERS),
    *(f"demographics.{name}" for name in _DEMOGRAPHICS),
    *(f"org.{name}" for name in _ORG),
    *(f"guardian.{n}.{name}" for n in range(1, GUARDIANS + 1) for name in _USERS),
)
"""Every place a map may ask for; ``metadata`` columns of users and demographics may follow."""

VERSIONS: Final = ("1.1", "1.2")
# Relatives and aides are agents too; only these may be written to as a guardian.
_GUARDIAN_ROLES: Final = ("parent", "guardian")


@dataclass(slots=True)
class _Person:
    """What the folder says of one user: whether student or guardian, of which schools."""

    student: bool = False
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
    said = _manifest(parts, how.encoding)
    roster = _Roster(parts, how.encoding, asked_places(how.places))
    roster.bulk = said.get("file.users", "").casefold() == "bulk"
    _read_people(roster)
    _read_guardians(roster)
    columns = columns_of(roster.asked, "demographics")
    demographics = parts.get("demographics")
    roster.joined["demographics"] = index_by(demographics, "sourcedId", columns, how.encoding)
    _read_schools(roster)
    if not any(person.student for person in roster.people.values()):
        raise SourceError(parts["users"].file, "the whole file", "holds no student")
    return Table(parts["users"].file, how.places, _rows(roster), joined=True)


def _manifest(parts: dict[str, Part], encoding: str) -> dict[str, str]:
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
    for name in ("users", "demographics", "roles", "orgs"):
        if said.get(f"file.{name}", "").casefold() == "delta":
            advice = "is a delta export, which leaves students out; ask for a bulk export"
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
    pick, own = file.pick(columns), file.pick(("sourcedId", "agentSourcedIds"))
    guardians: Joined = {}
    for _, cells in file.filled():
        user, agents = own(cells)
        person = roster.people.get(user)
        if person is None:
            continue
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
    """Read the asked cells of each org, and remember which orgs are schools."""
    columns = columns_of(roster.asked, "org")
    wanted = ["type", *columns]
    roster.schools = index_by(roster.parts.get("orgs"), "sourcedId", wanted, roster.encoding)


def _orgs_of(roster: _Roster, person: _Person) -> list[Cells]:
    """Return a student's school: the primary one if one is marked, and a school, not a district."""
    known = roster.schools
    found = [row for org in person.primary or person.orgs for row in known.get(org, ())]
    return [row for row in found if row[0].casefold() == "school"] or found


def _rows(roster: _Roster) -> Iterator[Cells]:
    file = roster.open("users")
    key, own = file.at("sourcedId") or 0, columns_of(roster.asked, "users")
    pick = file.pick(own)
    columns = {name: columns_of(roster.asked, name) for name in ("demographics", "guardian", "org")}
    for _, cells in file.rows():
        person = roster.people.get(cells[key].strip()) if cells else None
        if person is None or not person.student:
            yield []
            continue
        user, mine = cells[key].strip(), pick(cells)
        if roster.bulk and "status" in own:
            mine[own.index("status")] = mine[own.index("status")] or "active"
        rows = {
            "demographics": roster.joined["demographics"].get(user, []),
            "org": [row[1:] for row in _orgs_of(roster, person)],
        }
        yield [
            mine[own.index(place.column)]
            if place.record == "users"
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
