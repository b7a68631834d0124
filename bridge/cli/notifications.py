"""``notifications list|show|replay``: what is sent to those who subscribed, and what is not taken.

Where a notification goes is not shown, only the host: an address may hold a token. What it tells of
is counted, never named.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.running import AsJson, Home, open_at, print_line, tell

if TYPE_CHECKING:
    from bridge.store.partners.subscriptions import Subscription

app = typer.Typer(no_args_is_help=True)
SubscriptionId = Annotated[str, typer.Argument(help="Id, as notifications list prints it.")]
OnlyFailing = Annotated[bool, typer.Option("--failing", help="Only those not taken: dead letters.")]


@app.command("list")
def list_all(home: Home = Path(), failing: OnlyFailing = False, as_json: AsJson = False) -> None:
    """List subscriptions: whose they are, how they stand, how many events wait."""
    from bridge.store.database.engine import read
    from bridge.store.partners.subscriptions import every_subscription

    with read(open_at(home).engine) as connection:
        found = every_subscription(connection)
    rows = [_row(each) for each in found if not failing or each.attempts or each.status == "error"]
    if as_json:
        tell(rows, as_json=True)
        return
    for row in rows:
        names = ("subscription", "client", "host", "status", "waiting")
        print_line("  ".join(f"{name}: {row[name]}" for name in names))


@app.command()
def show(subscription_id: SubscriptionId, home: Home = Path(), as_json: AsJson = False) -> None:
    """Show one subscription, and why its last notification was not taken."""
    from bridge.store.database.engine import read
    from bridge.store.partners.subscriptions import every_subscription

    with read(open_at(home).engine) as connection:
        found = [each for each in every_subscription(connection) if each.id == subscription_id]
    if not found:
        raise _unknown()
    tell(_row(found[0]), as_json=as_json)


@app.command()
def replay(subscription_id: SubscriptionId, home: Home = Path()) -> None:
    """Try again now, with a handshake first after an error; each event is decided anew.

    One that its client turned off stays off.
    """
    from bridge.journeys.partners.keep_subscriptions import replay_subscription
    from bridge.store.database.engine import write

    bridge = open_at(home)
    with write(bridge.engine) as connection:
        replay_subscription(connection, subscription_id, bridge.clock.real_now())
    print_line("tried again now")


@app.command()
def mail(
    client: Annotated[str, typer.Argument(help="The registered client whose referrals count.")],
    address: Annotated[str, typer.Argument(help="Who is told that referrals wait.")],
    hours: Annotated[int, typer.Option(min=1, max=168, help="Between two mails.")] = 24,
    stop: Annotated[bool, typer.Option("--stop", help="Tell this address no more.")] = False,
    home: Home = Path(),
) -> None:
    """Tell an address by mail how many referrals wait: a number, and nothing about anybody."""
    from bridge.errors import BridgeError
    from bridge.journeys.partners.send_digests import keep_contact
    from bridge.store.database.engine import write
    from bridge.store.partners.digest_contacts import drop_contact

    bridge = open_at(home)
    with write(bridge.engine) as connection:
        if not stop:
            keep_contact(connection, (client, address, hours), bridge.clock.real_now())
        elif not drop_contact(connection, client, address):
            raise BridgeError("that address is not told of this client")
    print_line("told no more" if stop else "told from now on")


@app.command("text")
def text(
    number: Annotated[str, typer.Argument(help="A telephone of yours, with its area code.")],
    home: Home = Path(),
) -> None:
    """Send one text message of fixed words, to see that the gateway takes what it is given."""
    from bridge.errors import BridgeError
    from bridge.outbound.errors import MessageRefusedError
    from bridge.outbound.texts import number_of, send_text
    from bridge.settings import read_settings

    gateway, to = read_settings(home).text, number_of(number)
    if gateway is None or to is None:
        missing = "number: write +1 and ten digits" if gateway else "[text] is not in the settings"
        raise BridgeError(missing)
    try:
        send_text(gateway, to, "This is a test. Nothing waits for you.")
    except MessageRefusedError as error:
        raise BridgeError(str(error)) from None
    print_line("the gateway took it")


@app.command("mails")
def mails(home: Home = Path(), as_json: AsJson = False) -> None:
    """List who is told by mail, and which addresses the mail server refuses."""
    from bridge.store.database.engine import read
    from bridge.store.partners.digest_contacts import contacts

    with read(open_at(home).engine) as connection:
        rows = [
            {
                "client": each.client_id,
                "address": each.address,
                "hours": each.hours,
                "failed attempts": each.attempts,
                "refused": each.refused,
            }
            for each in contacts(connection)
        ]
    if as_json:
        tell(rows, as_json=True)
        return
    for row in rows:
        print_line("  ".join(f"{name}: {value}" for name, value in row.items()))


def _unknown() -> Exception:
    from bridge.errors import BridgeError

    return BridgeError("there is no such subscription; see: schoolbridge notifications list")


def _row(each: "Subscription") -> dict[str, object]:
    instants = {
        "failing since": each.failing_since,
        "tried again at": each.retry_at,
        "last taken": each.sent_at,
    }
    return {
        "subscription": each.id,
        "client": each.client_id,
        "organization": each.organization,
        "type": each.kind,
        "host": each.host,
        "status": each.status,
        "events": each.events,
        "waiting": each.events - each.delivered,
        "failed attempts": each.attempts,
        **({"problem": each.problem} if each.problem else {}),
        **{name: at.isoformat() for name, at in instants.items() if at},
    }
