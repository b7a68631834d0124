"""Each row of a provider's answer file is carried out once.

Revision: r0021, after r0020.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0021"
down_revision = "r0020"


def upgrade() -> None:
    """Make the table; no such file came before."""
    op.create_table(
        "taken_answer",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("student_id", sa.String(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_taken_answer"),
    )
    op.create_index("ix_taken_answer_student_id", "taken_answer", ["student_id"])
