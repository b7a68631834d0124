"""The releases an entry of the ledger lists are kept some together, no longer in a row each.

Each row wrote the entry's place and the person twice, into the table and an index: a fifth of what
a large export costs. Rows are kept byte for byte, with their salts and places: the entries still
commit to them.

Revision: r0031, after r0030.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson
import sqlalchemy as sa
from alembic import op

revision = "r0031"
down_revision = "r0030"

TOGETHER: Final = 9
_ENTRIES: Final = "SELECT DISTINCT log, position FROM ledger_row ORDER BY log, position"
_ROWS: Final = (
    "SELECT nth, subject, body, salt, digest FROM ledger_row"
    " WHERE log = :log AND position = :position ORDER BY nth"
)
_NEW: Final = (
    "INSERT INTO ledger_block (log, position, last, block, body)"
    " VALUES (:log, :position, :last, :block, :body)"
)


def upgrade() -> None:
    """Make the table, move the rows entry by entry, and take the old table away."""
    op.create_table(
        "ledger_block",
        sa.Column("log", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.LargeBinary(), nullable=False),
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "position", "last", "block", name="pk_ledger_block"),
    )
    connection = op.get_bind()
    for log, position in connection.execute(sa.text(_ENTRIES)).all():
        place = {"log": log, "position": position}
        rows = connection.execute(sa.text(_ROWS), place).all()
        connection.execute(sa.text(_NEW), [place | block for block in _blocks(rows)])
    op.drop_table("ledger_row")


def _blocks(rows: Sequence[Any]) -> Iterator[dict[str, object]]:
    """Yield the blocks of an entry's rows: in the order of the persons, one person's together."""
    left, number = sorted(rows, key=lambda row: (row.subject or "", row.nth)), 0
    while left:
        end = min(TOGETHER, len(left))
        last = left[end - 1].subject or ""
        while end < len(left) and (left[end].subject or "") == last:
            end += 1
        some, left = left[:end], left[end:]
        yield {"last": last.encode(), "block": number, "body": _body(some)}
        number += 1


def _body(rows: Sequence[Any]) -> bytes:
    erased = b'{"erased":"%b"}'
    said = [bytes(r.body) if r.body else erased % bytes(r.digest).hex().encode() for r in rows]
    salts = orjson.dumps([bytes(r.salt).hex() if r.body else None for r in rows])
    nth = orjson.dumps([r.nth for r in rows])
    return b'{"nth":%b,"rows":[%b],"salts":%b}' % (nth, b",".join(said), salts)
