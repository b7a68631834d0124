"""An export may be of the records under one agreement.

Revision: r0008, after r0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0008"
down_revision = "r0007"


def upgrade() -> None:
    """Add the agreement; an export under way has none."""
    with op.batch_alter_table("export_job") as job:
        job.add_column(sa.Column("agreement_id", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("export_job") as job:
        job.alter_column("agreement_id", existing_type=sa.String(), server_default=None)
