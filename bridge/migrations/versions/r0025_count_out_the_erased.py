"""Erasing a student no longer has every line of the district made anew.

The trigger that forgets the student's lines emptied the basis of all; now it leaves the others,
and has the counts taken from them. It is made, as it is now, at the end of the upgrade.

Revision: r0025, after r0024.
"""

from typing import Final

from alembic import op

revision = "r0025"
down_revision = "r0024"

_NAME: Final = "counts_record_delete_lines"
_DROPPED: Final = {
    "sqlite": (f"DROP TRIGGER IF EXISTS {_NAME}",),
    "postgresql": (
        f"DROP TRIGGER IF EXISTS {_NAME} ON record",
        f"DROP FUNCTION IF EXISTS {_NAME}()",
    ),
}


def upgrade() -> None:
    """Drop the trigger as it was."""
    for statement in _DROPPED[op.get_bind().dialect.name]:
        op.execute(statement)
