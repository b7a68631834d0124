"""Search a typed index, keep versions, and date the counter of changes.

Revision: r0002, after r0001.

A database that a later start of the last version without revisions opened may have the new tables
already, empty.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"
# What records are found by is worked out anew, by the version's own table of parameters.
reindex = "6908da2e861c4a8f"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables of versions, views and dates; empty the index and widen it."""
    _create_tables()
    with op.batch_alter_table("change_counter") as counter:
        counter.add_column(sa.Column("at", INSTANT, nullable=True))
    with op.batch_alter_table("record") as record:
        record.drop_index("ix_record_change")
        record.drop_index("ix_record_last_updated")
        record.create_index("ix_record_agreement", ["agreement_id", "type", "change"])
        record.create_index("ix_record_moved", ["last_updated", "change"])
        record.create_index("ix_record_type", ["type", "change"])
    op.execute("DELETE FROM search_value")
    with op.batch_alter_table("search_value") as value:
        value.add_column(sa.Column("agreement_id", sa.String(), nullable=False))
        value.add_column(sa.Column("change", sa.Integer(), nullable=False))
        value.drop_index("ix_search_value")
        columns = ["type", "param", "value", "agreement_id", "change"]
        value.create_index("ix_search_value", columns)


def _create_tables() -> None:
    op.create_table(
        "record_version",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("type", "id")),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("element", sa.String(), nullable=False),
        sa.Column("third_party", sa.Boolean(), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("last_updated", INSTANT, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("type", "id", "version", name="pk_record_version"),
        if_not_exists=True,
    )
    op.create_table(
        "search_date",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("type", "id", "param")),
        *(sa.Column(n, sa.BigInteger(), nullable=False) for n in ("low", "high")),
        sa.Column("agreement_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("type", "id", "param", "low", "high", name="pk_search_date"),
        if_not_exists=True,
    )
    op.create_table(
        "view_change",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("standing", "type", "id")),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("standing", "type", "id", name="pk_view_change"),
        if_not_exists=True,
    )
    found = ["type", "param", "agreement_id", "low", "id"]
    op.create_index("ix_search_date", "search_date", found, if_not_exists=True)
    seen = ["standing", "type", "change"]
    op.create_index("ix_view_change", "view_change", seen, if_not_exists=True)
