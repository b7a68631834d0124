"""Who of a school looked at which page about a person is kept.

Revision: r0014, after r0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0014"
down_revision = "r0013"


def upgrade() -> None:
    """Make the table; of earlier looks nothing is known."""
    op.create_table(
        "page_look",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("lea", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_page_look"),
    )
    op.create_index("ix_page_look_lea_at", "page_look", ["lea", "at"])
