"""``staff``: the people of a district or a provider who sign in, and what they looked at."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from bridge.cli.clients import Organization, standing_of
from bridge.cli.running import AsJson, Home, open_at, print_line, tell

staff_app = typer.Typer(no_args_is_help=True)
MOST: Final = 1000


class Desk(StrEnum):
    """The parties whose people sign in."""

    LEA = "lea"
    PROVIDER = "provider"


# What each signs in as unless something else is said: a role, and purposes of use.
_USUAL: Final = {Desk.LEA: ("counselor", ("follow",)), Desk.PROVIDER: ("intake", ("refer",))}


@staff_app.command("code")
def code(
    organization: Organization,
    party: Annotated[Desk, typer.Option(help="What it is.")] = Desk.LEA,
    role: Annotated[
        str, typer.Option(help="Staff role, as the agreement names it; counselor or intake.")
    ] = "",
    purpose: Annotated[
        list[str] | None,
        typer.Option("--purpose", help="Purpose of use; repeat for more. follow or refer."),
    ] = None,
    home: Home = Path(),
) -> None:
    """Make a sign-in code for one person; it works once, for ten minutes."""
    from bridge.identity import mint_staff_code
    from bridge.store.database.engine import write

    bridge = open_at(home)
    usual, purposes = _USUAL[party]
    standing = standing_of(party, organization, role or usual, (tuple(purpose or purposes), ""))
    with write(bridge.engine) as connection:
        minted = mint_staff_code(connection, standing, bridge.clock)
    print_line(minted)


@staff_app.command("looked")
def looked(
    organization: Organization,
    who: Annotated[str, typer.Option(help="Of one person alone, as the list calls them.")] = "",
    most: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = MOST,
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """List who of a district or a provider looked at which page about a student, newest first.

    An address holds no name; of one referral sent to a provider it ends with the Task's id, and the
    mark is what the provider's own page shows in its place.
    """
    from bridge.journeys.referrals.note_look import mark_of, task_of
    from bridge.store.database.engine import read
    from bridge.store.people.page_looks import looks_of

    bridge = open_at(home)
    with read(bridge.engine) as connection:
        found = looks_of(connection, organization, (0, most), who)
    rows = [
        {
            "at": look.at.isoformat(),
            "who": look.who,
            "role": look.role,
            "page": look.path,
            "mark": mark_of(bridge.identifiers, task_of(look.path)),
        }
        for look in found
    ]
    if as_json:
        tell(rows, as_json=True)
        return
    for row in rows:
        print_line("  ".join(row.values()))
    print_line(f"{len(rows)} looks")
