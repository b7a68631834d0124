"""Halting a log that is not what others know it to be, so that nothing leaves under it.

Yesterday's copy of a database knows nothing of today's revocations. What gives a restored copy away
is its ledger: somebody outside of the database holds the head of a longer one. A log that is halted
takes revocations and whatever else only takes away, but no entry by which something leaves; and
without its entry nothing leaves (:mod:`bridge.gate`).

INVARIANT: the database itself refuses: a trigger lets no such entry into a halted log, whatever the
statement and whoever makes it. On SQLite, where a trigger that has nothing to refuse takes a third
of what an entry costs, it stands while a log is halted, and others let no log be halted without it.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import DDL, Connection, event, select, update

from bridge.clock import Clock
from bridge.ledger.append import append, begin_log, head
from bridge.ledger.entry import RELEASING, Entry, Kind, Receipt
from bridge.ledger.errors import LedgerDamaged, UnknownEntry
from bridge.ledger.merkle import range_hash
from bridge.ledger.proofs import StoredHashes
from bridge.ledger.tables import ENTRY, HEAD
from bridge.ledger.verifier import EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class KnownHead:
    """A head of a log that somebody outside of the database holds."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Halted:
    """A log that is halted. ``known_size`` is None where only its restoring is known."""

    log: str
    size: int
    known_size: int | None


def compare(connection: Connection, known: Mapping[str, KnownHead]) -> None:
    """Halt each log that is shorter than a known head, or does not begin with it.

    A log that was halted and now begins with all that is known of it is halted no longer.
    """
    for log, theirs in known.items():
        begin_log(connection, log)
        row = connection.execute(select(HEAD).where(HEAD.c.log == log).with_for_update()).one()
        if row.halted and row.known_size is None and theirs.size < row.size:
            continue  # older than the copy put in place: it says nothing of what came after
        longest = theirs
        if row.known_size is not None and row.known_size > theirs.size:
            longest = KnownHead(row.known_size, row.known_root)
        halted = not all(begins_with(connection, log, one) for one in (theirs, longest))
        kept = {"known_size": longest.size, "known_root": longest.root} if halted else _FREE
        if halted or row.halted:
            values = {"halted": halted, **kept}
            with _refusing(connection):
                connection.execute(update(HEAD).where(HEAD.c.log == log).values(**values))


def halt_all(connection: Connection, names: Iterable[str]) -> None:
    """Halt every log there is, and each named: nobody has said yet how long it was."""
    for log in names:
        begin_log(connection, log)
    with _refusing(connection):
        connection.execute(update(HEAD).values(halted=True))


def begins_with(connection: Connection, log: str, theirs: KnownHead) -> bool:
    """Tell whether a log once was what others know it to have been.

    Where its hashes are missing nobody can say so: then it does not.
    """
    if theirs.size > head(connection, log).size:
        return False
    if theirs.size == 0:
        return theirs.root == EMPTY_ROOT
    try:
        return range_hash(StoredHashes(connection, log), 0, theirs.size) == theirs.root
    except LedgerDamaged:
        return False


def halted_logs(connection: Connection) -> list[Halted]:
    """Return the logs that are halted, by name."""
    query = select(HEAD.c.log, HEAD.c.size, HEAD.c.known_size).where(HEAD.c.halted)
    return [Halted(*row) for row in connection.execute(query.order_by(HEAD.c.log))]


def resume(connection: Connection, log: str, by: str, clock: Clock) -> Receipt:
    """Let a halted log go on although entries are lost, and enter who decided so, and how many.

    Whoever decides has entered every revocation made since the copy was taken, from paper.

    Raises:
        UnknownEntry: there is no such log, or it is not halted.
    """
    found = {halted.log: halted for halted in halted_logs(connection)}
    if log not in found:
        raise UnknownEntry(f"{log} is not halted")
    known = found[log].known_size
    lost = "unknown" if known is None else str(max(0, known - found[log].size))
    with _refusing(connection):
        connection.execute(update(HEAD).where(HEAD.c.log == log).values(halted=False, **_FREE))
    entry = Entry(log, Kind.RESUMED, request=f"{by}: {lost} entries are lost")
    return append(connection, [entry], clock)[0]


@contextmanager
def _refusing(connection: Connection) -> Iterator[None]:
    """Let logs be halted or go on inside; on SQLite what refuses their entries comes or goes."""
    if connection.dialect.name != "sqlite":
        yield
        return
    connection.exec_driver_sql(_REFUSING)
    yield
    if not halted_logs(connection):
        connection.exec_driver_sql(f"DROP TRIGGER {_NAME}")


_FREE: Final[dict[str, None]] = {"known_size": None, "known_root": None}
_KINDS: Final = ", ".join(f"'{kind}'" for kind in sorted(RELEASING))
_HALTED: Final = "EXISTS (SELECT 1 FROM ledger_head WHERE log = NEW.log AND halted)"
_REFUSED: Final = "the log is halted"
_NAME: Final = "ledger_entry_halted"
_REFUSING: Final = (
    f"CREATE TRIGGER IF NOT EXISTS {_NAME} BEFORE INSERT ON ledger_entry"
    f" WHEN NEW.kind IN ({_KINDS}) AND {_HALTED}"
    f" BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
)
_UNREFUSED: Final = (
    f"WHEN NEW.halted AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '{_NAME}')"  # noqa: S608 - a name of ours
    f" BEGIN SELECT RAISE(ABORT, 'no log is halted without the trigger {_NAME}'); END"
)
_TRIGGERS: Final = {
    "sqlite": (
        f"CREATE TRIGGER ledger_head_halted BEFORE UPDATE OF halted ON ledger_head {_UNREFUSED}",
        f"CREATE TRIGGER ledger_head_begun BEFORE INSERT ON ledger_head {_UNREFUSED}",
    ),
    "postgresql": (
        (
            f"CREATE OR REPLACE FUNCTION {_NAME}() RETURNS trigger"
            " LANGUAGE plpgsql AS $$ "
            f"BEGIN IF {_HALTED} THEN RAISE EXCEPTION '{_REFUSED}'; END IF; RETURN NEW; END $$"
        ),
        (
            f"CREATE TRIGGER {_NAME} BEFORE INSERT ON ledger_entry FOR EACH ROW"
            f" WHEN (NEW.kind IN ({_KINDS})) EXECUTE FUNCTION {_NAME}()"
        ),
    ),
}

for _table, _dialect in ((HEAD, "sqlite"), (ENTRY, "postgresql")):
    for _statement in _TRIGGERS[_dialect]:
        _ddl = DDL(_statement)  # type: ignore[no-untyped-call] # SQLAlchemy's, without types
        event.listen(_table, "after_create", _ddl.execute_if(dialect=_dialect))
