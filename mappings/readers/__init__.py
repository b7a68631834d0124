"""Readers: one module per format; whatever comes in, text goes out, or one clear error.

The only place of :mod:`mappings` where files are opened. Every value stays the text the source
wrote; a map gives it a type.
"""

from mappings.readers.errors import SourceError
from mappings.readers.opening import FORMATS, SourceFormat, open_table, read_document
from mappings.readers.table import Cells, Table, column_letter

__all__ = [
    "FORMATS",
    "Cells",
    "SourceError",
    "SourceFormat",
    "Table",
    "column_letter",
    "open_table",
    "read_document",
]
