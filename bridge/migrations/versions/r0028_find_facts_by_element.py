"""What is said of a student is found by the fact and the element it is about.

A signed form states a fact once for each element, some dozens in all; a consent filter asks about
one of them, and read them all until it came to that one.

Revision: r0028, after r0027.
"""

from alembic import op

revision = "r0028"
down_revision = "r0027"


def upgrade() -> None:
    """Make the index anew, with the element in it."""
    op.drop_index("ix_evidence_fact", "evidence")
    op.create_index("ix_evidence_fact", "evidence", ["student_id", "fact", "element"])
