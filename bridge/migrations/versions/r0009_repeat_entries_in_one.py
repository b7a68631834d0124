"""One entry of the ledger may repeat earlier ones; a log knows when something of it was erased.

Revision: r0009, after r0008.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "r0009"
down_revision = "r0008"

_KINDS: Final = "'account', 'again', 'release'"
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
_ERASED: Final = (
    "UPDATE ledger_head SET last_erasure = (SELECT max(e.position) FROM ledger_entry e"
    " WHERE e.log = ledger_head.log AND e.kind = 'erasure')"
)


def upgrade() -> None:
    """Add both; no entry repeats another yet, and erasures are in the logs."""
    # No tables are replaced: the ledger is long, and its triggers stay.
    for name in ("repeats_from", "repeats_to"):
        op.add_column("ledger_entry", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("ledger_head", sa.Column("last_erasure", sa.BigInteger(), nullable=True))
    some = sa.text("repeats_from IS NOT NULL")
    op.create_index(
        "ix_ledger_entry_repeats",
        "ledger_entry",
        ["log", "repeats_from", "repeats_to"],
        sqlite_where=some,
        postgresql_where=some,
    )
    op.execute(_ERASED)
    for statement in _TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)
