"""An export may end at an instant and be filtered.

Revision: r0006, after r0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0006"
down_revision = "r0005"


def upgrade() -> None:
    """Add both; an export under way has neither."""
    with op.batch_alter_table("export_job") as job:
        job.add_column(sa.Column("until", sa.DateTime(timezone=True), nullable=True))
        job.add_column(sa.Column("filters", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("export_job") as job:
        job.alter_column("filters", existing_type=sa.String(), server_default=None)
