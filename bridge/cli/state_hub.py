"""``hub key|collect|table``."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.running import AsJson, print_line, tell

app = typer.Typer(no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="The hub's folder.")]


@app.command()
def key(folder: Folder) -> None:
    """Make the hub's own key and print the JWK Set to register at each bridge."""
    import orjson

    from bridge.identity.signing import SigningKey

    folder.mkdir(parents=True, exist_ok=True)
    signing = SigningKey.load_or_generate(folder / "key.json")
    print_line(orjson.dumps(signing.public_jwks()).decode())


@app.command()
def collect(
    folder: Folder,
    fhir_base: Annotated[str, typer.Option(help="The bridge's FHIR base address.")],
    client_id: Annotated[str, typer.Option(help="The name the hub is registered under.")],
    name: Annotated[str, typer.Option(help="Name of the bridge in the hub's folder.")] = "bridge",
    as_json: AsJson = False,
) -> None:
    """Collect the coded rows one bridge may give."""
    from bridge.clock import SystemClock
    from bridge.identity.signing import SigningKey
    from bridge.journeys.collect_rows import collect as collect_rows
    from bridge.outbound import BackendClient, Partner

    signing = SigningKey.load_or_generate(folder / "key.json")
    client = BackendClient(Partner(fhir_base, client_id, "system/*.rs"), signing, SystemClock())
    tell(collect_rows(client, folder / "rows" / name), as_json=as_json)


@app.command()
def table(
    folder: Folder,
    minimum: Annotated[int, typer.Option(help="Smallest count that may be shown.")],
    as_json: AsJson = False,
) -> None:
    """Count referrals, students served and sessions; small cells are hidden."""
    from bridge.journeys.collect_rows import count_table

    folders = sorted(path for path in (folder / "rows").iterdir() if path.is_dir())
    released = count_table(folders, minimum)
    if as_json:
        tell({"rows": [dict(r) for r in released.rows], "notes": released.notes}, as_json=True)
        return
    print_table(released.columns, released.rows)
    for note in released.notes:
        print_line(note)


def print_table(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Print a table for people."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(*columns)
    for row in rows:
        shown.add_row(*(row[column] for column in columns))
    Console().print(shown)
