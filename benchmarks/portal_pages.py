"""Pages of a school's people, with many referrals in their one district, and with a few.

The district of the loaded deployment has them all: no larger one can be meant. A page is decided,
entered in the ledger and noted as looked at each time, as for a person.
"""

import re
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from benchmarks.frame import Arms, Better, Row, cpu_milliseconds
from benchmarks.large_server import BACKEND, FEW, MANY, Headers, Large, large_server, measured
from benchmarks.serving import get
from bridge.app import open_bridge
from bridge.demo.run import LEA
from bridge.gate import Wanted
from bridge.identity import Party, Standing, open_session
from bridge.journeys.work_list import page_of
from bridge.settings import read_settings
from bridge.store.engine import write

_ROLE = "referral_coordinator"
Path = str | Callable[[Large, Headers], str]
"""The path of a page, or what finds it out."""


def growth_row(name: str, meaning: str, path: Path, sent: int) -> Row:
    """Return the row that compares a page with itself where there are few referrals."""
    return Row(
        name=name,
        unit="ms of server CPU per page",
        better=Better.LOWER,
        goal=1.5,
        meaning=(
            f"how many times the CPU our server needs {meaning} with {MANY:,} referrals in one"
            f" district than with {FEW:,}; 8 connections, {BACKEND}"
        ),
        value=cpu_milliseconds,
        figure=50,
        open=partial(_open, path, sent),
    )


def one_referral(large: Large, headers: Headers) -> str:
    """Return the path of the first referral of the board."""
    (board,) = get(large.server, ["/portal/board"], headers)
    found = re.search(rb"/portal/referral/[0-9a-f]{32}", board)
    if found is None:
        raise RuntimeError("the board shows no referral")
    return found[0].decode()


def _open(path: Path, sent: int) -> Arms:
    with ExitStack() as opened:
        arms = []
        for referrals in (MANY, FEW):
            large = large_server(opened, referrals)
            headers = _signed_in(large)
            place = path if isinstance(path, str) else path(large, headers)
            asked = [("GET", place, b"")] * sent
            arms.append(partial(measured, large.server, asked, headers))
        return Arms(*arms, opened.pop_all().close)


def _signed_in(large: Large) -> Headers:
    """Sign somebody in, whose board was looked at before: the first look works out every line."""
    bridge = open_bridge(read_settings(large.home))
    standing = Standing(Party.LEA, LEA, "", _ROLE, ("follow",))
    with write(bridge.engine) as connection:
        session = open_session(connection, "benchmark", standing, bridge.clock)
    page_of(bridge, bridge.settings.calendars_folder, session.caller, Wanted())
    bridge.engine.dispose()
    return {"Cookie": f"schoolbridge_session={session.token}"}
