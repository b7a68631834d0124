"""Reading entries back: what was told about a person, what a request led to, what stands where."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from bridge.ledger.entry import Receipt, Recorded, read_body
from bridge.ledger.errors import LedgerDamaged, UnknownEntry
from bridge.ledger.tables import ENTRY


def recorded(connection: Connection, receipt: Receipt) -> Recorded:
    """Return one entry.

    Raises:
        UnknownEntry: if there is none, or it was erased.
        LedgerDamaged: if it cannot be read.
    """
    query = _entries().where(ENTRY.c.log == receipt.log, ENTRY.c.position == receipt.index)
    found = connection.execute(query).one_or_none()
    if found is None:
        raise UnknownEntry(f"{receipt} does not exist or was erased")
    return _recorded(found)


def about(connection: Connection, subject: str) -> Iterator[Recorded]:
    """Yield every entry about a person, of all logs, oldest first: the accounting of disclosures.

    Raises:
        LedgerDamaged: if one cannot be read.
    """
    query = _entries().where(ENTRY.c.subject == subject)
    return _read(connection, query.order_by(ENTRY.c.recorded_at, ENTRY.c.log, ENTRY.c.position))


def of_request(connection: Connection, request: str) -> Iterator[Recorded]:
    """Yield every entry a request led to.

    Raises:
        LedgerDamaged: if one cannot be read.
    """
    query = _entries().where(ENTRY.c.request == request)
    return _read(connection, query.order_by(ENTRY.c.log, ENTRY.c.position))


def entries(connection: Connection, log: str, start: int = 0) -> Iterator[Recorded]:
    """Yield the entries of a log from an index on, leaving out the erased ones.

    Raises:
        LedgerDamaged: if one cannot be read.
    """
    query = _entries().where(ENTRY.c.log == log, ENTRY.c.position >= start)
    return _read(connection, query.order_by(ENTRY.c.position))


def _entries() -> Select[Any]:
    columns = select(ENTRY.c.log, ENTRY.c.position, ENTRY.c.body)
    return columns.where(ENTRY.c.body.is_not(None))


def _read(connection: Connection, query: Select[Any]) -> Iterator[Recorded]:
    with connection.execute(query.execution_options(yield_per=1000)) as rows:
        for row in rows:
            yield _recorded(row)


def _recorded(row: Row[Any]) -> Recorded:
    try:
        return read_body(row.body)
    except ValueError:
        raise LedgerDamaged(f"{row.log}#{row.position} cannot be read") from None
