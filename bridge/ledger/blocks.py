"""The rows of an entry of several releases as they are kept: some of them together, by the person.

A row of the database for each release costs more than all that is said in it: the entry's place,
the person again, and an index. So they lie in blocks of some nine, in the order of the persons;
all of one person are in one block, which is found by the greatest in it. A block is JSON: the place
of each row in its entry, the rows as they were committed to, and the salt of each.

INVARIANT: rows are read back byte for byte: the entry commits to their digests, in its own order.
An erased row leaves its digest, in its block.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder
from sqlalchemy import Connection, select, update

from bridge.ledger.errors import LedgerDamaged
from bridge.ledger.tables import BLOCK
from bridge.ledger.verifier import row_digest

TOGETHER: Final = 9
"""So many rows are a block: two fill a page of SQLite, and PostgreSQL compresses none of them."""
REACHING: Final = (
    "f.last = (SELECT b.last FROM ledger_block b WHERE b.log = e.log AND b.position = e.position"
    " AND b.last >= :least ORDER BY b.last LIMIT 1)"
)
"""Finds of an entry ``e`` the block ``f`` in which a person is; ``:least`` is its name in UTF-8."""

Written = tuple[bytes, int, bytes]
"""A block to write: the greatest person, which block of the entry it is, and what is in it."""


class _Said(Struct):
    nth: list[int]
    rows: list[Raw]
    salts: list[str | None]


class _Row(Struct):
    erased: str | None = None
    subject: str | None = None


_SAID: Final = Decoder(_Said)
_ROW: Final = Decoder(_Row)


@dataclass(frozen=True, slots=True)
class KeptRow:
    """One release of several that an entry lists; of one that was erased only the digest is left.

    Attributes:
        nth: which of the entry's it is.
    """

    nth: int
    subject: str | None
    body: bytes | None
    salt: bytes | None
    digest: bytes


def blocks_of(
    subjects: Sequence[str], bodies: Sequence[bytes], salts: Sequence[bytes]
) -> Iterator[Written]:
    """Yield the blocks of the rows of an entry: whose each is, what it says, and its salt."""
    order = sorted(range(len(subjects)), key=subjects.__getitem__)
    start, number = 0, 0
    while start < len(order):
        end = min(start + TOGETHER, len(order))
        last = subjects[order[end - 1]]
        while end < len(order) and subjects[order[end]] == last:
            end += 1
        nth = order[start:end]
        rows, drawn = [bodies[n] for n in nth], [salts[n].hex() for n in nth]
        yield last.encode(), number, _body(nth, rows, drawn)
        start, number = end, number + 1


def _body(nth: Sequence[int], rows: Sequence[bytes], salts: Sequence[str | None]) -> bytes:
    joined = b",".join(rows)  # not read and written again: they are as they were committed to
    return b'{"nth":%b,"rows":[%b],"salts":%b}' % (orjson.dumps(nth), joined, orjson.dumps(salts))


def stored_blocks(connection: Connection, log: str, position: int) -> list[Any]:
    """Return the blocks of an entry as they are stored, by the persons in them."""
    place = (BLOCK.c.log == log) & (BLOCK.c.position == position)
    return list(connection.execute(select(BLOCK).where(place).order_by(BLOCK.c.last)))


def rows_in(body: bytes) -> list[KeptRow]:
    """Return the rows in a block.

    Raises:
        ValueError: it is none.
    """
    try:
        said = _SAID.decode(body)
        return [_kept(*each) for each in zip(said.nth, said.rows, said.salts, strict=True)]
    except (MsgspecError, ValueError):
        raise ValueError("not a block of this ledger") from None


def _kept(nth: int, raw: Raw, salt: str | None) -> KeptRow:
    text, said = bytes(raw), _ROW.decode(raw)
    if said.erased is not None:
        return KeptRow(nth, None, None, None, bytes.fromhex(said.erased))
    salted = bytes.fromhex(salt or "")
    return KeptRow(nth, said.subject, text, salted, row_digest(salted, text))


def rows_of(connection: Connection, log: str, position: int) -> list[KeptRow]:
    """Return the rows of an entry, in its order.

    Raises:
        LedgerDamaged: a block cannot be read.
    """
    found = (each.body for each in stored_blocks(connection, log, position))
    return sorted(rows_read(found, f"{log}#{position}"), key=lambda row: row.nth)


def rows_read(bodies: Iterator[bytes], place: str) -> list[KeptRow]:
    """Return the rows in some blocks of an entry.

    Raises:
        LedgerDamaged: one cannot be read.
    """
    try:
        return [row for body in bodies for row in rows_in(body)]
    except ValueError:
        raise LedgerDamaged(f"{place}: its rows cannot be read") from None


def are_found(blocks: Sequence[Any]) -> bool:
    """Tell whether each row of an entry's blocks, by their last, is where it is looked for.

    Raises:
        ValueError: one is no block.
    """
    before = b""
    for block in blocks:
        persons = [row.subject.encode() for row in rows_in(block.body) if row.subject]
        if not all(before < person <= block.last for person in persons):
            return False
        before = block.last
    return True


def erase_rows(
    connection: Connection, log: str, positions: Sequence[int], subject: str
) -> set[int]:
    """Destroy what rows of some entries say of one person; returns the places of those entries."""
    emptied = set[int]()
    for position in positions:
        for block in stored_blocks(connection, log, position):
            rows = rows_in(block.body)
            if any(row.subject == subject for row in rows):
                _empty(connection, block, rows, subject)
                emptied.add(position)
    return emptied


def _empty(connection: Connection, block: Any, rows: Sequence[KeptRow], subject: str) -> None:  # noqa: ANN401 - a row of the table
    """Write a block anew without what it says of one person, whose name it then has nowhere."""
    left = [row for row in rows if row.subject not in (None, subject)]
    written = [row.body if row in left else b'{"erased":"%b"}' % row.digest.hex().encode()
               for row in rows]  # fmt: skip
    salts = [row.salt.hex() if row in left and row.salt else None for row in rows]
    body = _body([row.nth for row in rows], [each or b"" for each in written], salts)
    last = max((row.subject or "" for row in left), default="").encode()
    columns = ("log", "position", "last", "block")
    place = [BLOCK.c[name] == getattr(block, name) for name in columns]
    connection.execute(update(BLOCK).where(*place).values(last=last, body=body))
