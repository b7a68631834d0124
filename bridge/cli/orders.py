"""``student order``: court orders and safety flags that keep a guardian or a party out."""

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bridge.cli.asking import GUARDIAN, NameFile, asked_for
from bridge.cli.running import AsJson, Home, open_at, print_line, tell

if TYPE_CHECKING:
    from bridge.journeys.families.guardian_blocks import Recorded

app = typer.Typer(no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="The district's number of the student.")]
Lea = Annotated[str, typer.Option(help="The district's short name.")]
By = Annotated[str, typer.Option(help="Who says so; the ledger keeps it.")]

ANEW: Final = "forms that ended stay ended when the order is lifted: they must be signed anew"
UNKNOWN: Final = (
    "nobody of this name has signed for the student or is entered as a guardian: check the"
    " spelling, the order holds for the name as given alone"
)
RECALLS: Final = "look through the notices and send them: schoolbridge recall list, recall send"


class Source(StrEnum):
    """What an order rests on."""

    COURT_ORDER = "court-order"
    SAFETY_FLAG = "safety-flag"


@app.command("record")
def record(
    number: Number,
    lea: Lea,
    by: By,
    party: Annotated[
        str, typer.Option(help="Role of the party it keeps out (provider, hub ...); no guardian.")
    ] = "",
    name_file: NameFile = None,
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD; now.")] = "",
    last: Annotated[str, typer.Option("--until", help="Last day, YYYY-MM-DD; none.")] = "",
    source: Annotated[Source, typer.Option(help="What it rests on.")] = Source.COURT_ORDER,
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Enter an order; it holds at once, and the guardian's forms on file end.

    Without --party and --name-file it asks for the guardian's name: a name given with the command
    would stay in the shell's history. It is kept as a keyed hash alone.
    """
    from bridge.journeys.families.enter_order import Asked, Ordered, enter_order
    from bridge.parts import parts_of

    if party and name_file:
        raise typer.BadParameter("give --party or --name-file, not both")
    days = (_day(first, "--from"), _day(last, "--until"))
    name = "" if party else asked_for(GUARDIAN, name_file)
    ordered = Ordered(name, party, *days, source.value)
    recorded, known = enter_order(parts_of(open_at(home)), Asked(lea, number, by), ordered)
    remarks = (
        (not known, UNKNOWN),
        (bool(recorded.forms), ANEW),
        (bool(recorded.recalls), RECALLS),
    )
    _tell(recorded, [text for holds, text in remarks if holds], as_json=as_json)


@app.command("list")
def list_orders(number: Number, lea: Lea, home: Home = Path(), as_json: AsJson = False) -> None:
    """List the orders of one student, also those that ended: ids, kinds and instants, no name."""
    from bridge.journeys.families.enter_order import orders_of
    from bridge.parts import parts_of

    rows = [
        {
            "order": kept.id,
            "keeps_out": kept.kind,
            "since": _instant(kept.since),
            "until": _instant(kept.until) if kept.until else None,
            "source": kept.source,
            "holds": kept.holds,
        }
        for kept in orders_of(parts_of(open_at(home)), lea, number)
    ]
    if as_json:
        tell(rows, as_json=True)
        return
    for row in rows:
        print_line("  ".join(f"{name}: {value}" for name, value in row.items()))
    print_line(f"{len(rows)} orders")


@app.command("lift")
def lift(
    number: Number,
    order: Annotated[str, typer.Argument(help="Id of the order (student order list).")],
    lea: Lea,
    by: By,
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """Lift an order; a provider's system that polls looks at the student's referrals again."""
    from bridge.journeys.families.enter_order import Asked
    from bridge.journeys.families.enter_order import lift as take_away
    from bridge.parts import parts_of

    held = take_away(parts_of(open_at(home)), Asked(lea, number, by), order)
    if as_json:
        tell({"order": order, "held": held, "notes": [ANEW]}, as_json=True)
        return
    print_line("lifted" if held else "it was over already")
    print_line(ANEW)


def _tell(recorded: "Recorded", notes: list[str], *, as_json: bool) -> None:
    told: dict[str, Any] = {
        "order": recorded.id,
        "new": recorded.new,
        "forms_ended": recorded.forms,
        "recalls_drafted": recorded.recalls,
    }
    if as_json:
        tell(told | {"notes": notes}, as_json=True)
        return
    tell(told, as_json=False)
    for note in notes:
        print_line(note)


def _day(text: str, option: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise typer.BadParameter(f"{option}: write the day as YYYY-MM-DD") from None


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="minutes")
