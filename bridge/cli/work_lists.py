"""``work-list``: what is due today, for a district or a provider."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.running import AsJson, Home, open_at, print_line, tell

if TYPE_CHECKING:
    from bridge.journeys.referrals.work_list import WorkItem


def work_list(
    lea: Annotated[str, typer.Option(help="The district's short name: what it may learn.")] = "",
    provider: Annotated[str, typer.Option(help="Or the provider's: what was sent to it.")] = "",
    school: Annotated[str, typer.Option(help="Name of the one school asked for.")] = "",
    role: Annotated[str, typer.Option(help="Staff role that asks.")] = "",
    home: Home = Path(),
    as_json: AsJson = False,
) -> None:
    """List what is due for referrals, the longest due first, by number; no name of a student.

    Closures of a district stand in calendars/NAME.csv of the deployment: from,to,kind,name.
    """
    from bridge.errors import BridgeError
    from bridge.journeys.referrals.work_list import provider_work, school_work

    if bool(lea) is bool(provider):
        raise BridgeError("give --lea or --provider, one of them")
    bridge = open_at(home)
    calendars = bridge.settings.calendars_folder
    if lea:
        items = school_work(bridge, calendars, (lea, role or "referral_coordinator"), school)
    else:
        items = provider_work(bridge, calendars, (provider, role or "intake"))
    if as_json:
        tell([_data(item) for item in items], as_json=True)
        return
    for item in items:
        data = _data(item)
        print_line("  ".join(str(data[name]) for name in ("due_on", "referral", "rule", "says")))
    print_line(f"{len(items)} due")


def _data(item: "WorkItem") -> dict[str, object]:
    return {
        "referral": item.referral,
        "school": item.school,
        "provider": item.provider,
        "status": item.status,
        "rule": item.what.rule,
        "due_on": item.what.due_on.isoformat(),
        "days_late": item.what.late,
        "turn": item.what.turn,
        "says": item.what.says,
    }
