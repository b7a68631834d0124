"""``edfi push``: a district's own Ed-Fi ODS is told which students are in services."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.running import AsJson, Home, open_at, tell

if TYPE_CHECKING:
    from bridge.context import Bridge
    from bridge.information_systems import InformationSystem

app = typer.Typer(no_args_is_help=True)


@app.callback()
def edfi() -> None:
    """Write to a district's Ed-Fi ODS."""


@app.command()
def push(
    lea: Annotated[str, typer.Option(help="The district's short name.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would leave, and write nothing.")
    ] = False,
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Bring the program association of each student to what the district may know today.

    Meant for a schedule; where and what is in [ods.NAME] of the settings. Done again, it changes
    nothing. A dry run reads the ODS and prints the associations as they would be sent.
    """
    from bridge.journeys.partners.push_program import plan_push, push_program
    from bridge.outbound.ods import OdsClient

    bridge = open_at(home)
    system = _system(bridge, lea)
    client = OdsClient(system)
    planned = plan_push(bridge, system, client.associations())
    if dry_run:
        shown = {"keep": list(planned.keep), "take_out": list(planned.take_out)}
        tell(shown, as_json=True)
        return
    push_program(client, planned)
    tell(planned.counts(), as_json=as_json)


def _system(bridge: "Bridge", lea: str) -> "InformationSystem":
    from bridge.errors import SettingsError

    found = [each for each in bridge.settings.information_systems if each.name == lea]
    if not found:
        raise SettingsError(f"the settings have no [ods.{lea}]")
    return found[0]
