"""The releases an entry of the ledger lists are found in each entry, no longer in one index of all.

An index of all rows by the person is written to all over, a page for each row: the half of what a
large export writes. Now a part of a file writes to one place of it, and who asks about a person
looks into each entry that lists releases, of which there are few.

Revision: r0018, after r0017.
"""

import sqlalchemy as sa
from alembic import op

revision = "r0018"
down_revision = "r0017"

_LISTING = sa.text("kind = 'releases'")


def upgrade() -> None:
    """Make the index anew, and one of the entries that list releases."""
    op.drop_index("ix_ledger_row_subject", "ledger_row")
    op.create_index("ix_ledger_row_subject", "ledger_row", ["log", "position", "subject"])
    op.create_index(
        "ix_ledger_entry_listing",
        "ledger_entry",
        ["log", "position"],
        sqlite_where=_LISTING,
        postgresql_where=_LISTING,
    )
