"""``held list|settle``: the queue of rows that wait for a person."""

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.running import AsJson, Home, open_at, print_line, tell

app = typer.Typer(no_args_is_help=True)
Owner = Annotated[str, typer.Option(help="Short name of the district or provider.")]


@app.command("list")
def list_held(owner: Owner, home: Home = Path(), as_json: AsJson = False) -> None:
    """List the rows that wait: where each stands and why, never what it says."""
    from bridge.parts import parts_of
    from bridge.store.database.engine import read
    from bridge.store.directory import held

    with read(parts_of(open_at(home)).engine) as connection:
        waiting = held(connection, owner)
    if as_json:
        rows = [{"number": h.source_key, "file": h.file, "row": h.row} for h in waiting]
        reasons = [list(h.reasons) for h in waiting]
        both = zip(rows, reasons, strict=True)
        tell([{**row, "reasons": texts} for row, texts in both], as_json=True)
        return
    for h in waiting:
        print_line(f"{h.source_key}  {h.file} row {h.row}: {' | '.join(h.reasons)}")
    print_line(f"{len(waiting)} rows wait")


@app.command()
def settle(
    number: Annotated[str, typer.Argument(help="The number `held list` shows.")],
    owner: Owner,
    home: Home = Path(),
) -> None:
    """Take a row out of the queue that a person has dealt with in another way."""
    from bridge.errors import BridgeError
    from bridge.parts import parts_of
    from bridge.store.database.engine import write
    from bridge.store.directory import held, release_held

    parts = parts_of(open_at(home))
    with write(parts.engine) as connection:
        if number not in {h.source_key for h in held(connection, owner)}:
            raise BridgeError(f"no row of {owner} waits under this number; see: held list")
        release_held(connection, owner, [number], parts.clock.now())
    print_line("settled")
