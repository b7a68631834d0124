"""The rows of a file divided among processes, each of which reads on from where its rows begin."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Final

from mappings.language.repeats import REMEMBERED, Repeats, Scan
from mappings.readers import START, Cells, Place, Table

_STEP: Final = 4_096
# Of a file, so much is mapped by one process while another goes through it all.
_MEANWHILE: Final = 1 / 12


@dataclass(frozen=True, slots=True)
class Share:
    """The rows of a file that one of several processes maps: those from one number to another.

    Attributes:
        first: number of the first row.
        end: number of the row behind the last one.
        repeats: the rows of it whose key an earlier row of the file has; None if no row is
            earlier than ``first``, so that they are found as its rows pass.
        start: where to take up reading, at ``first`` or before; None for formats read from their
            start.
    """

    first: int
    end: int
    repeats: Repeats | None
    start: Place | None = None


def divided(
    rows: Iterator[tuple[int, str, Cells]], table: Table, size: int, processes: int
) -> Iterator[Share]:
    """Go through a table, and divide its rows into as many shares of equal length.

    Of a large file the first rows are a share of their own: it is yielded long before the others,
    to be mapped while the rest of the file is gone through.

    Args:
        rows: of each row of the table its number, its key, or "" if it has none, and its cells.
        table: the table they are of.
        size: length of the file in bytes.
        processes: how many.

    Raises:
        SourceError: a row cannot be read.
    """
    first = table.first_row
    with Scan(first) as scan:
        if _few_gone_through(scan, rows, table, size):
            yield Share(first, scan.end, None, START)
            first = scan.end
        scan.add(rows)
        repeats, end = scan.repeats(), scan.end
    edges = [first + (end - first) * number // processes for number in range(processes + 1)]
    starts = [[place for place in table.places if place.row <= edge][-1:] for edge in edges]
    for (begin, behind), start in zip(pairwise(edges), starts, strict=False):
        if begin < behind:
            yield Share(begin, behind, repeats.between(begin, behind), *start)


def _few_gone_through(
    scan: Scan, rows: Iterator[tuple[int, str, Cells]], table: Table, size: int
) -> bool:
    """Go through some rows; return whether they are few beside the rest of the file.

    No more than are remembered as they pass: the process that maps them finds their repeats.
    """
    few = size * _MEANWHILE
    for _ in range(REMEMBERED // _STEP):
        end = scan.end
        scan.add(islice(rows, _STEP))
        if not table.places or table.places[-1].offset >= few or scan.end == end:
            break
    return bool(table.places) and few <= table.places[-1].offset <= 2 * few
