"""Halt a log of the ledger that is not what others know it to be.

Revision: r0004, after r0003.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"

_HALTED: Final = "EXISTS (SELECT 1 FROM ledger_head WHERE log = NEW.log AND halted)"
_TRIGGERS: Final = {
    "sqlite": (
        (
            "CREATE TRIGGER ledger_entry_halted BEFORE INSERT ON ledger_entry"
            f" WHEN NEW.kind IN ('account', 'release') AND {_HALTED}"
            " BEGIN SELECT RAISE(ABORT, 'the log is halted'); END"
        ),
    ),
    "postgresql": (
        (
            "CREATE OR REPLACE FUNCTION ledger_entry_halted() RETURNS trigger"
            " LANGUAGE plpgsql AS $$ "
            f"BEGIN IF {_HALTED} THEN RAISE EXCEPTION 'the log is halted'; END IF;"
            " RETURN NEW; END $$"
        ),
        (
            "CREATE TRIGGER ledger_entry_halted BEFORE INSERT ON ledger_entry FOR EACH ROW"
            " WHEN (NEW.kind IN ('account', 'release')) EXECUTE FUNCTION ledger_entry_halted()"
        ),
    ),
}


def upgrade() -> None:
    """Add what says that a log is halted, and the trigger that lets nothing leave under one."""
    with op.batch_alter_table("ledger_head") as head:
        no = sa.text("FALSE")
        head.add_column(sa.Column("halted", sa.Boolean(), nullable=False, server_default=no))
        head.add_column(sa.Column("known_size", sa.BigInteger(), nullable=True))
        head.add_column(sa.Column("known_root", sa.LargeBinary(), nullable=True))
    with op.batch_alter_table("ledger_head") as head:
        head.alter_column("halted", existing_type=sa.Boolean(), server_default=None)
    for statement in _TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)
