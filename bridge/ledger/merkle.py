"""The tree: growing it, and the paths that prove things about it (RFC 6962, 2.1; RFC 9162, 2.1).

Growing needs the *frontier* only: the roots of the complete subtrees, one per set bit of the size.
Proving needs inner nodes: those on every eighth level are kept (C2SP tlog-tiles uses the same
height), so that a proof reads some hundred hashes however long the log is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from bridge.ledger.verifier import EMPTY_ROOT, node_hash

TILE_HEIGHT: Final = 8
HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Node:
    """An inner node that is kept: its level, its place on that level, its hash."""

    level: int
    position: int
    hash: bytes


class Hashes(Protocol):
    """Where the hashes of level 0 (leaves), 8, 16 ... are found."""

    def stored(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """Return the hashes of one level from ``start`` up to ``stop``, all of them."""
        ...


@dataclass(slots=True)
class Frontier:
    """A tree that can only grow: its size and the roots of its complete subtrees, largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    @classmethod
    def unpack(cls, size: int, packed: bytes) -> Self:
        """Read what :meth:`pack` wrote.

        Raises:
            ValueError: if the number of peaks does not fit the size.
        """
        if len(packed) != HASH_BYTES * size.bit_count():
            raise ValueError("the frontier does not fit the size")
        steps = range(0, len(packed), HASH_BYTES)
        return cls(size, [packed[at : at + HASH_BYTES] for at in steps])

    def pack(self) -> bytes:
        """Write the peaks one behind the other."""
        return b"".join(self.peaks)

    def push(self, leaf: bytes) -> list[Node]:
        """Add a leaf hash; return the nodes to keep that it completed."""
        here, level, kept = leaf, 0, list[Node]()
        while self.size >> level & 1:
            here, level = node_hash(self.peaks.pop(), here), level + 1
            if level % TILE_HEIGHT == 0:
                kept.append(Node(level, self.size >> level, here))
        self.peaks.append(here)
        self.size += 1
        return kept

    def root(self) -> bytes:
        """Return the root of the tree as it stands."""
        if not self.peaks:
            return EMPTY_ROOT
        *rest, root = self.peaks
        for peak in reversed(rest):
            root = node_hash(peak, root)
        return root


def inclusion_path(hashes: Hashes, index: int, size: int) -> list[bytes]:
    """Return PATH(index, D[0:size]) of RFC 6962, 2.1.1.

    Raises:
        ValueError: if the index lies outside.
    """
    if not 0 <= index < size:
        raise ValueError("the index lies outside the log")
    path, low, high = list[bytes](), 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(range_hash(hashes, middle, high))
            high = middle
        else:
            path.append(range_hash(hashes, low, middle))
            low = middle
    return path[::-1]


def consistency_path(hashes: Hashes, old: int, new: int) -> list[bytes]:
    """Return PROOF(old, D[0:new]) of RFC 6962, 2.1.2; empty if old is 0 or equals new.

    Raises:
        ValueError: if old is not within 0 and new.
    """
    if not 0 <= old <= new:
        raise ValueError("a log does not become shorter")
    if old in (0, new):
        return []
    path, low, high = list[bytes](), 0, new
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(range_hash(hashes, middle, high))
            high = middle
        else:
            path.append(range_hash(hashes, low, middle))
            low = middle
    if low:  # the old root itself is known to who asks: SUBPROOF's b
        path.append(range_hash(hashes, low, high))
    return path[::-1]


def range_hash(hashes: Hashes, low: int, high: int) -> bytes:
    """Return MTH(D[low:high]); ``low`` is a multiple of the largest power of two in the range."""
    span = high - low
    if span & (span - 1) == 0:
        return _complete(hashes, span.bit_length() - 1, low)
    middle = low + _split(span)
    return node_hash(range_hash(hashes, low, middle), range_hash(hashes, middle, high))


def _complete(hashes: Hashes, level: int, low: int) -> bytes:
    base = level - level % TILE_HEIGHT
    row = list(hashes.stored(base, low >> base, (low + (1 << level)) >> base))
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def _split(span: int) -> int:
    # The largest power of two smaller than the span.
    return 1 << (span - 1).bit_length() - 1
