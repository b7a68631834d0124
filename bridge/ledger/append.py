"""Writing to the ledger, inside the transaction of what is being told.

INVARIANT: nothing here commits. The gate reads, appends and hands out in one transaction, so that
no release exists without its entry and no entry without its release.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from bridge.clock import Clock
from bridge.driver import cursor_of, read_instant, spelled_for, stored_instant
from bridge.ledger.blocks import erase_rows
from bridge.ledger.clocks import require_time
from bridge.ledger.entry import RELEASING, Entry, Kind, Receipt, Recorded, body_of, spelled
from bridge.ledger.errors import LedgerDamaged, LedgerHalted, UnknownEntry
from bridge.ledger.listing import Listed
from bridge.ledger.merkle import Frontier, Node
from bridge.ledger.repeating import Span, require_there
from bridge.ledger.tables import ENTRY, HEAD, NODE
from bridge.ledger.templates import Template, request_bytes
from bridge.ledger.verifier import EMPTY_ROOT, entry_leaf
from bridge.measures import measures_of
from bridge.new_rows import NewRows

SALT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Head:
    """How far a log has grown; ``time`` is None while nothing was written.

    ``last_erasure`` is the index of the last entry by which others were erased.
    """

    log: str
    size: int
    root: bytes
    time: datetime | None
    last_erasure: int | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """An entry to add that was decided before: its template, and the request it answers.

    ``repeats`` says what it repeats, where it is of kind ``again``.
    """

    template: Template
    request: str
    repeats: Span | None = None

    @property
    def log(self) -> str:
        """The log it goes to."""
        return self.template.log

    @property
    def kind(self) -> str:
        """What it says happened."""
        return self.template.kind


def append(
    connection: Connection, entries: Sequence[Entry | Filled | Listed], clock: Clock
) -> list[Receipt]:
    """Add entries, any number, of any logs; return where each now stands, in the order given.

    The head row of each log is locked until the caller's transaction ends, so the order of entries
    is the order of commits. On SQLite the transaction must be a writing one (``BEGIN IMMEDIATE``).
    A log's times never go backwards: a clock set back repeats the last time.

    Raises:
        LedgerDamaged: if the stored head cannot be read.
        LedgerHalted: if something would leave under a log that is halted.
        ClockDoubted: if something would leave while the clock cannot be right.
        NothingToRepeat: if an entry to add repeats what is not there any more.
        ValueError: if an entry's time has no zone.
    """
    now = clock.now()
    receipts: dict[int, Receipt] = {}
    for log in sorted({entry.log for entry in entries}):  # one order of locks: no deadlock
        chosen = [at for at, entry in enumerate(entries) if entry.log == log]
        start = _grow(connection, log, [entries[at] for at in chosen], (now, clock))
        receipts |= {at: Receipt(log, start + n) for n, at in enumerate(chosen)}
    if entries and (measures := measures_of(connection.get_execution_options())):
        measures.entered(sum(map(_releases, entries)))
    return [receipts[at] for at in range(len(entries))]


def _releases(entry: Entry | Filled | Listed) -> int:
    return len(entry.salts) if isinstance(entry, Listed) else entry.kind in RELEASING


def _leaves(entry: Entry | Filled | Listed) -> bool:
    """Tell whether something leaves by an entry."""
    if isinstance(entry, Filled):
        return entry.template.kind in RELEASING
    return (entry.entry if isinstance(entry, Listed) else entry).kind in RELEASING


def head(connection: Connection, log: str) -> Head:
    """Return the head of a log; of size 0 if nothing was ever written to it."""
    found = connection.execute(select(HEAD).where(HEAD.c.log == log)).one_or_none()
    if found is None:
        return Head(log, 0, EMPTY_ROOT, None)
    return Head(log, found.size, found.root, found.recorded_at, found.last_erasure)


def logs(connection: Connection) -> list[str]:
    """Return the names of all logs, sorted."""
    return list(connection.scalars(select(HEAD.c.log).order_by(HEAD.c.log)))


def erase(connection: Connection, erasure: Entry, clock: Clock) -> Receipt:
    """Destroy what earlier entries say, where a law demands it, and record that it was done.

    The leaves stay, so every head and every proof of other entries still holds. What repeated an
    entry tells nothing of it from then on. Of an entry that lists several releases, the rows about
    the erasure's subject go, and the others stay.

    Raises:
        ValueError: if the entry is not an erasure or names nothing, or names an entry that only
            repeats others: it says nothing of its own, and tells of others' disclosures too. Or
            names one that lists several without saying whose are to go.
        UnknownEntry: if an entry named does not exist.
    """
    if erasure.kind is not Kind.ERASURE or not erasure.refers:
        raise ValueError("an erasure names the entries it erases")
    receipt = append(connection, [erasure], clock)[0]
    named = (ENTRY.c.log == erasure.log) & ENTRY.c.position.in_(erasure.refers)
    if connection.scalar(select(ENTRY.c.position).where(named, ENTRY.c.kind == Kind.AGAIN)):
        raise ValueError("erase what an entry repeats, not the entry that repeats it")
    earlier = named & (ENTRY.c.position < receipt.index)
    listings = _listings(connection, earlier)
    if listings and not erasure.subject:
        raise ValueError("say whose rows are to be erased of an entry that lists several releases")
    emptied_in = erase_rows(connection, erasure.log, listings, erasure.subject or "")
    earlier &= ENTRY.c.kind != Kind.RELEASES
    emptied = {"body": None, "salt": None, "subject": None}
    done = connection.execute(update(ENTRY).where(earlier).values(emptied))
    if done.rowcount + len(emptied_in) != len(set(erasure.refers)):
        raise UnknownEntry(f"{erasure.log}: an entry to erase does not exist")
    return receipt


def _listings(connection: Connection, which: ColumnElement[bool]) -> list[int]:
    query = select(ENTRY.c.position).where(which, ENTRY.c.kind == Kind.RELEASES)
    return list(connection.scalars(query))


_Line = tuple[str, str, str | None, bytes]
"""What stands in an entry's row besides its place: kind, request, subject, body."""


def _line(entry: Entry | Filled | Listed, index: int, time: tuple[datetime, str]) -> _Line:
    """Return an entry as it stands at a place; the time also as the ledger spells it."""
    if isinstance(entry, Filled):
        template, request = entry.template, entry.request
        body = template.body(index, request_bytes(request), time[1])
        return template.kind, request, template.subject, body
    said = entry.entry if isinstance(entry, Listed) else entry
    return said.kind.value, said.request, said.subject, body_of(Recorded(index, time[0], said))


def _repeats(entry: Entry | Filled | Listed) -> Span | None:
    if isinstance(entry, Filled):
        return entry.repeats
    return Span.of(entry) if isinstance(entry, Entry) and entry.kind is Kind.AGAIN else None


def _grow(
    connection: Connection,
    log: str,
    entries: Sequence[Entry | Filled | Listed],
    times: tuple[datetime, Clock],
) -> int:
    now, clock = times
    with cursor_of(connection) as cursor:
        frontier, last, halted, erased = _locked(connection, cursor, log)
        if any(map(_leaves, entries)):
            _require_going(log, (last, clock), halted=halted)
        dialect, spans = connection.dialect.name, [_repeats(entry) for entry in entries]
        require_there(cursor, dialect, (log, {span for span in spans if span}), erased)
        start, time = frontier.size, max(now, last or now)
        at, told = stored_instant(dialect, time), (time, spelled(time))
        salts = secrets.token_bytes(SALT_BYTES * len(entries))
        rows, nodes = list[tuple[object, ...]](), list[Node]()
        for n, (entry, span) in enumerate(zip(entries, spans, strict=True)):
            kind, request, subject, body = _line(entry, start + n, told)
            salt = salts[n * SALT_BYTES : (n + 1) * SALT_BYTES]
            leaf = entry_leaf(salt, body)
            nodes += frontier.push(leaf)
            ends = span.ends if span else _NOTHING
            rows.append((log, start + n, at, kind, request, subject, body, salt, leaf, *ends))
            erased = start + n if kind == Kind.ERASURE else erased
        _NEW_ENTRIES.write(cursor, dialect, rows)
        _list(cursor, dialect, start, entries)
        kept = [(log, node.level, node.position, node.hash) for node in nodes]
        _NEW_NODES.write(cursor, dialect, kept)
        grown = (frontier.size, frontier.pack(), frontier.root(), at, erased, log)
        cursor.execute(spelled_for(dialect, _GROWN), grown)
    return start


def _list(
    cursor: Any,  # noqa: ANN401 - the driver's
    dialect: str,
    start: int,
    entries: Sequence[Entry | Filled | Listed],
) -> None:
    for n, entry in enumerate(entries):
        if isinstance(entry, Listed):
            entry.write(cursor, dialect, start + n)


def _require_going(log: str, times: tuple[datetime | None, Clock], *, halted: bool) -> None:
    if halted:
        raise LedgerHalted(f"{log} is halted until it is caught up; nothing was released")
    require_time(*times)


_NEW_ENTRIES: Final = NewRows(
    ENTRY,
    *("log", "position", "recorded_at", "kind", "request", "subject", "body", "salt", "leaf"),
    *("repeats_from", "repeats_to"),
)
_NOTHING: Final = (None, None)
_NEW_NODES: Final = NewRows(NODE, "log", "level", "position", "hash")
_GROWN: Final = (
    "UPDATE ledger_head SET size = ?, peaks = ?, root = ?, recorded_at = ?,"
    " last_erasure = ? WHERE log = ?"
)
_HEAD: Final = (
    "SELECT size, peaks, recorded_at, halted, last_erasure FROM ledger_head WHERE log = ?"
)


def _locked(
    connection: Connection,
    cursor: Any,  # noqa: ANN401 - the driver's
    log: str,
) -> tuple[Frontier, datetime | None, bool, int | None]:
    dialect = connection.dialect.name
    query = spelled_for(dialect, _HEAD) + ("" if dialect == "sqlite" else " FOR UPDATE")
    found = cursor.execute(query, (log,)).fetchone()
    if found is None:
        begin_log(connection, log)
        found = cursor.execute(query, (log,)).fetchone()
    try:
        frontier = Frontier.unpack(found[0], bytes(found[1]))
    except ValueError:
        raise LedgerDamaged(f"{log}: the head cannot be read") from None
    return frontier, read_instant(found[2]), bool(found[3]), found[4]


def begin_log(connection: Connection, log: str) -> None:
    """Make the head of a log that has none yet."""
    if connection.execute(select(HEAD.c.log).where(HEAD.c.log == log)).one_or_none() is not None:
        return
    empty = {"log": log, "size": 0, "peaks": b"", "root": EMPTY_ROOT, "recorded_at": None}
    try:
        with connection.begin_nested():
            connection.execute(insert(HEAD), empty)
    except IntegrityError:
        return  # another writer began it between our look and our insert
