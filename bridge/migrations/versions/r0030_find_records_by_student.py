"""Records of a referral are looked for among those of its student.

The index by the referral was one more page to write for each new record, and served look-ups that
the index by the student serves as well.

Revision: r0030, after r0029.
"""

from alembic import op

revision = "r0030"
down_revision = "r0029"


def upgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_record_referral", "record")
