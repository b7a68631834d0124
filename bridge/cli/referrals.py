"""``referral withdraw|resubmit|pass-on ...``: what is done about a referral that was sent.

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
    from bridge.journeys.referrals.withdraw_referral import OwnNumber, withdraw_referral
    from bridge.parts import parts_of

    withdraw_referral(parts_of(open_at(home)), OwnNumber(lea, provider, number))
    print_line("withdrawn; a provider that has begun is asked to stop")


@app.command()
def resubmit(number: Number, lea: Lea, provider: Provider, home: Home = Path()) -> None:
    """Say that what was missing from a referral that was returned is there now."""
    from bridge.journeys.referrals.withdraw_referral import OwnNumber, resubmit_referral
    from bridge.parts import parts_of

    resubmit_referral(parts_of(open_at(home)), OwnNumber(lea, provider, number))
    print_line("sent again, if it was returned")


@app.command("cancel-unanswered")
def cancel_unanswered(number: Number, lea: Lea, provider: Provider, home: Home = Path()) -> None:
    """End a referral whose provider was asked to stop and did not answer."""
    from bridge.journeys.referrals.withdraw_referral import OwnNumber, cancel_unanswered
    from bridge.parts import parts_of

    cancel_unanswered(parts_of(open_at(home)), OwnNumber(lea, provider, number))
    print_line("ended, if the provider was asked to stop and did not answer")


@app.command("enter-in-error")
def enter_in_error(number: Number, lea: Lea, provider: Provider, home: Home = Path()) -> None:
    """Say that a referral was never meant to be sent. What went out is recalled beside this."""
    from bridge.journeys.referrals.withdraw_referral import OwnNumber, enter_in_error
    from bridge.parts import parts_of

    enter_in_error(parts_of(open_at(home)), OwnNumber(lea, provider, number))
    print_line("entered in error; to have it taken back as well: schoolbridge recall")


@app.command("pass-on")
def pass_on(
    number: Number,
    lea: Lea,
    provider: Annotated[str, typer.Option(help="Short name of the provider it goes on to.")],
    intermediary: Annotated[str, typer.Option(help="Short name of who passes it on.")],
    role: Annotated[str, typer.Option(help="Staff role of the intermediary.")] = "intake",
    home: Home = Path(),
) -> None:
    """Pass a referral on from an intermediary to a provider; again: bring what has changed."""
    from bridge.journeys.referrals.pass_on import Hops, pass_on
    from bridge.journeys.referrals.withdraw_referral import OwnNumber

    hops = Hops(OwnNumber(lea, intermediary, number), provider, role)
    pass_on(open_at(home), hops)
    print_line("passed on; the provider finds it as far as its own agreement and releases allow")


@app.command("bring-back")
def bring_back(lea: Lea, home: Home = Path()) -> None:
    """Tell intermediaries what providers answered meanwhile, as far as it may now be told."""
    from bridge.journeys.referrals.passed_on import bring_all_back
    from bridge.parts import parts_of

    told = bring_all_back(parts_of(open_at(home)), lea)
    print_line(f"{told} referral(s) say something new")
