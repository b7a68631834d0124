"""What was acknowledged against what is kept: nothing lost, nothing doubled, nothing unrecorded."""

import json
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, text

from bridge.ledger.append import logs
from bridge.ledger.check import verify_log
from bridge.ledger.entry import Kind
from bridge.ledger.lookup import entries
from bridge.store.database.engine import read
from tests.faults.provider import Journal

# A provider's own sessions come back to it without an entry: nothing is disclosed.
OWN = "Encounter"


@dataclass
class Findings:
    """Everything wrong, one list for each promise."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    unsound: list[str] = field(default_factory=list)
    entries: int = 0

    @property
    def any(self) -> bool:
        return bool(self.lost or self.doubled or self.unrecorded or self.unsound)


def reconcile(engine: Engine, journal: Journal, *, at_rest: bool = False) -> Findings:
    """Compare a journal with the database.

    Args:
        engine: the database.
        journal: of a provider that may still be at work.
        at_rest: whether it has ended and knows what became of everything it sent.
    """
    with journal.lock:  # first the journal, then the database: what is kept only grows
        sessions, moves = dict(journal.sessions), Counter(journal.moves)
        received, sent = set(journal.received), dict(journal.sent)
        found = Findings(lost=list(journal.faults))
    with read(engine) as connection:
        _sessions(connection, found, (sessions, len(sent) if at_rest else None))
        _moves(connection, found, moves, at_rest=at_rest)
        _ledger(connection, found, received)
        if engine.dialect.name == "sqlite":
            sound = connection.execute(text("PRAGMA integrity_check")).scalars().all()
            found.unsound += [f"integrity: {line}" for line in sound if line != "ok"]
    return found


def _sessions(
    connection: Connection, found: Findings, known: tuple[dict[str, str], int | None]
) -> None:
    acknowledged, sent = known
    rows = connection.execute(text("SELECT id, body FROM record WHERE type = 'Encounter'")).all()
    kept = {row.id for row in rows}
    found.lost += [f"session {key}" for key, i in acknowledged.items() if i not in kept]
    begins = Counter(json.loads(row.body)["period"]["start"] for row in rows)
    found.doubled += [f"session at {start}" for start, n in begins.items() if n > 1]
    if sent is not None and len(rows) > sent:
        found.doubled.append(f"{len(rows)} sessions kept, {sent} sent")


def _moves(connection: Connection, found: Findings, moves: Counter[str], *, at_rest: bool) -> None:
    """Every move is one version more; at most one is under way while the provider works."""
    query = text("SELECT id, version FROM record WHERE type = 'Task'")
    for task_id, version in connection.execute(query):
        made = version - 1
        if made < moves[task_id]:
            found.lost.append(f"{moves[task_id] - made} moves of a Task")
        if at_rest and made > moves[task_id]:
            found.doubled.append(f"{made - moves[task_id]} moves of a Task")
    numbers = connection.execute(text("SELECT change FROM record")).scalars().all()
    if len(numbers) != len(set(numbers)):
        found.doubled.append("two records have one change number")


def _ledger(connection: Connection, found: Findings, received: set[tuple[str, str, str]]) -> None:
    disclosed: set[tuple[str, str, str]] = set()
    for log in logs(connection):
        report = verify_log(connection, log)
        found.unsound += [f"{log}: {fault}" for fault in report.findings]
        found.entries += report.size
        for recorded in entries(connection, log):
            resource = recorded.entry.resource
            if recorded.entry.kind is Kind.RELEASE and resource is not None:
                disclosed.add((resource.type, resource.id, resource.digest))
    found.unrecorded += [
        f"{kind} received without an entry"
        for kind, record_id, version in received
        if kind != OWN and (kind, record_id, version) not in disclosed
    ]
