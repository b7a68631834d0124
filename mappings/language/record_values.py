"""The values of a record by their canonical names, each code with the words beside it."""

from typing import Any

from mappings.canonical import Referral, Student
from mappings.language.dictionary import DICTIONARY, MapKind

Values = dict[str, Any]
_Parts = list[tuple[str, Any]]


def values_of(record: Referral | Student) -> Values:
    """Return the filled fields of a referral or a student.

    A referral's guardian is the one its form names; those of its roster belong to the student.
    """
    if isinstance(record, Student):
        named = enumerate(record.guardians, 1)
        guardians: _Parts = [(f"guardian.{number}", guardian) for number, guardian in named]
        return _of(MapKind.ROSTER, [("student", record), *guardians])
    taken = enumerate(record.screenings, 1)
    parts: _Parts = [
        ("", record),
        ("student", record.student),
        ("guardian", record.guardian),
        *((f"screening.{number}", screening) for number, screening in taken),
        *((f"release.{release.form}", release) for release in record.releases),
    ]
    return _of(MapKind.REFERRAL, parts)


def _of(kind: MapKind, parts: _Parts) -> Values:
    known, found = DICTIONARY[kind], Values()
    for group, part in parts:
        for attribute in getattr(part, "__slots__", ()):
            name = f"{group}.{attribute}" if group else attribute
            value = getattr(part, attribute)
            if name in known and value is not None and value != ():
                found[name] = value
    return found
