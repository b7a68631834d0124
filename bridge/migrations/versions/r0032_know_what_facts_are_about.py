"""Which record a fact is about stands in the index by which facts are found.

Of each session of a student something is said (on whose consent it was); a consent filter asked
about one record and looked at all of that, for every fact that it asks about.

Revision: r0032, after r0031.
"""

from alembic import op

revision = "r0032"
down_revision = "r0031"


def upgrade() -> None:
    """Make the index anew, with the record in it."""
    op.drop_index("ix_evidence_fact", "evidence")
    columns = ["student_id", "fact", "element", "record_id"]
    op.create_index("ix_evidence_fact", "evidence", columns)
