"""Notes of a school about a referral are kept.

Revision: r0016, after r0015.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0016"
down_revision = "r0015"


def upgrade() -> None:
    """Make the table; there were no notes."""
    words = ("lea", "provider", "agreement_id", "student_id", "referral_id", "kind")
    op.create_table(
        "note",
        sa.Column("id", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in words),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_note"),
    )
    op.create_index("ix_note_student_id", "note", ["student_id"])
    op.create_index("ix_note_referral_id", "note", ["referral_id"])
