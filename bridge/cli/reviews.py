"""``review list|close|clear``: what a person reads before it leaves, or does after it left."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.running import AsJson, Home, open_at, print_line, tell

if TYPE_CHECKING:
    from bridge.journeys.running.review_queue import QueueRow

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_queue(
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what is overdue.")] = False,
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """List what waits for a person, what is due first; by reference, no value of a record.

    Exit code 1 if anything is overdue.
    """
    from bridge.journeys.running.review_queue import review_queue
    from bridge.parts import parts_of

    bridge = open_at(home)
    rows = review_queue(parts_of(bridge), bridge.gate, overdue=overdue)
    if as_json:
        tell([_data(row) for row in rows], as_json=True)
    else:
        for row in rows:
            print_line("  ".join(_said(row)))
    if any(row.overdue for row in rows):
        raise typer.Exit(1)


def _data(row: "QueueRow") -> dict[str, Any]:
    return {**asdict(row), "due_at": row.due_at.isoformat() if row.due_at else None}


def _said(row: "QueueRow") -> list[str]:
    told = {name: value for name, value in _data(row).items() if value}
    return [
        f"{name}: {', '.join(value) if isinstance(value, tuple) else value}"
        for name, value in told.items()
    ]


@app.command("close")
def close(
    item: Annotated[str, typer.Argument(help="Id of the item.")],
    by: Annotated[str, typer.Option(help="Who did it: party and role, lea.administrator.")],
    reason: Annotated[str, typer.Option(help="What came of it.")],
    home: Home = Path(),
) -> None:
    """Close an item: it was reviewed, or the guardian was told."""
    from bridge.journeys.running.review_queue import close_item
    from bridge.parts import parts_of

    close_item(parts_of(open_at(home)), item, by, reason)
    print_line("closed")


@app.command("clear")
def clear(
    referral: Annotated[str, typer.Argument(help="Id of the ServiceRequest.")],
    element: Annotated[str, typer.Option(help="Element that was read.")],
    fact: Annotated[str, typer.Option(help="human_reviewed, third_party_cleared ...")],
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take it back.")] = False,
    home: Home = Path(),
) -> None:
    """Record that a person read, cleared or showed one element of one referral."""
    from bridge.journeys.running.clear_review import clear_review, withdraw_review
    from bridge.parts import parts_of

    parts = parts_of(open_at(home))
    if withdraw:
        withdraw_review(parts, referral, element, fact)
    else:
        clear_review(parts, referral, element, fact)
    print_line("taken back" if withdraw else "cleared")
