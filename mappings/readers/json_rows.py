"""Flat JSON objects as rows: NDJSON or an array, one object a row, its names the headings.

An export leaves out what is empty, so a heading that no object has is an empty column when the map
recorded it; a name that the map did not record becomes a column that the map then refuses.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mappings.readers.errors import SourceError
from mappings.readers.folder_parts import Part
from mappings.readers.json_records import Record, json_records
from mappings.readers.table import Cells, Table

MAX_COLUMNS: Final = 1_000


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """The headings a map recorded."""

    headings: tuple[str, ...] = ()


def read_json_rows(part: Part, how: JsonFormat) -> Table:
    """Read flat objects as rows of text.

    Raises:
        SourceError: no JSON of objects, no object, an object inside a row, too many names. Raised
            before any row is given.
    """
    header = dict.fromkeys(how.headings)
    count = 0
    for number, record in enumerate(json_records(part), 1):
        _refuse_nested(part, number, record)
        header.update(dict.fromkeys(record))
        count = number
        if len(header) > MAX_COLUMNS:
            advice = f"is the object by which there are more than {MAX_COLUMNS:,} names"
            raise SourceError(part.file, f"object {number}", advice)
    if not count:
        raise SourceError(part.file, "the whole file", "holds no object; export it again")
    return Table(part.file, tuple(header), _rows(part, tuple(header)), first_row=1)


def _rows(part: Part, header: tuple[str, ...]) -> Iterator[Cells]:
    for record in json_records(part):
        yield [_text(record.get(name)) for name in header]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else "true" if value else "false"


def _refuse_nested(part: Part, number: int, record: Record) -> None:
    for place, value in enumerate(record.values(), 1):
        if isinstance(value, dict | list):
            advice = f"holds a list or object as value {place}; the map expects flat rows"
            raise SourceError(part.file, f"object {number}", advice)
