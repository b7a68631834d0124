"""How often what decisions rest on has changed: one counter a student, and a few for everybody.

What the gate remembers of a decision is good only while these counters stand where they stood. The
database itself moves them, by triggers, in the transaction of the change: no writer can forget it,
in whatever process, and whoever sees a counter sees everything that moved it.

* ``student.version``: facts, signed forms, permissions by word and guardians of a student, what its
  school decided at the end of a year and who follows up, its birth date, and which records there
  are of it, and when whose view of them changed.
* ``evidence``: facts about anybody. ``agreement``: agreements in use, and changes that wait for
  their day. ``erasure``: records that were deleted, of which nothing may stay in anybody's memory.

And a record of which anything that is decided by or shown changes must take a new change number: a
trigger refuses anything else.
"""

from collections.abc import Collection, Iterator
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Table, event, inspect, select
from sqlmodel import Field, SQLModel

from bridge.driver import among, cursor_of, listed_for, named_for
from bridge.schema import metadata, table_of


class StateVersionRow(SQLModel, table=True):
    """How often something that concerns everybody has changed."""

    __tablename__ = "state_version"

    name: str = Field(primary_key=True)
    value: int = Field(sa_type=BigInteger)


STATE_VERSION: Final[Table] = table_of(StateVersionRow)
NAMES: Final = ("agreement", "erasure", "evidence")
STATE_VERSIONS: Final = "SELECT name, value FROM state_version"

# What moves a counter: the table, the events, and the condition under which an update counts.
_OF_STUDENTS: Final = (
    *("close_out", "evidence", "follow_owner", "guardian", "signed_release"),
    "verbal_permission",
)
_DECIDED_BY: Final = (
    *("type", "id", "custodian", "sender_role", "audience", "agreement_id", "student_id"),
    *("referral_id", "element", "third_party"),
)
_SHOWN: Final = ", ".join((*_DECIDED_BY, "body", "version", "last_updated"))
_OF_EVERYBODY: Final = {"agreement": "agreement", "agreement_change": "agreement"}


def state_versions(connection: Connection) -> dict[str, int]:
    """Return the counters that concern everybody, by name."""
    with cursor_of(connection) as cursor:
        return dict(cursor.execute(STATE_VERSIONS).fetchall())


def student_versions(connection: Connection, student_ids: Collection[str]) -> dict[str, int]:
    """Return the counter of each student; of those that are not in the register none."""
    if not student_ids:
        return {}
    dialect = connection.dialect.name
    sql = f"SELECT id, version FROM student WHERE id {among(dialect, 'students')}"  # noqa: S608 - names of ours
    with cursor_of(connection) as cursor:
        given = {"students": listed_for(dialect, student_ids)}
        return dict(cursor.execute(named_for(dialect, sql), given).fetchall())


def held_versions(connection: Connection) -> dict[str, int]:
    """Return the counters a release must not be overtaken by, held until the transaction ends.

    On PostgreSQL whoever moves them waits; ask after the students are locked, as who changes facts
    does. On SQLite a writing transaction is alone.
    """
    if connection.dialect.name == "sqlite":
        return {}
    with cursor_of(connection) as cursor:
        return dict(cursor.execute(_HELD).fetchall())


_HELD: Final = "SELECT name, value FROM state_version WHERE name = 'evidence' FOR SHARE"


def _statements() -> Iterator[tuple[str, str, str]]:
    """Yield name, ``EVENT ON table`` and what is done, in the SQL both databases share."""
    for table in _OF_STUDENTS:
        yield from _counting(table, ("INSERT", "UPDATE", "DELETE"), _STUDENT)
    yield from _counting("record", ("INSERT", f"UPDATE OF {', '.join(_DECIDED_BY)}", "DELETE"),
                         _STUDENT)  # fmt: skip
    yield from _counting("student", ("UPDATE OF birth_date, lea",), _ITSELF)
    for table in ("evidence",):
        yield from _counting(table, ("INSERT", "UPDATE", "DELETE"), _ANYBODY, "_anybody")
    for table, name in _OF_EVERYBODY.items():
        yield from _counting(table, ("INSERT", "UPDATE", "DELETE"), _counter(name))
    yield from _counting("record", ("DELETE",), _counter("erasure"), "_erasure")
    yield from _counting("view_change", ("INSERT", "UPDATE", "DELETE"), _VIEWED)
    # How a student's referrals stand is to be worked out anew (bridge.store.people.follow_lines).
    yield "lists_student", "UPDATE OF version ON student", f"{_LISTED};"
    yield from _counting("record", ("DELETE",), _FORGOTTEN, "_lines")


# The steps differ: a number that was seen and then rolled back, or stood in a backup, is not
# reached a second time with another meaning.
_STEP: Final = {
    "sqlite": "1 + abs(random() / 9223372036855)",
    "postgresql": "1 + floor(random() * 1000000)::bigint",
}
_STUDENT = "UPDATE student SET version = version + {step} WHERE id = {row}.student_id"
_VIEWED = (
    "UPDATE student SET version = version + {step} WHERE id = (SELECT r.student_id FROM record r"
    " WHERE r.type = {row}.type AND r.id = {row}.id)"
)
_ITSELF = "UPDATE student SET version = version + {step} WHERE id = {row}.id"
_ANYBODY = (
    "UPDATE state_version SET value = value + {step}"
    " WHERE name = 'evidence' AND {row}.student_id = ''"
)
_LISTED = (
    "INSERT INTO follow_due (whose, student_id) SELECT DISTINCT l.whose, l.student_id"
    " FROM follow_line l WHERE l.student_id = NEW.id ON CONFLICT DO NOTHING"
)
# What was erased must not be read from a line: those of the student are made anew, where something
# of it is left. The counts they stood in are then taken from the lines there are.
_FORGOTTEN = (
    "INSERT INTO follow_due (whose, student_id) SELECT DISTINCT l.whose, l.student_id"
    " FROM follow_line l WHERE l.student_id = {row}.student_id ON CONFLICT DO NOTHING;"
    " UPDATE follow_head SET counts = '' WHERE whose IN"
    " (SELECT l.whose FROM follow_line l WHERE l.student_id = {row}.student_id);"
    " DELETE FROM follow_line WHERE student_id = {row}.student_id"
)


def _counter(name: str) -> str:
    moved = "UPDATE state_version SET value = value + {step} WHERE name = "
    return f"{moved}'{name}'"


def _counting(
    table: str, events: tuple[str, ...], done: str, suffix: str = ""
) -> Iterator[tuple[str, str, str]]:
    for what in events:
        word = what.partition(" ")[0]
        rows = {"INSERT": ("NEW",), "DELETE": ("OLD",), "UPDATE": ("OLD", "NEW")}[word]
        every = dict.fromkeys(done.replace("{row}", row) for row in rows)
        body = " ".join(f"{each};" for each in every)
        yield f"counts_{table}_{word.lower()}{suffix}", f"{what} ON {table}", body


@event.listens_for(metadata, "after_create")
def _with_the_tables(_: object, connection: Connection, **_more: Any) -> None:  # noqa: ANN401 - as the toolkit hands them over
    keep_triggers(connection)


def keep_triggers(connection: Connection) -> None:
    """Make the counters and the triggers that are not there yet.

    Also after tables were replaced: on SQLite a table takes its triggers along.
    """
    there = inspect(connection).get_table_names()
    wanted = [s for s in _statements() if s[1].rpartition(" ")[2] in there]
    if "state_version" not in there or "student" not in there:
        return
    if "follow_due" not in there:  # a database on its way up
        wanted = [s for s in wanted if "follow_" not in s[2]]
    known = set(connection.scalars(select(STATE_VERSION.c.name)))
    for name in sorted(set(NAMES) - known):
        connection.execute(STATE_VERSION.insert(), {"name": name, "value": 1})
    if connection.dialect.name == "sqlite":
        _make_sqlite(connection, wanted)
    else:
        _make_postgresql(connection, wanted)


_MOVED = "a record that is changed takes a new change number"


def _make_sqlite(connection: Connection, wanted: list[tuple[str, str, str]]) -> None:
    for name, place, body in wanted:
        done = body.replace("{step}", _STEP["sqlite"])
        sql = f"CREATE TRIGGER IF NOT EXISTS {name} AFTER {place} BEGIN {done} END"
        connection.exec_driver_sql(sql)
    connection.exec_driver_sql(
        f"CREATE TRIGGER IF NOT EXISTS moves_record BEFORE UPDATE OF {_SHOWN} ON record"
        f" WHEN NEW.change <= OLD.change BEGIN SELECT RAISE(ABORT, '{_MOVED}'); END"
    )


def _make_postgresql(connection: Connection, wanted: list[tuple[str, str, str]]) -> None:
    # Replacing one would wait for every writer of its table, at each start.
    found = connection.exec_driver_sql("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
    there = {name for (name,) in found}
    moved = f"IF NEW.change <= OLD.change THEN RAISE EXCEPTION '{_MOVED}'; END IF; RETURN NEW;"
    step = _STEP["postgresql"]
    every = [(n, f"AFTER {p}", f"{b.replace('{step}', step)} RETURN NULL;") for n, p, b in wanted]
    every.append(("moves_record", f"BEFORE UPDATE OF {_SHOWN} ON record", moved))
    for name, place, body in every:
        if name not in there:
            connection.exec_driver_sql(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql"
                f" AS $$ BEGIN {body} END $$"
            )
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name} {place} FOR EACH ROW EXECUTE FUNCTION {name}()"
            )
