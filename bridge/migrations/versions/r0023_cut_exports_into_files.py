"""A type of an export may come in several files, each of some changes.

Revision: r0023, after r0022.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0023"
down_revision = "r0022"

_NEW = (("number", "0"), ("after_change", "0"))


def upgrade() -> None:
    """Add what tells them apart; a file under way is all of its type."""
    with op.batch_alter_table("export_file") as file:
        for name, given in _NEW:
            file.add_column(sa.Column(name, sa.Integer(), nullable=False, server_default=given))
        file.add_column(sa.Column("upto_change", sa.Integer(), nullable=True))
        file.add_column(sa.Column("sha256", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("export_file") as file:
        for name, _ in _NEW:
            file.alter_column(name, existing_type=sa.Integer(), server_default=None)
        file.alter_column("sha256", existing_type=sa.String(), server_default=None)
        file.drop_constraint("pk_export_file", type_="primary")
        file.create_primary_key("pk_export_file", ["job_id", "type", "number"])
