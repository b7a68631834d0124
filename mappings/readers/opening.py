"""Where files are opened: sources as tables, and the bytes of maps and value tables.

The format of a source is known by the file's first bytes, never by its name.
"""

from dataclasses import dataclass
from pathlib import Path

from mappings.readers import (
    edfi_json,
    edfi_xml,
    fhir_records,
    fhir_sessions,
    oneroster,
    school_data_sync,
)
from mappings.readers.csv_rows import read_csv, read_csv_part
from mappings.readers.delimited_text import CsvFormat
from mappings.readers.errors import SourceError
from mappings.readers.excel_rows import ExcelFormat, read_excel
from mappings.readers.folder_parts import Part, parts_of
from mappings.readers.hl7_messages import Hl7Format, read_hl7
from mappings.readers.json_rows import JsonFormat, read_json_rows
from mappings.readers.roster_folder import RosterFormat
from mappings.readers.table import Place, Table

MAX_DOCUMENT = 2_000_000
FORMATS = (
    *("csv", "xlsx", "ndjson", "hl7v2", "oneroster", "sds", "edfi-xml", "edfi-json", "fhir-json"),
    "fhir-sessions",
)
RECORDS = {
    "edfi-xml": edfi_xml.RECORDS,
    "edfi-json": edfi_json.RECORDS,
    "fhir-json": fhir_records.RECORDS,
    "fhir-sessions": fhir_sessions.RECORDS,
}
"""Formats of nested records, and the kinds of record a place may begin with."""

PLACED = frozenset({"hl7v2", "oneroster", "sds", *RECORDS})
"""Formats without headings: a map names places in them."""

_ENDINGS = {"csv": (".csv", ".txt", ".tsv"), "ndjson": (".ndjson", ".jsonl", ".json")}
_ROSTERS = {"oneroster": oneroster.PLACES, "sds": school_data_sync.PLACES}
_ROSTER_READERS = {"oneroster": oneroster.read_oneroster, "sds": school_data_sync.read_sds}
_RECORD_READERS = {
    "edfi-xml": edfi_xml.read_edfi_xml,
    "edfi-json": edfi_json.read_edfi_json,
    "fhir-json": fhir_records.read_fhir,
    "fhir-sessions": fhir_sessions.read_fhir_sessions,
}
_NAMES = {"csv": "a text file (CSV)", "xlsx": "an Excel file", "hl7v2": "an HL7 v2 file"}


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """What a map says about the file of one source.

    Attributes:
        formats: the formats accepted, of ``FORMATS``.
        encoding: of a text file.
        delimiter: of a CSV file.
        escape: the character before a quote inside a cell, where quotes are not doubled.
        sheet: name of the sheet of a workbook; empty for the only one.
        part: name, without ending, of the one file meant where a folder or zip of several comes.
        locations: the places asked for, in formats without headings; of ``ndjson`` the headings.
        each: the segment of an HL7 v2 message that makes a row; empty when the message does.
        start: where to take up reading, of the :attr:`Table.places` of an earlier reading; the file
            is then not proved readable first.
    """

    formats: tuple[str, ...]
    encoding: str = "utf-8"
    delimiter: str = ","
    escape: str = ""
    sheet: str = ""
    part: str = ""
    locations: tuple[str, ...] = ()
    each: str = ""
    start: Place | None = None


def open_table(path: Path, how: SourceFormat) -> Table:
    """Open a file (or a folder, for formats of several files) as a table.

    Raises:
        SourceError: the file is missing, of a format the map does not accept, or unreadable.
    """
    if how.formats[0] in PLACED and how.formats[0] != "hl7v2":
        return _open_placed(path, how)
    if how.formats[0] == "ndjson" or (how.part and is_folder(path)):
        return _open_part(path, how)
    found = _format_of(path, how)
    if found not in how.formats:
        wanted = " or ".join(_NAMES[name] for name in how.formats)
        raise SourceError(path.name, "the whole file", f"is {_NAMES[found]}; {wanted} is expected")
    match found:
        case "xlsx":
            return read_excel(path, ExcelFormat(how.sheet))
        case "hl7v2":
            return read_hl7(path, Hl7Format(how.encoding, how.locations, how.each))
        case _:
            return read_csv(path, _csv(how))


def is_folder(path: Path) -> bool:
    """Whether a path is a folder or a zip, so that its parts have names of their own."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) == b"PK\x03\x04"
    except IsADirectoryError:
        return True
    except OSError:
        raise SourceError(path.name, "the whole file", "cannot be opened") from None


def has_part(path: Path, how: SourceFormat) -> bool:
    """Whether a folder or zip holds the file that a source is read from.

    Raises:
        SourceError: the zip is damaged or dangerous.
    """
    endings = _ENDINGS[how.formats[0]]
    return any(part.stem == how.part.casefold() for part in parts_of(path, endings))


def _open_part(path: Path, how: SourceFormat) -> Table:
    part = _part(path, how, _ENDINGS[how.formats[0]])
    if how.formats[0] == "ndjson":
        return read_json_rows(part, JsonFormat(how.locations))
    return read_csv_part(part, _csv(how))


def _part(path: Path, how: SourceFormat, endings: tuple[str, ...]) -> Part:
    if not is_folder(path):
        return parts_of(path, endings)[0]
    parts = parts_of(path, endings)
    if how.part:
        parts = [part for part in parts if part.stem == how.part.casefold()]
    if len(parts) == 1:
        return parts[0]
    wanted = f"one file named {how.part}" if how.part else "one file"
    raise SourceError(path.name, "the whole folder", f"must hold {wanted} ({' or '.join(endings)})")


def _csv(how: SourceFormat) -> CsvFormat:
    return CsvFormat(how.encoding, how.delimiter, how.escape, how.start)


def _open_placed(path: Path, how: SourceFormat) -> Table:
    if not path.exists():
        raise SourceError(path.name, "the whole file", "cannot be opened")
    name = how.formats[0]
    if name in _ROSTER_READERS:
        return _ROSTER_READERS[name](path, RosterFormat(how.encoding, how.locations))
    return _RECORD_READERS[name](path, how.locations)


def roster_places(name: str) -> tuple[str, ...]:
    """Return every place of a roster that comes as a folder of CSV files."""
    return _ROSTERS[name]


def read_document(path: Path) -> bytes:
    """Return the bytes of a map or of a value table beside it.

    Raises:
        OSError: it cannot be opened.
        ValueError: it is larger than a map can be.
    """
    with path.open("rb") as stream:
        data = stream.read(MAX_DOCUMENT + 1)
    if len(data) > MAX_DOCUMENT:
        raise ValueError(f"{path.name} is larger than {MAX_DOCUMENT:,} bytes")
    return data


def _format_of(path: Path, how: SourceFormat) -> str:
    try:
        with path.open("rb") as stream:
            first = stream.read(8)
    except OSError:
        raise SourceError(path.name, "the whole file", "cannot be opened") from None
    if not first or (len(how.formats) == 1 and not first.startswith(b"PK\x03\x04")):
        return how.formats[0]  # its reader says best what is wrong
    if first.startswith(b"PK\x03\x04"):
        return "xlsx"
    if first.removeprefix(b"\xef\xbb\xbf").startswith((b"MSH", b"FHS", b"BHS")):
        return "hl7v2"
    return "csv"
