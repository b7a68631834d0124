"""Students of whom something may be seen from an instant on are written down, and looked at then.

An order that ends by its own last day let something be seen, and nobody who polls by time was told.
What is known now of such days is written down here, also of those that are over: who could not find
a record since finds it after the upgrade.

Revision: r0027, after r0026.
"""

from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "r0027"
down_revision = "r0026"

# As of facts whose silence is a no: only the end of something else can let anything be seen.
ALWAYS_TO: Final = datetime(9999, 12, 31, tzinfo=UTC)
_OBJECTIONS = "('dissent', 'minor_consented_care', 'recipient_blocked', 'third_party_present')"
_ENDS = (
    "INSERT INTO opening (at, student_id, digest, change)"  # noqa: S608 - names of ours
    " SELECT DISTINCT e.valid_to, e.student_id, '', 4611686018427387904 FROM evidence e"
    " WHERE e.student_id <> '' AND e.superseded_at IS NULL AND e.valid_to > e.recorded_at"
    f" AND e.valid_to < :forever AND (e.value IS NOT TRUE OR e.fact IN {_OBJECTIONS})"
)
_BEGINS = (
    "INSERT INTO opening (at, student_id, digest, change)"
    " SELECT DISTINCT e.valid_from, e.student_id, '', 4611686018427387904 FROM evidence e"
    " WHERE e.student_id <> '' AND e.superseded_at IS NULL AND e.valid_from > e.recorded_at"
    " AND NOT EXISTS (SELECT 1 FROM opening o WHERE o.at = e.valid_from"
    " AND o.student_id = e.student_id)"
)
_FOREVER = sa.bindparam("forever", type_=sa.DateTime(timezone=True))


def upgrade() -> None:
    """Make the table and write down what is known of days."""
    op.create_table(
        "opening",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("student_id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at", "student_id", "digest", name="pk_opening"),
    )
    op.get_bind().execute(sa.text(_ENDS).bindparams(_FOREVER), {"forever": ALWAYS_TO})
    op.get_bind().execute(sa.text(_BEGINS))
