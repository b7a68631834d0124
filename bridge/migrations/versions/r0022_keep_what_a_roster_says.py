"""What a roster says of a student is kept, as far as a referral asks it: no page asks it again.

Revision: r0022, after r0021.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0022"
down_revision = "r0021"


def upgrade() -> None:
    """Make the table; the next roster fills it."""
    op.create_table(
        "roster_entry",
        sa.Column("student_id", sa.String(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["student_id"], ["student.id"], name="fk_roster_entry_student_id_student"
        ),
        sa.PrimaryKeyConstraint("student_id", name="pk_roster_entry"),
    )
