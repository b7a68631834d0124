"""What waits in the database, for whoever runs the bridge: the same whichever process is asked.

INVARIANT: what is counted was numbered, begun or held already. How many records there are, and how
many of them somebody may not see, is in none of it; nor is whose anything is.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from bridge.journeys.partners.watch_exports import watched
from bridge.ledger.append import head, logs
from bridge.ledger.halting import halted_logs
from bridge.parts import Parts
from bridge.store.database.engine import read
from bridge.store.directory import held_count
from bridge.store.facts.openings import all_set_aside
from bridge.store.partners.subscriptions import every_subscription, oldest_waiting


@dataclass(frozen=True, slots=True)
class Queues:
    """What waits, and for how long.

    Attributes:
        subscriptions: how many there are, by status.
        notifications: numbered and not taken by their receivers, by status of the subscription:
            those in ``error`` are the dead letters.
        oldest: seconds since the oldest of those that will be tried again was numbered.
        exports: jobs by state (:func:`bridge.store.partners.export_progress.state_of`).
        held: rows of imports that wait for a person.
        aside: students whose records could not be looked at, and are tried again later.
        idle: seconds since the last entry in any log of the ledger; None if there is none.
        halted: logs by which nothing leaves until somebody has looked.
        log_bytes: size of SQLite's write-ahead log; None on PostgreSQL.
    """

    subscriptions: Mapping[str, int]
    notifications: Mapping[str, int]
    oldest: float
    exports: Mapping[str, int]
    held: int
    aside: int
    idle: float | None
    halted: int
    log_bytes: int | None


def look_at_queues(parts: Parts) -> Queues:
    """Look at everything that waits.

    Raises:
        DBAPIError: the database does not answer.
    """
    now, real = parts.clock.now(), parts.clock.real_now()
    with read(parts.engine) as connection:
        every = every_subscription(connection)
        waiting: Counter[str] = Counter()
        for each in every:
            waiting[each.status] += each.events - each.delivered
        oldest = oldest_waiting(connection)
        return Queues(
            subscriptions=Counter(each.status for each in every),
            notifications=waiting,
            oldest=(real - oldest).total_seconds() if oldest else 0.0,
            exports=Counter(each.state for each in watched(connection, now)),
            held=held_count(connection),
            aside=all_set_aside(connection).students,
            idle=_idle(connection, now),
            halted=len(halted_logs(connection)),
            log_bytes=_log_bytes(connection),
        )


def _idle(connection: Connection, now: datetime) -> float | None:
    times = [head(connection, log).time for log in logs(connection)]
    last = max((time for time in times if time), default=None)
    return (now - last).total_seconds() if last else None


def _log_bytes(connection: Connection) -> int | None:
    if connection.dialect.name != "sqlite":
        return None
    file = Path(f"{connection.engine.url.database}-wal")
    return file.stat().st_size if file.exists() else 0
