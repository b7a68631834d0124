"""A student whose days cannot be looked at is set aside, and holds up no other.

Revision: r0029, after r0028.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0029"
down_revision = "r0028"


def upgrade() -> None:
    """Count how often one was tried, and keep when it is tried again."""
    with op.batch_alter_table("opening") as opening:
        opening.add_column(sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
        opening.add_column(sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("opening") as opening:
        opening.alter_column("tries", existing_type=sa.Integer(), server_default=None)
