"""``db upgrade|check``: the database's tables."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bridge.cli.running import AsJson, Home, tell

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

app = typer.Typer(no_args_is_help=True)


def engine_at(home: Path) -> "Engine":
    """Open the database of a deployment's folder, whatever its tables are."""
    from bridge.settings import read_settings
    from bridge.store.engine import open_engine

    return open_engine(read_settings(home).database_url)


@app.command()
def upgrade(home: Home = Path(), as_json: AsJson = False) -> None:
    """Bring the tables to this version, with every row, all or nothing; stop the server first."""
    from bridge.migrations.state import revisions
    from bridge.migrations.upgrade import upgrade as bring_up

    before = bring_up(engine_at(home))
    tell({"tables_were": before.value, "tables_are_at": revisions()[-1]}, as_json=as_json)


@app.command()
def check(home: Home = Path(), as_json: AsJson = False) -> None:
    """Say whether the tables are those of this version, and the file is sound; exit code 1 if not.

    On SQLite this reads the whole file; on PostgreSQL the server looks after its own.
    """
    from bridge.migrations.state import State, revision_of, revisions, state_within
    from bridge.store.engine import read

    engine = engine_at(home)
    with read(engine) as connection:
        state, revision = state_within(connection), revision_of(connection)
        found = _faults(connection)
    result = {
        "tables": state.value,
        "revision": revision or "none",
        "revision_of_this_version": revisions()[-1],
        "faults_of_the_file": found,
    }
    tell(result, as_json=as_json)
    if state is not State.CURRENT or found:
        raise typer.Exit(1)


def _faults(connection: "Connection") -> int:
    if connection.dialect.name != "sqlite":
        return 0
    said = list(connection.exec_driver_sql("PRAGMA integrity_check").scalars())
    references = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return len([line for line in said if line != "ok"]) + len(references)
