"""Readers: one module per format; whatever comes in, text goes out, or one clear error.

The only place of :mod:`mappings` where files are opened. Every value stays the text the source
wrote; a map gives it a type.
"""

from mappings.readers.errors import SourceError
from mappings.readers.opening import (
    FORMATS,
    PLACED,
    RECORDS,
    SourceFormat,
    has_part,
    is_folder,
    open_table,
    read_document,
    roster_places,
)
from mappings.readers.record_places import parse_place
from mappings.readers.surveying import Surveyed, survey
from mappings.readers.table import SEVERAL, START, Cells, Place, Table, column_letter

__all__ = [
    "FORMATS",
    "PLACED",
    "RECORDS",
    "SEVERAL",
    "START",
    "Cells",
    "Place",
    "SourceError",
    "SourceFormat",
    "Surveyed",
    "Table",
    "column_letter",
    "has_part",
    "is_folder",
    "open_table",
    "parse_place",
    "read_document",
    "roster_places",
    "survey",
]
