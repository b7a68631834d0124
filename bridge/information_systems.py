"""The student information systems of districts that want a program association written back.

A district's Ed-Fi ODS is told which students are in services, and nothing else. One table each::

    [ods.millbrook]                                # the organisation's short name
    resources = "https://ods.millbrook.example/data/v3/ed-fi"
    token = "https://ods.millbrook.example/oauth/token"
    client_id = "..."
    client_secret = "..."
    role = "counselor"                             # of the agreement: who reads it there
    student_id = "local"                           # which number is studentUniqueId; or "state"
    education_organization = 255901                # educationOrganizationId of the district
    program = "Community services"                 # a program that the bridge alone writes to
    program_type = "uri://ed-fi.org/ProgramTypeDescriptor#Counseling Services"

The role is the term: what the agreement does not let that role know of is not written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bridge.directories import is_protected
from bridge.errors import SettingsError

_TEXTS: Final = (
    *("resources", "token", "client_id", "client_secret", "role", "student_id", "program"),
    "program_type",
)
_KNOWN: Final = frozenset({*_TEXTS, "education_organization"})


@dataclass(frozen=True, slots=True)
class InformationSystem:
    """One district's ODS, and what is written to it.

    Attributes:
        name: short name of the organisation.
        resources, token: the addresses of Ed-Fi's resources and of the token endpoint.
        role: the staff role of the agreement for whom it is written.
        student_id: ``local`` or ``state``: which number is Ed-Fi's studentUniqueId.
        education_organization: educationOrganizationId of the district, which has the program.
        program, program_type: programName and programTypeDescriptor.
    """

    name: str
    resources: str
    token: str
    client_id: str
    client_secret: str = field(repr=False)
    role: str
    student_id: str
    education_organization: int
    program: str
    program_type: str


def read_information_systems(tables: object) -> tuple[InformationSystem, ...]:
    """Read the ``ods`` tables of the settings.

    Raises:
        SettingsError: something is missing, unknown or out of range; the message names it.
    """
    if not isinstance(tables, Mapping):
        raise SettingsError("ods: write one table [ods.NAME] a district")
    return tuple(_read(str(name), table) for name, table in tables.items())


def _read(name: str, table: object) -> InformationSystem:
    place = f"ods.{name}"
    if not isinstance(table, Mapping) or set(table) - _KNOWN:
        raise SettingsError(f"{place}: write {', '.join(sorted(_KNOWN))} and nothing else")
    for wanted in _TEXTS:
        if not isinstance(table.get(wanted), str) or not table[wanted]:
            raise SettingsError(f"{place}.{wanted}: write a text")
    for address in ("resources", "token"):
        if not is_protected(table[address]) or set("?#") & set(table[address]):
            raise SettingsError(f"{place}.{address}: an address that begins with https://")
    if table["student_id"] not in ("local", "state"):
        raise SettingsError(f"{place}.student_id: local or state")
    number = table.get("education_organization")
    if not isinstance(number, int) or isinstance(number, bool):
        raise SettingsError(f"{place}.education_organization: write a whole number")
    texts = {each: str(table[each]) for each in _TEXTS}
    texts["resources"] = texts["resources"].rstrip("/")
    return InformationSystem(name=name, education_organization=number, **texts)
