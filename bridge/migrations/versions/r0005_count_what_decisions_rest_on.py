"""Count every change that a remembered decision rests on, by triggers.

Revision: r0005, after r0004.
"""

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "r0005"
down_revision = "r0004"

_STEP: Final = {
    "sqlite": "1 + abs(random() / 9223372036855)",
    "postgresql": "1 + floor(random() * 1000000)::bigint",
}
_COUNTED: Final = (
    *("type", "id", "custodian", "sender_role", "audience", "agreement_id", "student_id"),
    *("referral_id", "element", "third_party"),
)
_SHOWN: Final = ", ".join((*_COUNTED, "body", "version", "last_updated"))
_ANY: Final = ("INSERT", "UPDATE", "DELETE")
_OF_RECORD: Final = ("INSERT", f"UPDATE OF {', '.join(_COUNTED)}", "DELETE")
_STUDENT: Final = "UPDATE student SET version = version + {step} WHERE id = "
_STATE: Final = "UPDATE state_version SET value = value + {step} WHERE name = "
_VIEWED: Final = "(SELECT r.student_id FROM record r WHERE r.type = {row}.type AND r.id = {row}.id)"
_TRIGGERS: Final = (
    ("evidence", _ANY, _STUDENT + "{row}.student_id", ""),
    ("guardian", _ANY, _STUDENT + "{row}.student_id", ""),
    ("signed_release", _ANY, _STUDENT + "{row}.student_id", ""),
    ("record", _OF_RECORD, _STUDENT + "{row}.student_id", ""),
    ("student", ("UPDATE OF birth_date, lea",), _STUDENT + "{row}.id", ""),
    ("evidence", _ANY, _STATE + "'evidence' AND {row}.student_id = ''", "_anybody"),
    ("agreement", _ANY, _STATE + "'agreement'", ""),
    ("agreement_change", _ANY, _STATE + "'agreement'", ""),
    ("record", ("DELETE",), _STATE + "'erasure'", "_erasure"),
    ("view_change", _ANY, _STUDENT + _VIEWED, ""),
)
_MOVED: Final = "a record that is changed takes a new change number"
_ROWS: Final = {"INSERT": ("NEW",), "DELETE": ("OLD",), "UPDATE": ("OLD", "NEW")}


def upgrade() -> None:
    """Add the counters and what moves them."""
    with op.batch_alter_table("student") as student:
        student.add_column(
            sa.Column("version", sa.BigInteger(), nullable=False, server_default="0")
        )
    op.create_table(
        "state_version",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_state_version"),
    )
    for name in ("agreement", "erasure", "evidence"):
        op.execute(f"INSERT INTO state_version (name, value) VALUES ('{name}', 1)")  # noqa: S608 - names of ours
    for statement in _statements(op.get_bind().dialect.name):
        op.execute(statement)


def _statements(dialect: str) -> Iterator[str]:
    for table, events, done, suffix in _TRIGGERS:
        for what in events:
            word = what.partition(" ")[0]
            each = dict.fromkeys(done.replace("{row}", row) for row in _ROWS[word])
            body = " ".join(f"{one};" for one in each).replace("{step}", _STEP[dialect])
            name, place = f"counts_{table}_{word.lower()}{suffix}", f"AFTER {what} ON {table}"
            yield from _trigger(dialect, (name, place), body)
    place = f"BEFORE UPDATE OF {_SHOWN} ON record"
    if dialect == "sqlite":
        yield (
            f"CREATE TRIGGER moves_record {place} WHEN NEW.change <= OLD.change"
            f" BEGIN SELECT RAISE(ABORT, '{_MOVED}'); END"
        )
    else:
        body = f"IF NEW.change <= OLD.change THEN RAISE EXCEPTION '{_MOVED}'; END IF;"
        yield from _function(("moves_record", place), f"{body} RETURN NEW;")


def _trigger(dialect: str, named: tuple[str, str], body: str) -> Iterator[str]:
    name, place = named
    if dialect == "sqlite":
        yield f"CREATE TRIGGER {name} {place} BEGIN {body} END"
    else:
        yield from _function(named, f"{body} RETURN NULL;")


def _function(named: tuple[str, str], body: str) -> Iterator[str]:
    name, place = named
    head = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
    yield f"{head} AS $$ BEGIN {body} END $$"
    yield f"CREATE TRIGGER {name} {place} FOR EACH ROW EXECUTE FUNCTION {name}()"
