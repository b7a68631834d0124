"""Who of a school follows up on a referral is kept, and what boards choose rows by it.

Revision: r0020, after r0019.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0020"
down_revision = "r0019"

_TEXTS = ("id", "lea", "student_id", "referral_id")
_MORE = ("number", "provider")


def upgrade() -> None:
    """Make the table, and widen the lines; they are made when somebody looks."""
    op.create_table(
        "follow_owner",
        *(sa.Column(name, sa.String(), nullable=False) for name in _TEXTS),
        sa.Column("turn", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in _MORE),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("who", "role", "owner")),
        sa.Column("follow_up_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_follow_owner"),
        sa.UniqueConstraint("referral_id", "turn", name="uq_follow_owner_referral_id_turn"),
    )
    op.create_index("ix_follow_owner_student_id", "follow_owner", ["student_id"])
    for table in ("follow_due", "follow_line", "follow_head"):
        op.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
    op.add_column("follow_line", sa.Column("owner", sa.String(), nullable=False, server_default=""))
    op.add_column(
        "follow_line",
        sa.Column("no_owner", sa.Boolean(), nullable=False, server_default=sa.text("FALSE")),
    )
    op.create_index(
        "ix_follow_line_no_owner",
        "follow_line",
        ["whose", "rest", "since", "number"],
        sqlite_where=sa.text("no_owner"),
        postgresql_where=sa.text("no_owner"),
    )
    order = ["whose", "owner", "rest", "since", "number"]
    op.create_index("ix_follow_line_owner", "follow_line", order)
