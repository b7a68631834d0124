"""What every reader hands on: headings and rows of text, one row at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

Cells = list[str]
SEVERAL = "\x1eseveral"
"""Cell of a joined source that says several different things: never a value, the row is held."""


class Place(NamedTuple):
    """Where reading can be taken up again: the byte and the number of the row beginning there."""

    offset: int
    row: int


START: Final = Place(0, 1)


@dataclass(frozen=True, slots=True)
class Table:
    """A source as rows of text.

    Attributes:
        file: name of the file, never its path.
        header: the headings in the order of the cells.
        rows: the rows below the header, in order; an empty list stands for a blank line, so that
            counting the rows gives the numbers a spreadsheet shows.
        first_row: number of the first row of ``rows``.
        places: where reading can be taken up again, as far as it went; grows with the rows, by one
            in thousands. Empty for formats that are read from their start.
        joined: whether cells were put together from several records and may hold ``SEVERAL``.
    """

    file: str
    header: tuple[str, ...]
    rows: Iterator[Cells]
    first_row: int = 2
    joined: bool = False
    places: list[Place] = field(default_factory=list, repr=False, compare=False)


def column_letter(index: int) -> str:
    """Return the letters a spreadsheet shows above a column counted from 0.

    >>> column_letter(0), column_letter(27)
    ('A', 'AB')
    """
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
