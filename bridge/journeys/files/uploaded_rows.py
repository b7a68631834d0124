"""A file of referrals that came by a page, with what a person has corrected in it since.

The original is never changed: corrected rows go through the sheet of held rows, as they do on the
command line, and are known by the place of the row they correct.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bridge.errors import BridgeError
from bridge.identifiers import Identifiers
from bridge.journeys.files.held_rows import held_book, row_key
from bridge.journeys.files.run_maps import compiled_map
from mappings.canonical import Referral, SourceRow
from mappings.language import (
    CompiledMap,
    Held,
    HeldLine,
    MapDocument,
    MapKind,
    Mapped,
    fits,
    held_sheet,
    list_maps,
)

MOST_ROWS: Final = 200
MOST_BYTES: Final = 3_000_000
# A row with more columns is corrected in its file: no page of so many questions can be answered.
MOST_COLUMNS: Final = 120
_FIRST: Final = 2  # the first row below a header
_FORMATS: Final = frozenset({"csv", "xlsx"})

Rows = list[Mapped | Held]


class TooManyRowsError(BridgeError):
    """The file has more rows than a page takes at once."""

    def __init__(self) -> None:
        super().__init__(
            f"a page takes {MOST_ROWS:,} rows at once; divide the file, or use: "
            "schoolbridge import referrals"
        )


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file as it came.

    Attributes:
        name: what it is called where it came from.
        corrections: for each corrected row the cells as they are now.
    """

    map_id: str
    name: str = field(repr=False)
    content: bytes = field(repr=False)
    corrections: Mapping[int, Sequence[str]] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ReadRows:
    """What a file says: its rows, and the numbers of those that repeat an earlier one."""

    rows: Rows
    repeated: tuple[int, ...] = ()


def maps_of_one_file() -> list[MapDocument]:
    """Return the shipped maps that make referrals of one CSV or Excel file."""
    return [
        each
        for each in list_maps()
        if each.kind is MapKind.REFERRAL
        and len(each.sources) == 1
        and _FORMATS.issuperset(each.sources[0].how.formats)
    ]


def read_rows(uploaded: Uploaded, identifiers: Identifiers, lea: str) -> ReadRows:
    """Return the rows of a file, corrected ones in place of what they correct, by row number.

    Raises:
        SourceError: the file cannot be used.
        TooManyRowsError: it has more than :data:`MOST_ROWS` rows.
    """
    compiled = _compiled(uploaded.map_id)
    with as_file(uploaded.content) as path:
        run = compiled.run([path])
        rows = list(islice(run, MOST_ROWS + 1))
        if len(rows) > MOST_ROWS or run.report.read > MOST_ROWS:
            raise TooManyRowsError
        found = {_number(row): row for row in rows}
        repeated = _repeated(compiled, path, set(found)) if run.report.duplicates else set()
        for number, row in _corrected(compiled, uploaded, path):
            ticket = row_key(identifiers, lea, _origin(found[number])) if number in found else ""
            found[number] = _placed(row, number, ticket)
    repeated |= set(uploaded.corrections) - set(found)
    named = [_placed(found[n], n, _origin(found[n]).ticket, uploaded.name) for n in sorted(found)]
    return ReadRows(named, tuple(sorted(repeated)))


def cells_at(uploaded: Uploaded, number: int) -> tuple[tuple[str, ...], list[str]] | None:
    """Return headings and cells of a row as it is now; None where a page cannot correct it."""
    with as_file(uploaded.content) as path:
        header, rows = _compiled(uploaded.map_id).rows_at([path], {number})
    cells = list(uploaded.corrections.get(number) or rows.get(number) or ())
    fit = len(header) <= MOST_COLUMNS and fits(cells, header)
    return (header, cells) if cells and fit else None


def sheet_of(uploaded: Uploaded, held: Mapping[int, tuple[str, str]]) -> bytes:
    """Return the workbook of held rows: for each its reasons, and as what the queue knows it."""
    with as_file(uploaded.content) as path:
        header, rows = _compiled(uploaded.map_id).rows_at([path], held)
    corrected = {n: list(cells) for n, cells in uploaded.corrections.items() if n in held}
    book, _ = held_book(header, rows | corrected, held)
    return book


@cache
def _compiled(map_id: str) -> CompiledMap:
    """Return a shipped map; it does not change while the program runs."""
    return compiled_map(map_id)


@contextmanager
def as_file(content: bytes) -> Iterator[Path]:
    """Let readers, which go through a file several times, have one that nobody else can open."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(content)
        yield path


def _repeated(compiled: CompiledMap, path: Path, known: set[int]) -> set[int]:
    _, rows = compiled.rows_at([path], range(MOST_ROWS * 10))
    return {number for number, cells in rows.items() if any(cells)} - known


def _corrected(
    compiled: CompiledMap, uploaded: Uploaded, path: Path
) -> Iterator[tuple[int, Mapped | Held]]:
    """Yield each corrected row with the number of the row it stands for."""
    if not uploaded.corrections:
        return
    numbers = sorted(uploaded.corrections)
    header, _ = compiled.rows_at([path], ())
    lines = [HeldLine("", f"row {n}", "", uploaded.corrections[n]) for n in numbers]
    with as_file(held_sheet(header, lines)) as sheet:
        for row in compiled.run([sheet]):
            yield numbers[_number(row) - _FIRST], row


def _number(row: Mapped | Held) -> int:
    return _origin(row).row


def _origin(row: Mapped | Held) -> SourceRow:
    origin = row.origin
    if origin is None:
        raise BridgeError("this map makes no referrals; choose one of kind referral")
    return origin


def _placed(row: Mapped | Held, number: int, ticket: str, name: str = "") -> Mapped | Held:
    """Return a row that says where in the original it stands."""
    origin = replace(_origin(row), row=number, ticket=ticket, file=name)
    if isinstance(row, Held):
        return replace(row, origin=origin)
    if not isinstance(row.record, Referral):
        raise BridgeError("this map makes no referrals; choose one of kind referral")
    return replace(row, record=replace(row.record, origin=origin), source_row=number, origin=origin)
