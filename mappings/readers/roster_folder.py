"""Rosters that come as a folder of CSV files: finding columns, and joining by person.

The places a map asks for are written ``users.givenName``, ``demographics.sex``, ``org.identifier``
(of the student's school) or ``guardian.1.familyName``. Only the columns asked for are kept.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from mappings.readers.delimited_text import CsvFormat, read_delimited
from mappings.readers.errors import SourceError
from mappings.readers.folder_parts import Part
from mappings.readers.table import SEVERAL, Cells, Table

MAX_PEOPLE: Final = 400_000
GUARDIANS: Final = 3
Joined = dict[str, list[Cells]]
"""For each person, the asked cells of their rows in one file."""


@dataclass(frozen=True, slots=True)
class RosterFormat:
    """How a map says the folder is written, and the places it asks for."""

    encoding: str = "utf-8"
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedPlace:
    """A place of a map: which record, which of several (0 for the only one), which column."""

    record: str
    number: int
    column: str


def asked_places(places: tuple[str, ...]) -> tuple[AskedPlace, ...]:
    """Return the places a map asks for, taken apart."""
    return tuple(_asked(place) for place in places)


def _asked(place: str) -> AskedPlace:
    record, _, column = place.partition(".")
    number, _, rest = column.partition(".")
    if record == "guardian" and number.isdigit():
        return AskedPlace(record, int(number), rest)
    return AskedPlace(record, 0, column)


def columns_of(asked: Iterable[AskedPlace], record: str) -> list[str]:
    """Return the columns asked of a record, each once, in order."""
    return list(dict.fromkeys(place.column for place in asked if place.record == record))


@dataclass(slots=True)
class RosterFile:
    """One CSV file of the folder; columns are found whatever their case or surrounding spaces."""

    table: Table
    _columns: dict[str, int] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, part: Part, encoding: str, needed: tuple[str, ...] = ()) -> "RosterFile":
        """Open a file.

        Raises:
            SourceError: it cannot be read, a needed column is missing, or one stands there twice.
        """
        table = read_delimited(part.opener, part.file, CsvFormat(encoding), bare=True)
        found = cls(table)
        for index, heading in enumerate(table.header):
            name = _plain(heading)
            if name in found._columns:
                advice = f"column {index + 1} repeats a heading; export the file again"
                raise SourceError(part.file, "row 1", advice)
            found._columns[name] = index
        for name in needed:
            if found.at(name) is None:
                raise SourceError(part.file, "row 1", f'the column "{name}" is missing')
        return found

    def at(self, *names: str) -> int | None:
        """Return where the first of these columns stands that is there, or None."""
        return next((self._columns[_plain(n)] for n in names if _plain(n) in self._columns), None)

    def rows(self) -> Iterator[tuple[int, Cells]]:
        """Yield each row with its number; a blank line is an empty list.

        Raises:
            SourceError: a row has more or fewer cells than the header.
        """
        width = len(self.table.header)
        for number, cells in enumerate(self.table.rows, self.table.first_row):
            if any(cells) and len(cells) != width:
                advice = f"has {len(cells)} cells, the header has {width}; export the file again"
                raise SourceError(self.table.file, f"row {number}", advice)
            yield number, cells if any(cells) else []

    def filled(self) -> Iterator[tuple[int, Cells]]:
        """Yield the rows that hold something."""
        return ((number, cells) for number, cells in self.rows() if cells)

    def pick(self, columns: Iterable[str | tuple[str, ...]]) -> "Picker":
        """Return what takes these columns out of a row; a column that is not there is empty.

        A tuple names one column in the words of several versions of a format.
        """
        named = ((name,) if isinstance(name, str) else name for name in columns)
        return Picker(tuple(self.at(*names) for names in named))


@dataclass(frozen=True, slots=True)
class Picker:
    """Takes cells out of rows by position."""

    places: tuple[int | None, ...]

    def __call__(self, cells: Cells) -> Cells:
        """Return the cells of a row, without the spaces around them."""
        return ["" if place is None else cells[place].strip() for place in self.places]


def _plain(heading: str) -> str:
    return " ".join(heading.split()).casefold()


def keep(joined: Joined, person: str, cells: Cells, file: str) -> None:
    """Add a person's cells.

    Raises:
        SourceError: there are more people than are ever held in memory.
    """
    if person not in joined and len(joined) >= MAX_PEOPLE:
        raise SourceError(file, "the whole file", f"speaks of more than {MAX_PEOPLE:,} people")
    joined.setdefault(person, []).append(cells)


def index_by(part: Part | None, person: str, columns: list[str], encoding: str) -> Joined:
    """Return the asked cells of a file by person; an absent file speaks of nobody.

    Raises:
        SourceError: see :class:`RosterFile` and :func:`keep`.
    """
    joined: Joined = {}
    if part is None or not columns:
        return joined
    file = RosterFile.of(part, encoding, (person,))
    pick, key = file.pick(columns), file.at(person) or 0
    for _, cells in file.filled():
        keep(joined, cells[key].strip(), pick(cells), part.file)
    return joined


def one_cell(rows: Iterable[Cells], index: int) -> str:
    """Return what several rows say in one column, or ``SEVERAL`` where they differ."""
    texts = {cells[index] for cells in rows} - {""}
    return texts.pop() if len(texts) == 1 else SEVERAL if texts else ""


def listed(text: str) -> list[str]:
    """Return the members of a cell that lists identifiers, divided by commas.

    >>> listed("a1, a2")
    ['a1', 'a2']
    """
    return [part.strip() for part in text.split(",") if part.strip()]
