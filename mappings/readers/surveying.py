"""What a file or folder is, and every column or place it fills: what a draft of a map is made of.

The format is told by what is inside, never by a name alone. Places are those that a map may write;
what stands in the export and has no place is named as well, so that nothing goes unseen. No value
of a record is given on here.
"""

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mappings.readers import edfi_json, edfi_xml, fhir_records, fhir_sessions
from mappings.readers.delimited_text import CsvFormat, read_delimited
from mappings.readers.errors import SourceError
from mappings.readers.fhir_resources import resources
from mappings.readers.folder_parts import Part, parts_of
from mappings.readers.hl7_survey import survey_messages
from mappings.readers.json_records import json_records
from mappings.readers.opening import SourceFormat, is_folder, open_table, roster_places
from mappings.readers.record_places import leaf_paths
from mappings.readers.roster_folder import RosterFile
from mappings.readers.table import Table

_MARKS: Final = (",", ";", "\t", "|")
# How a table may be written: its delimiter, and the character before a quote that is not doubled.
_WAYS: Final = (*((mark, "") for mark in _MARKS), *((mark, "\\") for mark in _MARKS))
_ENDINGS: Final = (".csv", ".txt", ".tsv", ".xml", ".json", ".jsonl", ".ndjson")
_JSON: Final = (".json", ".jsonl", ".ndjson")
_HL7: Final = (b"MSH", b"FHS", b"BHS")
_TABLES: Final = (".csv", ".tsv")
_SESSIONS: Final = ("Encounter", "Appointment")
# Kinds of record of which one row has several: a place needs the number of the one meant.
_NUMBERED: Final = {
    "edfi-xml": (edfi_xml.WORDS.contact, edfi_xml.WORDS.link),
    "edfi-json": (edfi_json.WORDS.contact, edfi_json.WORDS.link),
    "fhir-json": ("RelatedPerson",),
    "fhir-sessions": (),
}
_NUMBERS: Final = 9
_RECORDS: Final = {
    "edfi-xml": edfi_xml.RECORDS,
    "edfi-json": edfi_json.RECORDS,
    "fhir-json": fhir_records.RECORDS,
    "fhir-sessions": fhir_sessions.RECORDS,
}
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One source as it was found.

    Attributes:
        name: what to call it: the name of the file or part without its ending.
        path: the file or folder to open.
        how: how it is read; ``locations`` are its places, in formats that have some.
        notes: what stands there and no column or place reads, in the words of the export.
    """

    name: str
    path: Path
    how: SourceFormat
    notes: tuple[str, ...] = ()

    def table(self) -> Table:
        """Open it.

        Raises:
            SourceError: it cannot be read.
        """
        return open_table(self.path, self.how)


def survey(path: Path, *, sessions: bool = False) -> list[Surveyed]:
    """Return what a file, folder or zip holds: one source, or one for each table.

    Args:
        path: the file or folder.
        sessions: whether visits are wanted of FHIR that holds visits and referrals.

    Raises:
        SourceError: it cannot be read, or is of no format that is known.
    """
    if is_folder(path) and not _is_workbook(path):
        return _folder(path, sessions=sessions)
    with path.open("rb") as stream:
        first = stream.read(200).removeprefix(b"\xef\xbb\xbf").lstrip(b"\x0b\r\n\t ")
    part = Part(path.name, path.name, lambda: path.open("rb"))
    if first.startswith(_HL7):
        places, notes = survey_messages(path)
        return [Surveyed(path.stem, path, SourceFormat(("hl7v2",), locations=places), notes)]
    # The first heading of a table may begin with anything.
    if path.suffix.lower() in _TABLES or not first.startswith((b"<", b"{", b"[")):
        return [_table(path)]
    if first.startswith(b"<"):
        return [_records(path, "edfi-xml", [part])]
    return _json(path, [part], sessions=sessions)


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as book:
            return "xl/workbook.xml" in book.namelist()
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile):
        return False


def _table(path: Path) -> Surveyed:
    wrong: SourceError | None = None
    for mark, escape in _WAYS:
        how = SourceFormat(("csv", "xlsx"), delimiter=mark, escape=escape)
        found = Surveyed(path.stem, path, how)
        try:
            for _ in found.table().rows:
                pass
        except SourceError as error:
            wrong = wrong or error
        else:
            return found
    assert wrong is not None  # noqa: S101 - there is a way, and it failed
    raise wrong


def _folder(path: Path, *, sessions: bool) -> list[Surveyed]:
    parts = parts_of(path, _ENDINGS)
    tables = [part for part in parts if part.name.casefold().endswith(_ENDINGS[:3])]
    objects = [part for part in parts if part.name.casefold().endswith(_JSON)]
    if roster := _roster_format(tables):
        return [_roster(path, roster, tables)]
    if tables:
        return [_part(path, part) for part in tables]
    if objects:
        return _json(path, objects, sessions=sessions)
    return [_records(path, "edfi-xml", parts)]


def _part(path: Path, part: Part) -> Surveyed:
    """Return one table of a folder."""
    wrong: SourceError | None = None
    stem = Path(part.name).stem
    for mark, escape in _WAYS:
        try:
            read_delimited(part.opener, part.file, CsvFormat(delimiter=mark, escape=escape))
        except SourceError as error:
            wrong = wrong or error
        else:
            how = SourceFormat(("csv",), delimiter=mark, escape=escape, part=stem)
            return Surveyed(stem, path, how)
    assert wrong is not None  # noqa: S101 - there is a way, and it failed
    raise wrong


def _roster_format(parts: list[Part]) -> str:
    """Tell rosters by the columns that only they have; empty when it is none."""
    by_stem = {part.stem: part for part in parts}
    people = next((by_stem[name] for name in ("users", "student") if name in by_stem), None)
    if people is None:
        return ""
    file = RosterFile.of(people, "utf-8")
    if people.stem == "users" and ("manifest" in by_stem or file.at("enabledUser") is not None):
        return "oneroster"
    key = ("sourcedId",) if people.stem == "users" else ("SIS ID", "ID")
    return "sds" if file.at(*key) is not None else ""


def _roster(path: Path, name: str, parts: list[Part]) -> Surveyed:
    """Return the places of a roster that hold something, and the columns that have none."""
    places = roster_places(name)
    table = open_table(path, SourceFormat((name,), locations=places))
    filled = {place for row in table.rows for place, cell in zip(places, row, strict=False) if cell}
    columns = {place.rpartition(".")[2].casefold() for place in filled}
    notes = []
    for part in parts:
        header = RosterFile.of(part, "utf-8").table.header
        left = [heading for heading in header if heading.casefold() not in columns]
        if left:
            notes.append(f"{part.name}: {_listed(left)}")
    found = tuple(place for place in places if place in filled)
    return Surveyed(path.stem, path, SourceFormat((name,), locations=found), tuple(notes))


def _json(path: Path, parts: list[Part], *, sessions: bool) -> list[Surveyed]:
    first = {part.stem: next(iter(json_records(part)), {}) for part in parts}
    if any(isinstance(record.get("resourceType"), str) for record in first.values()):
        return [_records(path, _fhir_format(parts, sessions=sessions), parts)]
    if edfi_json.is_export(first):
        return [_records(path, "edfi-json", parts)]
    names = [Path(part.name).stem for part in parts]
    return [Surveyed(name, path, SourceFormat(("ndjson",), part=name)) for name in names]


def _fhir_format(parts: list[Part], *, sessions: bool) -> str:
    kinds = {resource["resourceType"] for part in parts for _, resource in resources(part)}
    visits = not kinds.isdisjoint(_SESSIONS)
    return (
        "fhir-sessions" if visits and (sessions or "ServiceRequest" not in kinds) else "fhir-json"
    )


def _records(path: Path, name: str, parts: list[Part]) -> Surveyed:
    """Return the places of nested records; what is of no kind, or reaches no row, is a note."""
    found: dict[tuple[str, str], None] = {}
    for kind, record in _read_records(name, parts):
        found.update(dict.fromkeys((kind, leaf) for leaf in leaf_paths(record)))
    kinds = _RECORDS[name]
    single = [f"{kind}.{leaf}" for kind, leaf in found if kind in kinds and not _many(name, kind)]
    many = [(kind, leaf) for kind, leaf in found if kind in kinds and _many(name, kind)]
    numbered = [f"{k}.{n}.{leaf}" for n in range(1, _NUMBERS + 1) for k, leaf in many]
    table = open_table(path, SourceFormat((name,), locations=(*single, *numbered)))
    filled: set[str] = set()
    for row in table.rows:
        filled |= {place for place, cell in zip(table.header, row, strict=True) if cell}
    reached = {(kind, leaf) for kind, leaf in many if _of_any_number(kind, leaf) & filled}
    notes = [
        f"{kind}.{leaf}: no row reaches it" for kind, leaf in many if (kind, leaf) not in reached
    ]
    if others := [kind for kind in dict.fromkeys(kind for kind, _ in found) if kind not in kinds]:
        notes.append(f"records of another kind: {_listed(others)}")
    places = (*single, *(place for place in numbered if place in filled))
    return Surveyed(path.stem, path, SourceFormat((name,), locations=places), tuple(notes))


def _many(name: str, kind: str) -> bool:
    return kind in _NUMBERED[name]


def _of_any_number(kind: str, leaf: str) -> set[str]:
    return {f"{kind}.{number}.{leaf}" for number in range(1, _NUMBERS + 1)}


def _read_records(name: str, parts: list[Part]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in parts:
        if name == "edfi-xml":
            yield from edfi_xml.read_records(part)
        elif name == "edfi-json":
            yield from edfi_json.read_records(part)
        else:
            yield from ((str(one["resourceType"]), one) for _, one in resources(part))


def _listed(names: Iterable[str]) -> str:
    shown = [name[:_SHOWN] for name in names]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
