"""An entry of the ledger writes to one index less, and on SQLite starts no trigger.

The trigger that refuses entries of a halted log stands on SQLite only while a log is halted; two on
the heads let none be halted without it. What repeats earlier entries is of no subject and does not
stand in the index of subjects. And what a search starts from is told by the index alone.

Revision: r0034, after r0033.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "r0034"
down_revision = "r0033"

_NAME: Final = "ledger_entry_halted"
_UNREFUSED: Final = (
    f"WHEN NEW.halted AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '{_NAME}')"  # noqa: S608 - a name of ours
    f" BEGIN SELECT RAISE(ABORT, 'no log is halted without the trigger {_NAME}'); END"
)
_TRIGGERS: Final = (
    f"CREATE TRIGGER ledger_head_halted BEFORE UPDATE OF halted ON ledger_head {_UNREFUSED}",
    f"CREATE TRIGGER ledger_head_begun BEFORE INSERT ON ledger_head {_UNREFUSED}",
)
_OF_SUBJECTS: Final = sa.text("subject IS NOT NULL")


def upgrade() -> None:
    """Make two indexes anew; on SQLite take away the trigger, but where a log is halted."""
    op.drop_index("ix_ledger_entry_subject", "ledger_entry")
    op.create_index(
        "ix_ledger_entry_subject",
        "ledger_entry",
        ["subject"],
        sqlite_where=_OF_SUBJECTS,
        postgresql_where=_OF_SUBJECTS,
    )
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    columns = ["type", "param", "value", "agreement_id", "change"]
    op.drop_index("ix_search_value", "search_value")
    op.create_index("ix_search_value", "search_value", columns, sqlite_where=sa.text("starts = 1"))
    for statement in _TRIGGERS:
        op.execute(statement)
    if not connection.scalar(sa.text("SELECT count(*) FROM ledger_head WHERE halted")):
        op.execute(f"DROP TRIGGER {_NAME}")
