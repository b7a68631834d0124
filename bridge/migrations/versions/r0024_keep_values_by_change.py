"""What records are found by is kept by the number of their change, no longer by their id.

New rows then stand behind the others; ids lie anywhere, and each wrote to a page of its own. Only
values that a search can start from stand in the index of values, and what two parameters of a type
look at alike (``patient`` and ``subject``) is kept once. A record whose key at its source is its
id is no longer looked for by both.

Revision: r0024, after r0023.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0024"
down_revision = "r0023"
# What records are found by is worked out anew, by the version's own table of parameters.
reindex = "d79473711cb91e83"

_OWN_KEY = sa.text("source_key <> id")
_STARTS = sa.text("starts IS NOT NULL")


def upgrade() -> None:
    """Make both tables anew, and of the rule on sources' keys an index of those that need it."""
    with op.batch_alter_table("record") as record:
        record.drop_constraint("uq_record_custodian_type_source_key", type_="unique")
    op.create_index(
        "ix_record_source",
        "record",
        ["custodian", "type", "source_key"],
        unique=True,
        sqlite_where=_OWN_KEY,
        postgresql_where=_OWN_KEY,
    )
    for table in ("search_value", "search_date"):
        op.drop_table(table)
    texts = [_text(name) for name in ("system", "value")]
    starts = sa.Column("starts", sa.Integer(), nullable=True)
    _create("search_value", texts, starts)
    op.create_index(
        "ix_search_value",
        "search_value",
        ["type", "param", "value", "agreement_id", "change"],
        sqlite_where=_STARTS,
        postgresql_where=_STARTS,
    )
    spans = [sa.Column(n, sa.BigInteger(), nullable=False) for n in ("low", "high")]
    _create("search_date", spans)
    op.create_index("ix_search_date", "search_date", ["type", "param", "agreement_id", "low", "id"])


def _create(table: str, said: list[sa.Column[Any]], *more: sa.Column[Any]) -> None:
    op.create_table(
        table,
        sa.Column("change", sa.Integer(), autoincrement=False, nullable=False),
        *(_text(name) for name in ("type", "id", "param")),
        *said,
        _text("agreement_id"),
        *more,
        sa.PrimaryKeyConstraint(
            *("change", "type", "id", "param"), *(c.name for c in said), name=f"pk_{table}"
        ),
        sqlite_with_rowid=False,
    )


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.String(), nullable=False)
