"""``db upgrade|roles|backup|restore|check|purge``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.ledgers import halted_at, heads_in, tell_halted
from bridge.cli.running import AsJson, Home, print_line, tell
from bridge.errors import CopyError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

app = typer.Typer(no_args_is_help=True)
ABSENT = (
    "the database {name} is not there: put a copy in its place (schoolbridge db restore FILE); "
    "of a new deployment the first command makes it (schoolbridge party add)"
)
# Six years, as long as an accounting of disclosures reaches back (45 CFR 164.528(a)(1)).
LOOKS_DAYS = 2192
# Longer than from one school year's first roster to the next one's.
ROSTER_DAYS = 400


def engine_at(home: Path) -> "Engine":
    """Open the database of a deployment's folder, whatever its tables are."""
    from bridge.settings import read_settings
    from bridge.store.database.engine import open_engine

    return open_engine(read_settings(home).database_url)


def made_engine_at(home: Path) -> "Engine":
    """Open the database of a deployment's folder, which must be there.

    Raises:
        CopyError: it is a file that is not there; none was made.
    """
    from bridge.settings import read_settings
    from bridge.store.database.copies import absent

    if name := absent(read_settings(home).database_url):
        raise CopyError(ABSENT.format(name=name))
    return engine_at(home)


@app.command()
def upgrade(
    ready: Annotated[
        bool,
        typer.Option(help="Make lists of referrals ready, which a server would do as it runs."),
    ] = True,
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Bring the tables to this version, with every row, all or nothing; stop the server first."""
    from bridge.cli.ready import pages_ready_after
    from bridge.cli.running import open_at
    from bridge.migrations.roles import for_the_owner
    from bridge.migrations.state import revisions
    from bridge.migrations.upgrade import upgrade as bring_up

    with for_the_owner():
        before = bring_up(engine_at(home))
        tell({"tables_were": before.value, "tables_are_at": revisions()[-1]}, as_json=as_json)
        if ready:
            pages_ready_after(lambda: open_at(home))


@app.command()
def roles(
    only_sql: Annotated[
        bool, typer.Option("--sql", help="Print the statements, and change nothing.")
    ] = False,
    home: Home = Path(),
) -> None:
    """Make PostgreSQL's roles for the server and for reports, and say what they may do.

    Run it as the owner of the tables: SCHOOLBRIDGE_DATABASE_URL overrides the settings.
    """
    from bridge.errors import SchemaError
    from bridge.migrations import roles as kept
    from bridge.migrations.state import State, state_within
    from bridge.store.database.engine import write

    engine = engine_at(home)
    if engine.dialect.name != "postgresql":
        raise SchemaError("SQLite has no roles: whoever may read the file reads everything")
    with kept.for_the_owner(), write(engine) as connection:
        if state_within(connection) is not State.CURRENT:
            raise SchemaError("first bring the tables to this version: schoolbridge db upgrade")
        statements = [*kept.making(connection), *kept.granting(connection)]
        if not only_sql:
            kept.run(connection, statements)
    print_line("\n".join(f"{statement};" for statement in statements))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The copy to write; must not be there yet.")],
    home: Home = Path(),
) -> None:
    """Write a copy of the whole database while it is in use. Keep it as safe as the database."""
    from bridge.store.database.copies import back_up

    back_up(made_engine_at(home), file)
    print_line(f"{file.name} holds {file.stat().st_size} bytes")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A copy that `db backup` wrote.")],
    heads: Annotated[
        Path | None, typer.Option(help="What `ledger head --json` printed later than the copy.")
    ] = None,
    without_heads: Annotated[
        bool, typer.Option("--without-heads", help="Halt every log: nobody kept a head.")
    ] = False,
    home: Home = Path(),
) -> None:
    """Put a copy in the place of a lost database; a database that is there is never overwritten.

    What was revoked after the copy was taken is not in it. Where the ledger was longer than it is
    in the copy, nothing leaves until it is caught up (`ledger halted`, `remember`, `resume`).
    """
    from bridge.ledger.witness import keep_longest, note_restored, read_witness
    from bridge.migrations.state import State, state_of
    from bridge.settings import read_settings
    from bridge.store.database.copies import put_in_place

    kept = read_settings(home).heads_file
    told = heads_in(heads, home) if heads else {}
    if not (told or read_witness(kept).heads or without_heads):
        raise CopyError(
            f"how long the ledger had grown is not known: {kept.name} is gone; ask a party for "
            "its heads (--heads FILE), or have every log halted (--without-heads)"
        )
    engine = engine_at(home)
    put_in_place(engine, file)
    if told:
        keep_longest(kept, told)
    if without_heads and not read_witness(kept).heads:
        note_restored(kept)
    if state_of(engine) is not State.CURRENT:
        print_line("restored; next: schoolbridge db upgrade, then: schoolbridge ledger halted")
        return
    print_line("restored; now compared with the heads known:")
    tell_halted(halted_at(home), as_json=False)


@app.command()
def check(home: Home = Path(), as_json: AsJson = False) -> None:
    """Say whether the tables are those of this version, and the file is sound; exit code 1 if not.

    On SQLite this reads the whole file; on PostgreSQL the server looks after its own.
    """
    from bridge.migrations.state import State, revision_of, revisions, state_within
    from bridge.store.database.engine import read

    engine = made_engine_at(home)
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


@app.command()
def purge(
    looks_after: Annotated[
        int, typer.Option(min=365, help="Days that it is kept who of the staff looked.")
    ] = LOOKS_DAYS,
    roster_after: Annotated[
        int, typer.Option(min=1, help="Days that it is kept what a roster said, unless said again.")
    ] = ROSTER_DAYS,
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Delete what is kept for days, once they are over. On PostgreSQL this is for the owner."""
    from datetime import timedelta

    from bridge.clock import SystemClock
    from bridge.migrations.roles import for_the_owner
    from bridge.store.database.engine import write
    from bridge.store.people.drafts import drop_drafts_before
    from bridge.store.people.page_looks import drop_looks_before
    from bridge.store.people.roster_entries import drop_rosters_before

    now = SystemClock().real_now()
    with for_the_owner(), write(made_engine_at(home)) as connection:
        gone = {
            "looks": drop_looks_before(connection, now - timedelta(days=looks_after)),
            "drafts": drop_drafts_before(connection, now),
            "roster": drop_rosters_before(connection, now - timedelta(days=roster_after)),
        }
    tell(gone, as_json=as_json)


def _faults(connection: "Connection") -> int:
    if connection.dialect.name != "sqlite":
        return 0
    said = list(connection.exec_driver_sql("PRAGMA integrity_check").scalars())
    references = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return len([line for line in said if line != "ok"]) + len(references)
