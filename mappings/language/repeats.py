"""Finding the rows whose key an earlier row has, in memory that does not grow with the file.

A small file's keys are remembered as its rows pass. Of a larger one all rows are gone through
before: a row becomes three numbers, those of one part of all keys are looked at together, and what
waits is in a temporary file. The numbers are hashes under a secret of this process; they say
nothing of a record.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import BinaryIO, Final, NamedTuple, Self

from mappings.readers import Cells

REMEMBERED: Final = 1 << 18
"""Keys that are remembered as rows pass (30 MB of them); of more, the file is gone through once."""

_PARTS: Final = 256
_WAITING: Final = 1 << 16
_BYTES: Final = array("q").itemsize
_Found = tuple[int, int, bool]


class Repeat(NamedTuple):
    """An earlier row of the same key: the first one, and whether it says the same."""

    first: int
    same: bool


@dataclass(slots=True)
class Repeats:
    """The repeated rows of a file, in its order; about 20 bytes each."""

    rows: "array[int]" = field(default_factory=lambda: array("q"))
    firsts: "array[int]" = field(default_factory=lambda: array("q"))
    same: bytearray = field(default_factory=bytearray)

    def between(self, first: int, last: int) -> "Repeats":
        """Return those of the rows from ``first`` to before ``last``."""
        start, end = (bisect_left(self.rows, number) for number in (first, last))
        return Repeats(self.rows[start:end], self.firsts[start:end], self.same[start:end])

    def finder(self) -> Callable[[int], Repeat | None]:
        """Return what tells of each row asked for; rows must be asked for in order."""
        found = zip(self.rows, self.firsts, self.same, strict=True)
        ahead = next(found, (0, 0, 0))

        def find(number: int) -> Repeat | None:
            nonlocal ahead
            if ahead[0] != number:
                return None
            repeat = Repeat(ahead[1], bool(ahead[2]))
            ahead = next(found, (0, 0, 0))
            return repeat

        return find


class Passing:
    """Remembers the keys of rows as they pass."""

    def __init__(self) -> None:
        self._firsts: dict[int, int] = {}
        self._contents = array("q")

    @property
    def full(self) -> bool:
        """Whether to go through the file before instead."""
        return len(self._firsts) >= REMEMBERED

    def repeat(self, number: int, key: str, cells: Cells) -> Repeat | None:
        """Return an earlier row of the same key."""
        # Number and content of each first row, one after the other.
        content, at = hash(tuple(cells)), len(self._contents)
        known = self._firsts.setdefault(hash(key), at)
        if known == at:
            self._contents.extend((number, content))
            return None
        return Repeat(self._contents[known], self._contents[known + 1] == content)


class Scan:
    """Goes through all rows of a file, in as many steps as suits.

    Attributes:
        end: number of the row behind the last one gone through.
    """

    def __init__(self, first_row: int) -> None:
        self.end = first_row
        self._parts = [array("q") for _ in range(_PARTS)]
        self._kept: list[tuple[int, ...]] = []  # of each time: how much of each part
        self._file = TemporaryFile()  # noqa: SIM115 - closed at the end of `with`

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, rows: Iterable[tuple[int, str, Cells]]) -> None:
        """Go through further rows: number, key (or "", if it has none) and cells, in order."""
        parts, number = self._parts, self.end - 1
        for count, (number, key, cells) in enumerate(rows, 1):
            if key:
                hashed = hash(key)
                parts[hashed % _PARTS].extend((hashed, number, hash(tuple(cells))))
            if count % _WAITING == 0:
                self._kept.append(_keep(parts, self._file))
        self._kept.append(_keep(parts, self._file))
        self.end = number + 1

    def repeats(self) -> Repeats:
        """Return the repeated rows, now that all were gone through."""
        file, kept = self._file, self._kept
        found = sorted(repeat for part in range(_PARTS) for repeat in _found(file, kept, part))
        return Repeats(
            array("q", [row for row, _, _ in found]),
            array("q", [first for _, first, _ in found]),
            bytearray(same for _, _, same in found),
        )


def _keep(parts: list["array[int]"], file: BinaryIO) -> tuple[int, ...]:
    """Write what waits, part by part, and return how much of each."""
    lengths = tuple(map(len, parts))
    for part in parts:
        part.tofile(file)
        del part[:]
    return lengths


def _found(file: BinaryIO, kept: list[tuple[int, ...]], part: int) -> Iterator[_Found]:
    """Yield the repeated rows of one part of the keys: row, first row, whether both say the same.

    A row stands behind the first of its key, as in the file.
    """
    firsts: dict[int, tuple[int, int]] = {}
    start = 0
    for lengths in kept:
        file.seek((start + sum(lengths[:part])) * _BYTES)
        numbers = array("q")
        numbers.fromfile(file, lengths[part])
        one = iter(numbers)
        for key, row, content in zip(one, one, one, strict=True):
            first, says = firsts.setdefault(key, (row, content))
            if first != row:
                yield row, first, says == content
        start += sum(lengths)
