"""Pages made ready at the end of a command, with how far it has come on standard error."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.context import Bridge


def pages_ready(bridge: "Bridge") -> int:
    """Make everybody's pages ready; returns for how many students something was made anew.

    Raises:
        BridgeError: a decision could not be taken, or a calendar not be read.
    """
    from bridge.cli.showing import readying
    from bridge.journeys.running.make_ready import make_ready

    settings = bridge.settings
    with readying() as came:
        return make_ready(bridge, settings.calendars_folder, settings.directories, came)


def pages_ready_after(opened: "Callable[[], Bridge]") -> None:
    """Do so at the end of a command whose own work is done, which it does not make fail.

    Args:
        opened: gives the bridge.
    """
    from bridge.errors import BridgeError
    from bridge.ledger.errors import LedgerError
    from documents import DocumentError

    try:
        pages_ready(opened())
    except (BridgeError, DocumentError, LedgerError) as error:
        sys.stderr.write(f"schoolbridge: done; its pages are left to the server: {error}\n")
