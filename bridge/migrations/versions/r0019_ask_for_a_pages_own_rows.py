"""Pages of a year's end and of two records that may be one student ask for their own rows.

A line of a referral says too how it is open; who is held back is found without asking every fact.

Revision: r0019, after r0018.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0019"
down_revision = "r0018"

_OF_TWO = sa.text("source = 'same-student'")


def upgrade() -> None:
    """Add the column and the indexes; lines are made anew when somebody looks."""
    for table in ("follow_due", "follow_line", "follow_head"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
    with op.batch_alter_table("follow_line") as line:
        line.add_column(sa.Column("stage", sa.String(), nullable=False))
        line.drop_index("ix_follow_line_student_id")
        line.create_index("ix_follow_line_stage", ["whose", "stage", "rest", "since", "number"])
        line.create_index("ix_follow_line_student", ["student_id", "whose"])
    op.create_index(
        "ix_evidence_same",
        "evidence",
        ["student_id"],
        sqlite_where=_OF_TWO,
        postgresql_where=_OF_TWO,
    )
