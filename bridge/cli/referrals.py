"""``referral withdraw|resubmit``: what a school does about a referral it has sent.

What is printed does not depend on what the provider has done: the follow-up tells that, to whom it
may be told.
"""

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.running import Home, open_at, print_line

app = typer.Typer(no_args_is_help=True)

Number = Annotated[str, typer.Argument(help="The district's number of the referral.")]
Lea = Annotated[str, typer.Option(help="The district's short name.")]
Provider = Annotated[str, typer.Option(help="The provider's short name.")]


@app.command()
def withdraw(number: Number, lea: Lea, provider: Provider, home: Home = Path()) -> None:
    """Withdraw a referral. A provider that has begun is asked to stop, and may say why not."""
    from bridge.journeys.withdraw_referral import OwnNumber, withdraw_referral
    from bridge.parts import parts_of

    withdraw_referral(parts_of(open_at(home)), OwnNumber(lea, provider, number))
    print_line("withdrawn; a provider that has begun is asked to stop")


@app.command()
def resubmit(number: Number, lea: Lea, provider: Provider, home: Home = Path()) -> None:
    """Say that what was missing from a referral that was returned is there now."""
    from bridge.journeys.withdraw_referral import OwnNumber, resubmit_referral
    from bridge.parts import parts_of

    resubmit_referral(parts_of(open_at(home)), OwnNumber(lea, provider, number))
    print_line("sent again, if it was returned")
