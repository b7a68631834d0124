"""Recomputing a log from its entries, and naming everything that is not as it was written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from bridge.ledger.append import Head, head
from bridge.ledger.blocks import KeptRow, are_found, rows_in, stored_blocks
from bridge.ledger.entry import Kind, Recorded, read_body
from bridge.ledger.listing import as_release
from bridge.ledger.merkle import Frontier, Node
from bridge.ledger.tables import BLOCK, ENTRY, NODE
from bridge.ledger.verifier import entry_leaf, rows_digest


class Fault(StrEnum):
    """What can be found wrong."""

    CHANGED = "the entry is not what was committed to"
    MISSING = "an entry is missing"
    MOVED = "the entry was written for another place"
    COLUMNS = "the columns to search by do not say what the entry says"
    BACKWARDS = "the time lies before that of the entry before"
    ERASED = "erased without an entry that says so"
    BEYOND = "lies beyond the head"
    TRUNCATED = "the log is shorter than its head"
    ROWS = "the rows are not those the entry lists"
    REPEATS = "repeats what is no earlier release"
    ROOT = "the entries do not lead to the head"
    NODES = "the kept inner hashes are not those of the entries (if nothing else: ledger mend)"
    REWRITTEN = "does not begin with the log remembered"
    CUT = "is shorter than the log remembered"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing wrong, and at which index (None: of the log as a whole)."""

    index: int | None
    fault: Fault

    def __str__(self) -> str:
        return f"{'log' if self.index is None else f'entry {self.index}'}: {self.fault.value}"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was recomputed, and what was found.

    Attributes:
        size, root: of the entries as they are now.
        erased: indexes of the entries a law had erased.
        nodes: the inner nodes that the entries lead to.
    """

    log: str
    size: int
    root: bytes
    erased: tuple[int, ...]
    findings: tuple[Finding, ...]
    nodes: tuple[Node, ...] = field(default=(), repr=False, compare=False)

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify_log(
    connection: Connection, log: str, remembered: tuple[int, bytes] | None = None
) -> VerifyReport:
    """Recompute a log from its entries and compare with its head, its nodes and what is remembered.

    Who can write to the database can rewrite entries, nodes and head alike; only a head kept
    elsewhere shows that. Without ``remembered`` this finds damage, not such a rewriting.

    Args:
        connection: the database, best a reading transaction.
        log: the log.
        remembered: size and root of an earlier head kept elsewhere.
    """
    replay = _Replay(log, remembered, partial(stored_blocks, connection, log))
    for row in _rows(connection, log):
        replay.take(row)
    replay.compare_rows(_listed(connection, log))
    replay.compare(head(connection, log), nodes_of(connection, log))
    return replay.report()


@dataclass(slots=True)
class _Replay:
    log: str
    remembered: tuple[int, bytes] | None
    blocks_of: Callable[[int], list[Any]]
    frontier: Frontier = field(default_factory=Frontier)
    nodes: list[Node] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)
    partly: list[int] = field(default_factory=list)
    allowed: set[int] = field(default_factory=set)
    released: bytearray = field(default_factory=bytearray)
    erased_at: int | None = None
    expected: int = 0
    listed: int = 0
    last: datetime | None = None

    def take(self, row: Row[Any]) -> None:
        """Check one row and grow the tree by it."""
        self._compare_remembered()
        if row.position != self.expected:
            self._found(self.expected, Fault.MISSING)
        self.expected = row.position + 1
        self._check_time(row)
        # An erased one may have been a release: nobody can tell any more.
        self.released.extend(bytes(row.position + 1 - len(self.released)))
        self.released[row.position] = row.body is None or row.kind == Kind.RELEASE
        if row.kind == Kind.ERASURE:
            self.erased_at = row.position
        if row.body is None:
            self.empty.append(row.position)
            self.nodes += self.frontier.push(row.leaf)
            return
        leaf = entry_leaf(row.salt or b"", row.body)
        if leaf != row.leaf:
            self._found(row.position, Fault.CHANGED)
        self.nodes += self.frontier.push(leaf)
        self._check_body(row)

    def compare(self, stands: Head, nodes: list[Node]) -> None:
        """Compare the whole with what the log says of itself and what is remembered."""
        self._compare_remembered()
        if self.remembered is not None and self.frontier.size < self.remembered[0]:
            self._found(None, Fault.CUT)
        if stands.last_erasure != self.erased_at:
            self._found(None, Fault.COLUMNS)
        for index in {*self.empty, *self.partly} - self.allowed:
            self._found(index, Fault.ERASED)
        if self.expected < stands.size:
            self._found(None, Fault.TRUNCATED)
        for index in range(stands.size, min(self.expected, stands.size + 10)):
            self._found(index, Fault.BEYOND)
        if self.frontier.root() != stands.root:
            self._found(None, Fault.ROOT)
        if sorted(self.nodes, key=_place) != nodes:
            self._found(None, Fault.NODES)

    def compare_rows(self, stored: int) -> None:
        """Compare how many blocks of rows there are with those of the entries that list some."""
        if stored != self.listed:
            self._found(None, Fault.ROWS)

    def report(self) -> VerifyReport:
        """Return everything found, in order of place."""
        found = sorted(
            set(self.findings), key=lambda one: (one.index is None, one.index, one.fault)
        )
        size, root = self.frontier.size, self.frontier.root()
        erased, nodes = tuple(self.empty), tuple(self.nodes)
        return VerifyReport(self.log, size, root, erased, tuple(found), nodes)

    def _check_body(self, row: Row[Any]) -> None:
        try:
            said = read_body(row.body)
        except ValueError:
            self._found(row.position, Fault.CHANGED)
            return
        if (said.entry.log, said.index) != (self.log, row.position):
            self._found(row.position, Fault.MOVED)
        if _searched(said) != tuple(row._mapping[name] for name in _SEARCHED):  # noqa: SLF001 - a row's public mapping
            self._found(row.position, Fault.COLUMNS)
        if said.entry.kind is Kind.AGAIN:
            self._check_repeats(said)
        if said.entry.kind is Kind.RELEASES:
            self._check_rows(said)
        if said.entry.kind is Kind.ERASURE:
            self.allowed |= {at for at in said.entry.refers if at < row.position}

    def _check_repeats(self, said: Recorded) -> None:
        refers = said.entry.refers
        earlier = refers and all(0 <= at < said.index for at in refers)
        if not earlier or not all(self.released[at] for at in refers):
            self._found(said.index, Fault.REPEATS)

    def _check_rows(self, said: Recorded) -> None:
        blocks = self.blocks_of(said.index)
        self.listed += len(blocks)
        try:
            rows = sorted((row for b in blocks for row in rows_in(b.body)), key=lambda row: row.nth)
            found = are_found(blocks) and all(_says(said, n, row) for n, row in enumerate(rows))
        except ValueError:
            self._found(said.index, Fault.ROWS)
            return
        if any(row.body is None for row in rows):
            self.partly.append(said.index)
        resource = said.entry.resource
        digest = rows_digest(row.digest for row in rows)
        if resource is None or resource.digest != digest or not found:
            self._found(said.index, Fault.ROWS)

    def _check_time(self, row: Row[Any]) -> None:
        if self.last is not None and row.recorded_at < self.last:
            self._found(row.position, Fault.BACKWARDS)
        self.last = row.recorded_at

    def _compare_remembered(self) -> None:
        if self.remembered is None or self.remembered[0] != self.frontier.size:
            return
        if self.frontier.root() != self.remembered[1]:
            self._found(None, Fault.REWRITTEN)

    def _found(self, index: int | None, fault: Fault) -> None:
        self.findings.append(Finding(index, fault))


_SEARCHED: Final = (*("recorded_at", "kind", "request", "subject", "repeats_from", "repeats_to"),)


def _searched(said: Recorded) -> tuple[object, ...]:
    entry = said.entry
    repeated = entry.refers if entry.kind is Kind.AGAIN else ()
    ends = (min(repeated, default=None), max(repeated, default=None))
    return (said.time, entry.kind.value, entry.request, entry.subject, *ends)


def _says(listing: Recorded, nth: int, row: KeptRow) -> bool:
    """Tell whether a row is in its place, and can be read, if it was not erased."""
    if row.nth != nth or row.body is None:
        return row.nth == nth
    try:
        return as_release(listing, row.nth, row.body).entry.subject is not None
    except ValueError:
        return False


def _listed(connection: Connection, log: str) -> int:
    return connection.execute(select(func.count()).where(BLOCK.c.log == log)).scalar_one()


def _place(node: Node) -> tuple[int, int]:
    return node.level, node.position


def _rows(connection: Connection, log: str) -> Iterator[Row[Any]]:
    query = select(ENTRY).where(ENTRY.c.log == log).order_by(ENTRY.c.position)
    with connection.execute(query.execution_options(yield_per=1000)) as rows:
        yield from rows


def nodes_of(connection: Connection, log: str) -> list[Node]:
    """Return the inner nodes that are kept of a log, in order of place."""
    query = select(NODE).where(NODE.c.log == log).order_by(NODE.c.level, NODE.c.position)
    return [Node(row.level, row.position, row.hash) for row in connection.execute(query)]
