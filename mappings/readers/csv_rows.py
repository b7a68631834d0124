"""CSV and its relatives: a file of rows divided by one character, the first row the header."""

from pathlib import Path

from mappings.readers.delimited_text import CsvFormat, read_delimited
from mappings.readers.folder_parts import Part
from mappings.readers.table import Table


def read_csv(path: Path, how: CsvFormat) -> Table:
    """Read a CSV file as rows of text.

    Raises:
        SourceError: see :func:`mappings.readers.delimited_text.read_delimited`.
    """
    return read_delimited(lambda: path.open("rb"), path.name, how)


def read_csv_part(part: Part, how: CsvFormat) -> Table:
    """Read one CSV file of a folder or zip as rows of text.

    Raises:
        SourceError: see :func:`mappings.readers.delimited_text.read_delimited`.
    """
    return read_delimited(part.opener, part.file, how)
