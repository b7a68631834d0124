"""What was told since a day is counted and put in order by an index alone.

A meeting asks for what was told in a week and had been sent before; in a busy one that is a third
of a district, and each line of it was fetched twice.

Revision: r0033, after r0032.
"""

from alembic import op

revision = "r0033"
down_revision = "r0032"


def upgrade() -> None:
    """Make the index anew, with the day it was sent and the order of the board in it."""
    op.drop_index("ix_follow_line_status_on", "follow_line")
    columns = ["whose", "status_on", "sent_on", "rest", "since", "number"]
    op.create_index("ix_follow_line_status_on", "follow_line", columns)
