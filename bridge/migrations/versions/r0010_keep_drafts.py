"""What people have typed into the portal is kept until it is sent, or for some days.

Revision: r0010, after r0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0010"
down_revision = "r0009"


def upgrade() -> None:
    """Make the table of drafts."""
    op.create_table(
        "portal_draft",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("became", sa.String(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_portal_draft"),
    )
    for column in ("owner", "expires_at"):
        op.create_index(f"ix_portal_draft_{column}", "portal_draft", [column])
