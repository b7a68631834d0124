"""Many decisions of one slice at once: one bit a record, a word of the machine at a time.

A column is a number whose bit *i* says whether a fact is true of record *i*; ``&``, ``|`` and ``~``
on such numbers decide as many records as the machine's words have bits. The same compiled
conditions are evaluated as for one record (:func:`consent.decide.judge`).
"""

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from operator import or_

from consent.conditions import Conditions, Denial, Layer, Way
from consent.duties import Extent

_FACTS_A_BYTE = 8


class FactColumns:
    """Facts of many records, made from one number a record; each column is made when first read.

    Attributes:
        count: how many records.
        every: the column that is true of each.
    """

    __slots__ = ("_bytes", "_columns", "_width", "count", "every")

    def __init__(self, facts: Iterable[int]) -> None:
        """Take the facts of each record as ``consent.conditions.bits_of`` writes them.

        Raises:
            OverflowError: for a number that is negative or has more bits than there can be facts.
        """
        masks = array("I", facts)
        self.count = len(masks)
        self.every = (1 << self.count) - 1
        self._width = masks.itemsize
        self._columns: dict[int, int] = {}
        # Last record first: the first digit of a written number is its highest.
        self._bytes = masks.tobytes()[::-1] if sys.byteorder == "little" else _swapped(masks)

    def where(self, bit: int) -> int:
        """Return the column of one fact, given by its bit."""
        found = self._columns.get(bit)
        if found is None:
            found = self._columns[bit] = self._read(bit.bit_length() - 1)
        return found

    def all_of(self, bits: int) -> int:
        """Return where every fact of a number is true."""
        found = self.every
        for bit in ones(bits):
            found &= self.where(bit)
        return found

    def any_of(self, bits: int) -> int:
        """Return where any fact of a number is true."""
        return reduce(or_, map(self.where, ones(bits)), 0)

    def assuming(self, bits: int) -> "FactColumns":
        """Return the same records with some facts true of each."""
        assumed = FactColumns(())
        assumed.count, assumed.every = self.count, self.every
        assumed._width, assumed._bytes = self._width, self._bytes
        assumed._columns = {**self._columns, **dict.fromkeys(ones(bits), self.every)}
        return assumed

    def _read(self, place: int) -> int:
        byte, bit = divmod(place, _FACTS_A_BYTE)
        digits = self._bytes[self._width - 1 - byte :: self._width].translate(_DIGITS[bit])
        return int(digits, 2) if digits else 0


# For each bit of a byte: the digit it is, for every byte.
_DIGITS = tuple(
    bytes(ord("1") if byte >> bit & 1 else ord("0") for byte in range(256))
    for bit in range(_FACTS_A_BYTE)
)


def _swapped(masks: "array[int]") -> bytes:
    turned = array("I", masks)
    turned.byteswap()
    return turned.tobytes()[::-1]


class Decisions:
    """The answers for many records.

    Attributes:
        count: how many records.
        permitted: a column: bit *i* is whether record *i* may leave.
    """

    __slots__ = ("_reached", "count", "permitted")

    def __init__(self, count: int, reached: Mapping[Extent, int]) -> None:
        self.count = count
        self._reached = reached
        leaving = (column for extent, column in reached.items() if extent is not Extent.HOLD)
        self.permitted = reduce(or_, leaving, 0)

    def where(self, extent: Extent) -> int:
        """Return the column of the records that may go so far and no further."""
        if extent is Extent.DENY:
            return (1 << self.count) - 1 & ~reduce(or_, self._reached.values(), 0)
        return self._reached.get(extent, 0)

    def flags(self) -> bytes:
        """Return one byte a record, in order: 1 if it may leave, else 0."""
        return _flags(self.permitted, self.count)

    def extents(self) -> list[Extent]:
        """Return how far each record may go, in order."""
        found = [Extent.DENY] * self.count
        for extent, column in self._reached.items():
            for index, flag in enumerate(_flags(column, self.count)):
                if flag:
                    found[index] = extent
        return found


def _flags(column: int, count: int) -> bytes:
    written = f"{column:0{count}b}".encode() if count else b""
    return written[::-1].translate(_FLAGS)


_FLAGS = bytes(byte & 1 for byte in range(256))


def decide_columns(conditions: Conditions, facts: FactColumns) -> Decisions:
    """Decide one slice for many records."""
    if not conditions.known:
        return Decisions(facts.count, {})
    permitted = _permitted(conditions, facts)
    reached = dict(_extents(conditions, facts, permitted))
    if conditions.review:
        reviewed = _permitted(conditions, facts.assuming(conditions.review))
        reached[Extent.HOLD] = reviewed & ~permitted
    return Decisions(facts.count, reached)


def _permitted(conditions: Conditions, facts: FactColumns) -> int:
    found = facts.every
    for denial in conditions.denials:
        found &= ~_objects(denial, facts)
    for layer in conditions.layers:
        found &= reduce(or_, (facts.all_of(way.needs) for way in layer.ways), 0)
    return found


def _objects(denial: Denial, facts: FactColumns) -> int:
    return facts.all_of(denial.when) & ~facts.any_of(denial.unless)


def _extents(
    conditions: Conditions, facts: FactColumns, permitted: int
) -> Iterator[tuple[Extent, int]]:
    """Yield, lowest first, which of the permitted records each extent takes."""
    left = permitted
    used = list(_used(conditions, facts))
    for extent in Extent:
        reached = left & reduce(or_, (where for way, where in used if way.extent is extent), 0)
        left &= ~reached
        if reached:
            yield extent, reached


def _used(conditions: Conditions, facts: FactColumns) -> Iterator[tuple[Way, int]]:
    """Yield the ways a decision rests on: a law's first that holds, and every flow that does."""
    *laws, template, agreement = conditions.layers
    for law in laws:
        yield from _first(law, facts)
    for way in (*template.ways, *agreement.ways):
        yield way, facts.all_of(way.needs)


def _first(law: Layer, facts: FactColumns) -> Iterator[tuple[Way, int]]:
    open_yet = facts.every
    for way in law.ways:
        yield way, open_yet & facts.all_of(way.needs)
        open_yet &= ~facts.all_of(way.needs)


def ones(bits: int) -> Iterator[int]:
    """Yield each bit of a number, lowest first."""
    while bits:
        lowest = bits & -bits
        yield lowest
        bits ^= lowest
