"""How referrals stand for a viewer is kept for the order and the counts of pages.

Revision: r0017, after r0016.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0017"
down_revision = "r0016"

_BYTES = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_MARKS = ("signature", "unanswered", "unanswered_long", "no_show", "wait_list", "expiring")


def upgrade() -> None:
    """Make the tables; lines are made when somebody looks."""
    op.create_table(
        "follow_head",
        sa.Column("whose", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("whose", name="pk_follow_head"),
    )
    _make_lines()
    op.create_table(
        "follow_due",
        sa.Column("whose", sa.String(), nullable=False),
        sa.Column("student_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["whose"], ["follow_head.whose"], name="fk_follow_due_whose_follow_head"
        ),
        sa.PrimaryKeyConstraint("whose", "student_id", name="pk_follow_due"),
    )


def _make_lines() -> None:
    op.create_table(
        "follow_line",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("whose", "request_id")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("student_id", "key")),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rest", sa.Integer(), nullable=False),
        sa.Column("since", sa.String(), nullable=False),
        sa.Column("number", _BYTES, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("status", "sent_on")),
        sa.Column("status_on", sa.String(), nullable=False),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in _MARKS),
        sa.PrimaryKeyConstraint("whose", "request_id", name="pk_follow_line"),
    )
    order = ["whose", "rest", "since", "number"]
    op.create_index("ix_follow_line_all", "follow_line", order)
    for name in _MARKS:
        op.create_index(
            f"ix_follow_line_{name}",
            "follow_line",
            order,
            sqlite_where=sa.text(name),
            postgresql_where=sa.text(name),
        )
    for name in ("key", "until", "sent_on", "status_on"):
        op.create_index(f"ix_follow_line_{name}", "follow_line", ["whose", name])
    op.create_index("ix_follow_line_student_id", "follow_line", ["student_id"])
