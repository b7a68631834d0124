"""The database itself refuses a second record of a type with one number of a change.

Whoever asks for what has changed goes on from the last number seen. The counter gives no number
twice; should a database hold two all the same, the later ones are numbered anew, as if they had
just changed: told of twice, not never. And a student's records are found by their type too.

Revision: r0026, after r0025.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "r0026"
down_revision = "r0025"

_TWICE: Final = sa.text(
    "SELECT r.type, r.id, r.change FROM record r WHERE EXISTS (SELECT 1 FROM record o"
    " WHERE o.type = r.type AND o.change = r.change AND o.id < r.id) ORDER BY r.change, r.id"
)
_TAKEN: Final = sa.text("UPDATE change_counter SET last = last + 1")
_FOUND_BY: Final = ("search_value", "search_date")


def upgrade() -> None:
    """Number anew what shares a number, then make both indexes."""
    for kind, record_id, change in op.get_bind().execute(_TWICE).all():
        _number_anew({"type": kind, "id": record_id, "before": change})
    op.drop_index("ix_record_type", "record")
    op.create_index("ix_record_type", "record", ["type", "change"], unique=True)
    op.drop_index("ix_record_student_id", "record")
    op.create_index("ix_record_student", "record", ["student_id", "type"])


def _number_anew(record: dict[str, object]) -> None:
    connection = op.get_bind()
    connection.execute(_TAKEN)
    moved = "change = (SELECT last FROM change_counter)"
    dated = "last_updated = (SELECT coalesce(at, last_updated) FROM change_counter)"
    of = "WHERE type = :type AND id = :id AND change = :before"
    connection.execute(sa.text(f"UPDATE record SET {moved}, {dated} {of}"), record)  # noqa: S608 - names of ours
    for table in _FOUND_BY:
        connection.execute(sa.text(f"UPDATE {table} SET {moved} {of}"), record)  # noqa: S608 - as above
