"""${message.replace("_", " ").capitalize()}.

Revision: ${up_revision}, after ${down_revision}.
"""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
# reindex = "..."  where what records are found by changes: schoolbridge has records indexed anew


def upgrade() -> None:
    """${message.replace("_", " ").capitalize()}."""
    ${upgrades if upgrades else "pass"}
