"""Comparing the ledger with the heads known outside of the database, and keeping them there."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection

from bridge.ledger.append import head, logs
from bridge.ledger.entry import Receipt
from bridge.ledger.halting import (
    Halted,
    KnownHead,
    begins_with,
    compare,
    halt_all,
    halted_logs,
    resume,
)
from bridge.ledger.witness import changing, keep_longest, read_witness
from bridge.parts import Parts
from bridge.store.database.engine import database_time, read, write
from bridge.store.directory import agreement_ids
from bridge.store.partners.subscriptions import begin_numbers_anew


def keep_heads(parts: Parts, file: Path) -> list[Halted]:
    """Halt what is not as the file says it was, and keep the heads of the rest in the file.

    At each start and every few seconds while serving, so that what the file says is never older
    than that. Compares the clock with the database's as well. Returns what is halted.

    Raises:
        LedgerDamaged: the file cannot be read.
    """
    witness = read_witness(file)
    with read(parts.engine) as connection:
        if told := database_time(connection):
            parts.clock.hear(told)
        halted, now = halted_logs(connection), _heads(connection)
        sound = all(begins_with(connection, *known) for known in witness.heads.items())
    if halted or not sound or witness.restored:
        halted = _compared(parts, witness.heads, restored=witness.restored)
    named = {each.log for each in halted}
    keep_longest(file, {log: known for log, known in now.items() if log not in named})
    return halted


def remember(parts: Parts, file: Path, heads: Mapping[str, KnownHead]) -> list[Halted]:
    """Compare the ledger with heads a party kept, and keep them; returns what is halted now."""
    halted = _compared(parts, heads, restored=False)
    keep_longest(file, heads)
    return halted


def accept_loss(parts: Parts, file: Path, log: str, by: str) -> Receipt:
    """Let a halted log go on without the entries it lost; returns the entry that says so.

    Raises:
        UnknownEntry: the log is not halted.
    """
    with changing(file) as kept:
        with write(parts.engine) as connection:
            receipt = resume(connection, log, by, parts.clock)
            begin_numbers_anew(connection)
            stands = head(connection, log)
        kept[log] = KnownHead(stands.size, stands.root)
    return receipt


def _compared(parts: Parts, heads: Mapping[str, KnownHead], *, restored: bool) -> list[Halted]:
    with write(parts.engine) as connection:
        if restored:
            halt_all(connection, [agreement for agreement, _ in agreement_ids(connection)])
        compare(connection, heads)
        return halted_logs(connection)


def _heads(connection: Connection) -> dict[str, KnownHead]:
    found = (head(connection, log) for log in logs(connection))
    return {h.log: KnownHead(h.size, h.root) for h in found}
