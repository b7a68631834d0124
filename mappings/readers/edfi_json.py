"""Ed-Fi API (ODS) resources as JSON: a folder or zip of files named after what they hold.

``students.json`` holds what ``GET /ed-fi/students`` gives: an array, or one object a line. Places
are written as the API names things: ``students.birthDate``,
``studentEducationOrganizationAssociations.sexDescriptor``, ``contacts.1.lastSurname``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from mappings.readers.edfi_join import EdfiWords, edfi_table
from mappings.readers.folder_parts import Part, parts_of
from mappings.readers.json_records import json_records
from mappings.readers.table import Table

WORDS: Final = EdfiWords(
    records=(
        "students",
        "contacts",
        "studentContactAssociations",
        "studentEducationOrganizationAssociations",
        "studentSchoolAssociations",
    ),
    student_key="studentUniqueId",
    contact_keys=("contactUniqueId", "parentUniqueId"),
    student_ref="studentReference.studentUniqueId",
    contact_refs=("contactReference.contactUniqueId", "parentReference.parentUniqueId"),
    primary="primaryContactStatus",
    left="exitWithdrawDate",
)
RECORDS: Final = WORDS.records
_BY_NAME: Final = {
    **{name.casefold(): name for name in WORDS.records},
    "parents": "contacts",
    "studentparentassociations": "studentContactAssociations",
}


def read_edfi_json(path: Path, places: tuple[str, ...]) -> Table:
    """Read resources of the Ed-Fi API as rows of students.

    Raises:
        SourceError: a file is no JSON of objects, or there is no students file. Raised before any
            row is given.
    """
    parts = parts_of(path, (".json", ".jsonl", ".ndjson"))
    return edfi_table(path.name, parts, (read_records, WORDS), places)


def read_records(part: Part) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the kind, in a map's words, and the content of each record of a part.

    Raises:
        SourceError: the part cannot be read.
    """
    kind = _BY_NAME.get(part.stem, part.stem)
    return ((kind, record) for record in json_records(part))


def is_export(stems: Iterable[str]) -> bool:
    """Whether files of these names, in small letters, are resources of the Ed-Fi API."""
    return any(stem in _BY_NAME for stem in stems)
