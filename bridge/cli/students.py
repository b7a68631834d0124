"""``student``: two records that may be one child; orders; and erasing one."""

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli import orders
from bridge.cli.running import AsJson, Home, open_at, print_line, tell

app = typer.Typer(no_args_is_help=True)
app.add_typer(orders.app, name="order", help="Court orders and safety flags.")

First = Annotated[str, typer.Argument(help="The district's number of one student.")]
Second = Annotated[str, typer.Argument(help="The number of the other.")]
Lea = Annotated[str, typer.Option(help="The district's short name.")]
By = Annotated[str, typer.Option(help="Who says so; the ledger keeps it.")]


@app.command("doubt")
def doubt(first: First, second: Second, lea: Lea, by: By, home: Home = Path()) -> None:
    """Hold back all that is about two students who may be one, until somebody has looked."""
    from bridge.journeys.referrals.same_student import Pair
    from bridge.journeys.referrals.same_student import doubt as hold_back
    from bridge.parts import parts_of

    hold_back(parts_of(open_at(home)), Pair(lea, (first, second), by))
    print_line("nothing about either leaves; next: schoolbridge student settle")


@app.command("settle")
def settle(
    first: First,
    second: Second,
    lea: Lea,
    by: By,
    keep: Annotated[str, typer.Option(help="They are the same: the number to go on with.")] = "",
    different: Annotated[bool, typer.Option("--different", help="They are two children.")] = False,
    home: Home = Path(),
) -> None:
    """Say what is true of two doubted students. It may be said again, otherwise."""
    from bridge.errors import BridgeError
    from bridge.journeys.referrals.same_student import Pair
    from bridge.journeys.referrals.same_student import settle as say
    from bridge.parts import parts_of

    if different == bool(keep):
        raise BridgeError("say --different, or --keep and one of the two numbers")
    say(parts_of(open_at(home)), Pair(lea, (first, second), by), keep or None)
    print_line("each goes on as before" if different else "the other number's records stay here")


@app.command("held")
def held(lea: Lea, home: Home = Path(), as_json: AsJson = False) -> None:
    """List the numbers of students of whom nothing leaves because they may be, or are, another."""
    from bridge.journeys.referrals.same_student import held_back
    from bridge.parts import parts_of

    tell({"held": held_back(parts_of(open_at(home)), lea)}, as_json=as_json)


@app.command("erase")
def erase(
    number: Annotated[str, typer.Argument(help="The district's number of the student.")],
    lea: Lea,
    by: By,
    because: Annotated[str, typer.Option(help="order, request or time-over; the ledger keeps it.")],
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Erase all that is about a student, for good. On PostgreSQL this is for the owner.

    Nothing is erased as long as a referral, a recall, a duty or a review about the student is open.
    Copies made before still hold it, and the source's next file may bring the student back.
    """
    from bridge.errors import BridgeError
    from bridge.journeys.running.erase_student import Because, Erasing, erase_student
    from bridge.migrations.roles import for_the_owner
    from bridge.parts import parts_of
    from bridge.store.erasing import clear_log

    if because not in set(Because):
        raise BridgeError("say --because order, request or time-over")
    parts = parts_of(open_at(home))
    with for_the_owner():
        gone = erase_student(parts, Erasing(lea, number, by, Because(because)))
        cleared = clear_log(parts.engine)
    tell({"erased": dict(gone), "log_emptied": cleared}, as_json=as_json)
