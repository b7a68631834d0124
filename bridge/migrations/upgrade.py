"""Bringing a database to this version's revision, all or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, event, inspect

from bridge.errors import SchemaError
from bridge.migrations import roles
from bridge.migrations.state import State, revision_of, state_within, take_turn
from bridge.store.database.engine import open_engine, write
from bridge.store.search.indexing import reindex
from bridge.store.state_versions import keep_triggers

_FOLDER = Path(__file__).parent


def upgrade(engine: Engine, to: str = "head") -> State:
    """Bring the tables to this version's (or an earlier) revision; returns what they were before.

    One transaction: if anything fails, or the process dies, the database is what it was. Where a
    PostgreSQL database has its roles, they may do with new tables what they may with the others.

    Raises:
        SchemaError: the database is of a later version, or of none.
    """
    with _tables_replaceable(engine) as replacing, write(replacing) as connection:
        take_turn(connection)
        before = state_within(connection)
        if before is State.AHEAD:
            raise SchemaError("the database is of a later version of schoolbridge")
        has_roles = roles.are_made(connection)
        if has_roles:
            roles.run(connection, roles.dropping())
        config = config_of(connection)
        if before is State.UNMARKED and _has_typed_index(connection):
            command.stamp(config, "r0002")
        done = revision_of(connection)
        command.upgrade(config, to)
        if to == "head" and _asks_for_an_index(config, done):
            reindex(connection)
        if to == "head":
            keep_triggers(connection)
        _check_references(connection)
        if has_roles and to == "head":
            roles.run(connection, roles.granting(connection))
    return before


def config_of(connection: Connection) -> Config:
    """Return Alembic's settings for work on a connection; there is no file of them."""
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _has_typed_index(connection: Connection) -> bool:
    """Tell a database of the last days without revisions, whose tables are those of r0002."""
    columns = inspect(connection).get_columns("search_value")
    return any(column["name"] == "agreement_id" for column in columns)


def _asks_for_an_index(config: Config, done: str | None) -> bool:
    """Tell whether a revision after ``done`` says that what records are found by is no more."""
    script = ScriptDirectory.from_config(config)
    since = script.iterate_revisions("head", done or "base")
    return any(getattr(revision.module, "reindex", False) for revision in since)


@contextmanager
def _tables_replaceable(engine: Engine) -> Iterator[Engine]:
    """Yield an engine by which SQLite lets a table be replaced that others refer to.

    Source: sqlite.org/lang_altertable, the twelve steps: references are off before the transaction
    begins, and checked before it ends.
    """
    if engine.dialect.name != "sqlite":
        yield engine
        return
    other = open_engine(engine.url.render_as_string(hide_password=False))
    event.listen(other, "connect", _forget_references)
    try:
        yield other
    finally:
        other.dispose()


def _forget_references(dbapi_connection: Any, _record: object) -> None:  # noqa: ANN401 - a driver's
    dbapi_connection.execute("PRAGMA foreign_keys=OFF").close()
    # Triggers name tables that are not there for a moment: they are left as they are.
    dbapi_connection.execute("PRAGMA legacy_alter_table=ON").close()


def _check_references(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise SchemaError(f"after the upgrade a row of {broken[0]} would refer to nothing")
