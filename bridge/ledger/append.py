"""Writing to the ledger, inside the transaction of what is being told.

INVARIANT: nothing here commits. The gate reads, appends and hands out in one transaction, so that
no release exists without its entry and no entry without its release.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from bridge.clock import Clock
from bridge.ledger.clocks import require_time
from bridge.ledger.entry import RELEASING, Entry, Kind, Receipt, Recorded, body_of
from bridge.ledger.errors import LedgerDamaged, LedgerHalted, UnknownEntry
from bridge.ledger.merkle import Frontier, Node
from bridge.ledger.tables import ENTRY, HEAD, NODE
from bridge.ledger.verifier import EMPTY_ROOT, entry_leaf

SALT_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Head:
    """How far a log has grown; ``time`` is None while nothing was written."""

    log: str
    size: int
    root: bytes
    time: datetime | None


def append(connection: Connection, entries: Sequence[Entry], clock: Clock) -> list[Receipt]:
    """Add entries, any number, of any logs; return where each now stands, in the order given.

    The head row of each log is locked until the caller's transaction ends, so the order of entries
    is the order of commits. On SQLite the transaction must be a writing one (``BEGIN IMMEDIATE``).
    A log's times never go backwards: a clock set back repeats the last time.

    Raises:
        LedgerDamaged: if the stored head cannot be read.
        LedgerHalted: if something would leave under a log that is halted.
        ClockDoubted: if something would leave while the clock cannot be right.
        ValueError: if an entry's time has no zone.
    """
    now = clock.now()
    receipts: dict[int, Receipt] = {}
    for log in sorted({entry.log for entry in entries}):  # one order of locks: no deadlock
        chosen = [at for at, entry in enumerate(entries) if entry.log == log]
        start = _append_to(connection, log, [entries[at] for at in chosen], (now, clock))
        receipts |= {at: Receipt(log, start + n) for n, at in enumerate(chosen)}
    return [receipts[at] for at in range(len(entries))]


def head(connection: Connection, log: str) -> Head:
    """Return the head of a log; of size 0 if nothing was ever written to it."""
    found = connection.execute(select(HEAD).where(HEAD.c.log == log)).one_or_none()
    if found is None:
        return Head(log, 0, EMPTY_ROOT, None)
    return Head(log, found.size, found.root, found.recorded_at)


def logs(connection: Connection) -> list[str]:
    """Return the names of all logs, sorted."""
    return list(connection.scalars(select(HEAD.c.log).order_by(HEAD.c.log)))


def erase(connection: Connection, erasure: Entry, clock: Clock) -> Receipt:
    """Destroy what earlier entries say, where a law demands it, and record that it was done.

    The leaves stay, so every head and every proof of other entries still holds.

    Raises:
        ValueError: if the entry is not an erasure or names nothing.
        UnknownEntry: if an entry named does not exist.
    """
    if erasure.kind is not Kind.ERASURE or not erasure.refers:
        raise ValueError("an erasure names the entries it erases")
    receipt = append(connection, [erasure], clock)[0]
    named = (ENTRY.c.log == erasure.log) & ENTRY.c.position.in_(erasure.refers)
    earlier = named & (ENTRY.c.position < receipt.index)
    emptied = {"body": None, "salt": None, "subject": None}
    done = connection.execute(update(ENTRY).where(earlier).values(emptied))
    if done.rowcount != len(set(erasure.refers)):
        raise UnknownEntry(f"{erasure.log}: an entry to erase does not exist")
    return receipt


def _append_to(
    connection: Connection, log: str, entries: Sequence[Entry], times: tuple[datetime, Clock]
) -> int:
    (now, clock), (frontier, last, halted) = times, _locked(connection, log)
    if any(entry.kind in RELEASING for entry in entries):
        if halted:
            raise LedgerHalted(f"{log} is halted until it is caught up; nothing was released")
        require_time(last, clock)
    start, time = frontier.size, max(now, last or now)
    rows, nodes = list[dict[str, Any]](), list[Node]()
    for entry in entries:
        row = _row(Recorded(frontier.size, time, entry))
        nodes += frontier.push(row["leaf"])
        rows.append(row)
    connection.execute(insert(ENTRY), rows)
    if nodes:
        kept = [
            {"log": log, "level": node.level, "position": node.position, "hash": node.hash}
            for node in nodes
        ]
        connection.execute(insert(NODE), kept)
    grown = {"size": frontier.size, "peaks": frontier.pack(), "root": frontier.root()}
    connection.execute(update(HEAD).where(HEAD.c.log == log).values(recorded_at=time, **grown))
    return start


def _row(recorded: Recorded) -> dict[str, Any]:
    body, salt, entry = body_of(recorded), secrets.token_bytes(SALT_BYTES), recorded.entry
    return {
        "log": entry.log,
        "position": recorded.index,
        "recorded_at": recorded.time,
        "kind": entry.kind.value,
        "request": entry.request,
        "subject": entry.subject,
        "body": body,
        "salt": salt,
        "leaf": entry_leaf(salt, body),
    }


def _locked(connection: Connection, log: str) -> tuple[Frontier, datetime | None, bool]:
    query = select(HEAD).where(HEAD.c.log == log).with_for_update()
    found = connection.execute(query).one_or_none()
    if found is None:
        begin_log(connection, log)
        found = connection.execute(query).one()
    try:
        return Frontier.unpack(found.size, found.peaks), found.recorded_at, found.halted
    except ValueError:
        raise LedgerDamaged(f"{log}: the head cannot be read") from None


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
