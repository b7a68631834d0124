"""``source``: whether who supplies a fact can still say."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.running import AsJson, Home, open_at, print_line, tell

app = typer.Typer(no_args_is_help=True)

Fact = Annotated[str, typer.Argument(help="The fact it supplies: recipient_blocked, enrolled ...")]
Lea = Annotated[str, typer.Option(help="The district's short name.")]


@app.command("down")
def down(fact: Fact, lea: Lea, home: Home = Path()) -> None:
    """Record that nobody can say now; what is unknown lets nothing leave."""
    from bridge.journeys.running.report_sources import source_down
    from bridge.parts import parts_of

    source_down(parts_of(open_at(home)), lea, fact)
    print_line(f"{fact} is unknown for {lea} from now on")


@app.command("heard")
def heard(
    fact: Fact,
    lea: Lea,
    hours: Annotated[
        float | None, typer.Option(help="Down again unless heard of within; none: until told.")
    ] = None,
    home: Home = Path(),
) -> None:
    """Record that the source speaks again; run it from whatever reads the source."""
    from bridge.journeys.running.report_sources import source_heard
    from bridge.parts import parts_of

    good_for = None if hours is None else timedelta(hours=hours)
    source_heard(parts_of(open_at(home)), lea, fact, good_for)
    print_line(f"{fact} is known again for {lea}")


@app.command("list")
def list_sources(lea: Lea, home: Home = Path(), as_json: AsJson = False) -> None:
    """List the sources that cannot say, or will not unless they are heard of."""
    from bridge.journeys.running.report_sources import sources
    from bridge.parts import parts_of

    parts = parts_of(open_at(home))
    found = {each.fact: f"unknown from {each.unknown_from}" for each in sources(parts, lea)}
    tell(found, as_json=as_json)
