"""The rows of a file divided among processes, each of which reads on from where its rows begin."""

from dataclasses import dataclass
from itertools import pairwise

from mappings.language.repeats import Repeats
from mappings.readers import Place, Table


@dataclass(frozen=True, slots=True)
class Share:
    """The rows of a file that one of several processes maps: those from one number to another.

    Attributes:
        first: number of the first row.
        end: number of the row behind the last one.
        repeats: the rows of it whose key an earlier row of the file has.
        start: where to take up reading, at ``first`` or before; None for formats read from their
            start.
    """

    first: int
    end: int
    repeats: Repeats
    start: Place | None = None


def divided(repeats: Repeats, table: Table, end: int, processes: int) -> tuple[Share, ...]:
    """Divide the rows of a table that was gone through into as many runs of equal length."""
    count = end - table.first_row
    edges = [table.first_row + count * number // processes for number in range(processes + 1)]
    starts = [[place for place in table.places if place.row <= edge][-1:] for edge in edges]
    return tuple(
        Share(first, last, repeats.between(first, last), *start)
        for (first, last), start in zip(pairwise(edges), starts, strict=False)
        if first < last
    )
