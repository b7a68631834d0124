"""Which revision a database is at, told without loading Alembic: it is asked at every start."""

import hashlib
from enum import StrEnum
from importlib import resources
from typing import Final

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import ProgrammingError

from bridge.driver import lacks_privilege
from bridge.errors import SchemaError
from bridge.migrations.catalogue import metadata
from bridge.store.database.engine import read, write
from bridge.store.search.index import PARAMETERS
from bridge.store.search.index_values import STARTS

VERSION_TABLE: Final = "alembic_version"


class State(StrEnum):
    """What a database's tables are to this version."""

    EMPTY = "no tables"
    CURRENT = "current"
    BEHIND = "of an earlier version"
    UNMARKED = "made before revisions were kept"
    AHEAD = "of a later version"


WHAT_TO_DO: Final = {
    State.EMPTY: "the database has no tables; make them as its owner: schoolbridge db upgrade",
    State.BEHIND: (
        "the database is of an earlier version; make a copy (schoolbridge db backup FILE), "
        "then: schoolbridge db upgrade"
    ),
    State.UNMARKED: (
        "the database was made before revisions were kept; make a copy "
        "(schoolbridge db backup FILE), then: schoolbridge db upgrade"
    ),
    State.AHEAD: (
        "the database is of a later version of schoolbridge; install that version "
        "(it cannot be taken back)"
    ),
}


def revisions() -> tuple[str, ...]:
    """Return every revision of this version, oldest first: files are named by their number."""
    files = resources.files("bridge.migrations.versions").iterdir()
    names = (file.name for file in files if file.name.endswith(".py"))
    return tuple(sorted(name.partition("_")[0] for name in names if name.startswith("r")))


def index_digest() -> str:
    """Return the digest of what records can be found by in this version."""
    said = (sorted(PARAMETERS.items()), sorted(STARTS))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def revision_of(connection: Connection) -> str | None:
    """Return the revision a database says it is at; None if it says nothing."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    query = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a name of ours
    found = connection.execute(query).scalars().all()
    return str(found[0]) if found else None


def state_within(connection: Connection) -> State:
    """Return what a database's tables are to this version."""
    found = revision_of(connection)
    if found is None:
        has_tables = inspect(connection).has_table("record")
        return State.UNMARKED if has_tables else State.EMPTY
    if found == revisions()[-1]:
        return State.CURRENT
    return State.BEHIND if found in revisions() else State.AHEAD


def state_of(engine: Engine) -> State:
    """Return what a database's tables are to this version."""
    with read(engine) as connection:
        return state_within(connection)


def require_current(engine: Engine) -> None:
    """Make the tables of an empty database; refuse one whose tables are of another version.

    Raises:
        SchemaError: says which way the database differs and what to do.
    """
    state = state_of(engine)
    if state is State.EMPTY:
        state = _created(engine)
    if state is not State.CURRENT:
        raise SchemaError(WHAT_TO_DO[state])


def _created(engine: Engine) -> State:
    try:
        create(engine)
    except ProgrammingError as error:
        if lacks_privilege(error):
            return State.EMPTY
        raise
    return state_of(engine)


def create(engine: Engine) -> None:
    """Make every table of this version in an empty database, in one transaction.

    As the revisions would, which a test compares; this way costs a tenth of it. Does nothing where
    another process was quicker.
    """
    with write(engine) as connection:
        take_turn(connection)
        if state_within(connection) is not State.EMPTY:
            return
        metadata.create_all(connection)
        name = f"CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY"
        connection.execute(
            text(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL {name})")
        )
        row = text(f"INSERT INTO {VERSION_TABLE} VALUES (:revision)")  # noqa: S608 - a name of ours
        connection.execute(row, {"revision": revisions()[-1]})


def take_turn(connection: Connection) -> None:
    """Let one process at a time change tables; on SQLite a writer is alone anyway."""
    if connection.dialect.name == "postgresql":
        # Any number, always the same: "schoolbr" read as eight bytes.
        connection.execute(text("SELECT pg_advisory_xact_lock(x'7363686f6f6c6272'::bigint)"))
