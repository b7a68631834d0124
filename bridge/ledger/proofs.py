"""Evidence from a stored log: paths for others to check, and receipts to hand out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from bridge.ledger.append import head
from bridge.ledger.blocks import KeptRow, rows_of
from bridge.ledger.entry import Kind, Receipt
from bridge.ledger.errors import LedgerDamaged, UnknownEntry
from bridge.ledger.merkle import consistency_path, inclusion_path
from bridge.ledger.tables import ENTRY, NODE
from bridge.ledger.verifier import Checkpoint


@dataclass(frozen=True, slots=True)
class StoredHashes:
    """The hashes of one log, as the database keeps them."""

    connection: Connection
    log: str

    def stored(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """Return the hashes of one level from ``start`` up to ``stop``.

        Raises:
            LedgerDamaged: if one is missing.
        """
        table, hashed = (ENTRY, ENTRY.c.leaf) if level == 0 else (NODE, NODE.c.hash)
        query = select(hashed).where(
            table.c.log == self.log, table.c.position >= start, table.c.position < stop
        )
        if level:
            query = query.where(NODE.c.level == level)
        found = list(self.connection.scalars(query.order_by(table.c.position)))
        if len(found) != stop - start:
            raise LedgerDamaged(f"{self.log}: hashes of level {level} are missing")
        return found


def inclusion_proof(connection: Connection, receipt: Receipt, size: int) -> list[bytes]:
    """Return the path from an entry to the root of the log when it had ``size`` entries.

    Raises:
        UnknownEntry: if the log never had that size or the entry came later.
    """
    _check_size(connection, receipt.log, size)
    if receipt.index >= size:
        raise UnknownEntry(f"{receipt} is not among the first {size} entries")
    return inclusion_path(StoredHashes(connection, receipt.log), receipt.index, size)


def consistency_proof(connection: Connection, log: str, old: int, new: int) -> list[bytes]:
    """Return the path that shows the log of size ``new`` to begin with that of size ``old``.

    Raises:
        UnknownEntry: if the log never had those sizes.
    """
    _check_size(connection, log, new)
    if not 0 <= old <= new:
        raise UnknownEntry(f"{log} had no size {old} before {new}")
    return consistency_path(StoredHashes(connection, log), old, new)


def receipt_document(
    connection: Connection, receipt: Receipt, note: str, signed: Checkpoint
) -> dict[str, Any]:
    """Return all that :mod:`bridge.ledger.verifier` needs to check one entry, ready for JSON.

    Args:
        connection: the database.
        receipt: the entry.
        note: a signed head of its log.
        signed: that note, opened.

    Raises:
        UnknownEntry: if there is no such entry, it was erased, or it came after that head.
    """
    place = (ENTRY.c.log == receipt.log) & (ENTRY.c.position == receipt.index)
    row = connection.execute(select(ENTRY.c.body, ENTRY.c.salt).where(place)).one_or_none()
    if row is None or row.body is None:
        raise UnknownEntry(f"{receipt} does not exist or was erased")
    path = inclusion_proof(connection, receipt, signed.size)
    listed = rows_of(connection, receipt.log, receipt.index)
    return {
        "log": receipt.log,
        "index": receipt.index,
        "body": row.body.decode(),
        "salt": row.salt.hex(),
        "path": [step.hex() for step in path],
        "checkpoint": note,
        **({"digests": [each.digest.hex() for each in listed]} if listed else {}),
        **({} if receipt.row is None else {"row": _shown(listed, receipt)}),
    }


def sealed_document(
    connection: Connection, receipt: Receipt, note: str, signed: Checkpoint
) -> dict[str, Any]:
    """Return what proves that an entry stands where it stands, and tells nothing of what it says.

    What an entry says names what was withheld too, and on which facts; so who received something is
    given this. Entry and salt, shown later to an auditor or a court, lead to the same leaf.

    Raises:
        UnknownEntry: if there is no such entry, or it came after that head.
    """
    path = inclusion_proof(connection, receipt, signed.size)
    (leaf,) = StoredHashes(connection, receipt.log).stored(0, receipt.index, receipt.index + 1)
    return {
        "log": receipt.log,
        "index": receipt.index,
        "leaf": leaf.hex(),
        "path": [step.hex() for step in path],
        "checkpoint": note,
    }


def _shown(listed: Sequence[KeptRow], receipt: Receipt) -> dict[str, object]:
    for row in listed:
        if row.nth == receipt.row and row.body is not None and row.salt is not None:
            return {"nth": row.nth, "body": row.body.decode(), "salt": row.salt.hex()}
    raise UnknownEntry(f"{receipt} does not exist or was erased")


def export_lines(connection: Connection, log: str) -> Iterator[dict[str, object]]:
    """Yield one row per entry, for :func:`bridge.ledger.verifier.check_export`."""
    columns = select(ENTRY.c.body, ENTRY.c.salt, ENTRY.c.leaf, ENTRY.c.kind, ENTRY.c.position)
    columns = columns.where(ENTRY.c.log == log)
    query = columns.order_by(ENTRY.c.position).execution_options(yield_per=1000)
    with connection.execute(query) as rows:
        for row in rows:
            if row.body is None:
                yield {"leaf": row.leaf.hex()}
            else:
                line: dict[str, object] = {"body": row.body.decode(), "salt": row.salt.hex()}
                if row.kind == Kind.RELEASES:
                    line["rows"] = [_line(each) for each in rows_of(connection, log, row.position)]
                yield line


def _line(row: KeptRow) -> dict[str, str]:
    if row.body is None or row.salt is None:
        return {"digest": row.digest.hex()}
    return {"body": row.body.decode(), "salt": row.salt.hex()}


def _check_size(connection: Connection, log: str, size: int) -> None:
    if not 0 <= size <= head(connection, log).size:
        raise UnknownEntry(f"{log} never had {size} entries")
