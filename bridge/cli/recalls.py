"""``recall list|send|draft``: notices to everyone who got what should no longer be used."""

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.running import AsJson, Home, open_at, print_line, tell

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_all(home: Home = Path(), as_json: AsJson = False) -> None:
    """List every notice: to whom, why, how many resources, and how far it has come."""
    from bridge.journeys.families.recall_releases import all_recalls
    from bridge.parts import parts_of

    rows = [
        {
            "recall": recall.id,
            "recipient": recall.recipient,
            "reason": recall.reason,
            "resources": len(recall.lines),
            "state": recall.state,
        }
        for recall in all_recalls(parts_of(open_at(home)))
    ]
    if as_json:
        tell(rows, as_json=True)
        return
    for row in rows:
        print_line("  ".join(f"{name}: {value}" for name, value in row.items()))


@app.command()
def send(home: Home = Path()) -> None:
    """Make every drafted notice available to its recipient's system."""
    from bridge.journeys.families.recall_releases import send_recalls
    from bridge.parts import parts_of

    print_line(f"{send_recalls(parts_of(open_at(home)))} notices sent")


@app.command()
def draft(
    release: Annotated[str, typer.Option(help="Id of a defective form.")] = "",
    referral: Annotated[str, typer.Option(help="Id of a referral of the wrong student.")] = "",
    home: Home = Path(),
) -> None:
    """Draft notices of what went out under a form, or of one referral."""
    from bridge.journeys.families.recall_releases import recall_form, recall_referral
    from bridge.parts import parts_of

    if bool(release) == bool(referral):
        raise typer.BadParameter("give --release or --referral")
    parts = parts_of(open_at(home))
    new = recall_form(parts, release) if release else recall_referral(parts, referral)
    print_line(f"{new} notices drafted")
