"""What a school decided at the end of a year about each open referral is kept.

Revision: r0015, after r0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0015"
down_revision = "r0014"

_TEXTS = ("act", "lea", "student_id", "referral_id", "number", "provider")
_MORE = ("who", "role", "outcome", "reason", "holder")


def upgrade() -> None:
    """Make the table; nothing was closed so far."""
    op.create_table(
        "close_out",
        sa.Column("id", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in _TEXTS),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in _MORE),
        sa.Column("follow_up_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_close_out"),
        sa.UniqueConstraint("act", "referral_id", name="uq_close_out_act_referral_id"),
    )
    op.create_index("ix_close_out_lea_at", "close_out", ["lea", "at"])
    op.create_index("ix_close_out_student_id", "close_out", ["student_id"])
