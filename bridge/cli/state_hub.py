"""``hub key|collect|table``."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.running import AsJson, print_line, tell
from bridge.cli.showing import collecting

if TYPE_CHECKING:
    from bridge.hub.bridges import Source
    from bridge.journeys.partners.collect_rows import Asked

app = typer.Typer(no_args_is_help=True)

SCOPES = "system/*.rs"
Folder = Annotated[Path, typer.Argument(help="The hub's folder.")]
SinceLast = Annotated[
    bool, typer.Option(help="Only what changed since the last run; withdrawn rows stay until then.")
]


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
    bridges: Annotated[
        Path | None, typer.Option(help="TOML file with a table [bridge.NAME] for each bridge.")
    ] = None,
    fhir_base: Annotated[str, typer.Option(help="One bridge's FHIR base address.")] = "",
    client_id: Annotated[str, typer.Option(help="The name the hub is registered under.")] = "",
    name: Annotated[str, typer.Option(help="Name of the bridge in the hub's folder.")] = "bridge",
    since_last: SinceLast = False,
    as_json: AsJson = False,
) -> None:
    """Collect the coded rows that one bridge or many may give; goes on where it was killed.

    Exit code 1: at least one bridge did not give everything; what it gave before stays.
    """
    from bridge.errors import BridgeError
    from bridge.hub.bridges import Source, read_bridges
    from bridge.journeys.partners.collect_rows import collect_all

    if bridges is None and not (fhir_base and client_id):
        raise BridgeError("name a bridge (--fhir-base, --client-id) or a list of them (--bridges)")
    listed = read_bridges(bridges) if bridges else [Source(name, fhir_base, client_id)]
    with collecting() as came:
        done = collect_all(_asked(folder, listed, since_last=since_last), folder / "rows", came)
    told = {each.name: each.rows if each.complete else {"problem": each.problem} for each in done}
    tell(told, as_json=as_json)
    if not all(each.complete for each in done):
        raise typer.Exit(1)


def _asked(folder: Path, listed: Sequence["Source"], *, since_last: bool) -> list["Asked"]:
    from functools import partial

    from bridge.clock import SystemClock
    from bridge.identity.signing import SigningKey
    from bridge.journeys.partners.collect_rows import Wanted
    from bridge.outbound import BackendClient, Partner

    signing, clock = SigningKey.load_or_generate(folder / "key.json"), SystemClock()
    partners = [(each, Partner(each.fhir_base, each.client_id, SCOPES)) for each in listed]
    return [
        (each.name, partial(BackendClient, partner, signing, clock), Wanted(each.group, since_last))
        for each, partner in partners
    ]


@app.command()
def table(
    folder: Folder,
    minimum: Annotated[int, typer.Option(help="Smallest count that may be shown.")],
    as_json: AsJson = False,
) -> None:
    """Count referrals, students served and sessions; what would tell of few is not shown.

    Each table is kept in published.json of the folder: a later one shows no small difference to it.
    """
    from bridge.journeys.partners.collect_rows import count_table

    folders = sorted(path for path in (folder / "rows").iterdir() if path.is_dir())
    released = count_table(folders, minimum, folder / "published.json")
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
