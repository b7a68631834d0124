"""Ed-Fi XML interchange files (Student, StudentEnrollment, Contact, Parent): one, or a folder.

Places are written as the Ed-Fi XML schema names things: ``Student.BirthData.BirthDate``,
``StudentEducationOrganizationAssociation.Sex``, ``Contact.1.Name.LastSurname``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mappings.readers.edfi_join import EdfiWords, edfi_table
from mappings.readers.folder_parts import Part, parts_of
from mappings.readers.table import Table
from mappings.readers.xml_records import xml_records

WORDS: Final = EdfiWords(
    records=(
        "Student",
        "Contact",
        "StudentContactAssociation",
        "StudentEducationOrganizationAssociation",
        "StudentSchoolAssociation",
    ),
    student_key="StudentUniqueId",
    contact_keys=("ContactUniqueId", "ParentUniqueId"),
    student_ref="StudentReference.StudentIdentity.StudentUniqueId",
    contact_refs=(
        "ContactReference.ContactIdentity.ContactUniqueId",
        "ParentReference.ParentIdentity.ParentUniqueId",
    ),
    primary="PrimaryContactStatus",
    left="ExitWithdrawDate",
)
RECORDS: Final = WORDS.records
_OLD_NAMES: Final = {"Parent": "Contact", "StudentParentAssociation": "StudentContactAssociation"}


def read_edfi_xml(path: Path, places: tuple[str, ...]) -> Table:
    """Read Ed-Fi interchange files as rows of students.

    Raises:
        SourceError: a file is no well-formed or a dangerous XML, or there is no Student. Raised
            before any row is given.
    """
    return edfi_table(path.name, parts_of(path, (".xml",)), (read_records, WORDS), places)


def read_records(part: Part) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the kind, in a map's words, and the content of each record of a part.

    Raises:
        SourceError: the part cannot be read.
    """
    return ((_OLD_NAMES.get(name, name), record) for name, record in xml_records(part))
