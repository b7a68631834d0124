"""One entry of the ledger may list many releases, each in a row of its own.

Revision: r0013, after r0012.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "r0013"
down_revision = "r0012"

_KINDS: Final = "'account', 'again', 'release', 'releases'"
_HALTED: Final = "EXISTS (SELECT 1 FROM ledger_head WHERE log = NEW.log AND halted)"
_TRIGGERS: Final = {
    "sqlite": (
        "DROP TRIGGER ledger_entry_halted",
        (
            "CREATE TRIGGER ledger_entry_halted BEFORE INSERT ON ledger_entry"
            f" WHEN NEW.kind IN ({_KINDS}) AND {_HALTED}"
            " BEGIN SELECT RAISE(ABORT, 'the log is halted'); END"
        ),
    ),
    "postgresql": (
        "DROP TRIGGER ledger_entry_halted ON ledger_entry",
        (
            "CREATE TRIGGER ledger_entry_halted BEFORE INSERT ON ledger_entry FOR EACH ROW"
            f" WHEN (NEW.kind IN ({_KINDS})) EXECUTE FUNCTION ledger_entry_halted()"
        ),
    ),
}


def upgrade() -> None:
    """Make the table, and let a halted log refuse such entries too; none is there yet."""
    op.create_table(
        "ledger_row",
        sa.Column("log", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("nth", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("log", "position", "nth", name="pk_ledger_row"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ledger_row_subject", "ledger_row", ["subject"])
    for statement in _TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)
