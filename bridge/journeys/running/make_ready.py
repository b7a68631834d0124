"""Pages made ready outside of a request: after an import or an upgrade, and while a bridge serves.

For whom: the roles that a district's sign-in knows, and whoever has looked before.
"""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Final, Protocol

from sqlalchemy import Connection, Engine

from bridge.directories import Directory
from bridge.errors import BridgeError
from bridge.identity import Party, Standing
from bridge.journeys.referrals.work_list import HasGate, calendar_of
from bridge.store.database.engine import read
from bridge.store.people.follow_lines import last_change
from bridge.store.people.follow_work import every_viewer

READY_AT_ONCE: Final = 50
"""Students in one transaction: whoever writes meanwhile waits for no more."""
FEW_AT_ONCE: Final = 8
"""The same where people are served beside: as many as a page makes anew itself."""
_REST: Final = 0.005  # seconds between two transactions: who wants to write has a turn
_BUSY: Final = 10
"""So many times as long it rests where others write: what they change next is not made twice."""
_MANY: Final = 1000
"""Where more students than this are left somebody would wait for seconds: it does not rest so."""
Told = Callable[[str, int, int], None]
"""Told whose pages, of how many students they are ready since it began, and how many are left."""


_Rested = Callable[[float, int, int], int]


class _Make(Protocol):
    def __call__(self, *, begun: bool) -> tuple[int, int]: ...


def standings(connection: Connection, directories: Collection[Directory]) -> list[Standing]:
    """Return the standings whose pages are made ready, each once."""
    found = [
        Standing(Party.LEA, each.name, "", role, each.purposes)
        for each in directories
        for _, role in each.roles
    ]
    for whose in every_viewer(connection):
        party, organization, role, *purposes = whose.split("|")
        found.append(Standing(Party(party), organization, "", role, tuple(purposes)))
    return list(dict.fromkeys(found))


def make_ready(
    whole: HasGate,
    calendars: Path,
    directories: Collection[Directory],
    told: Told = lambda _whose, _done, _left: None,
    *,
    beside: bool = False,
) -> int:
    """Make the pages of everybody ready; returns for how many students something was made anew.

    Can be broken off at any moment: what is done stays done, and pages are right without it. What
    goes wrong with one standing keeps none of the others from being done.

    Args:
        whole: the bridge.
        calendars: the folder of the districts' calendars.
        directories: of the districts' sign-ins.
        told: told how far it is.
        beside: whether people are served beside. Then a transaction is as short as a page's own,
            and as long as it took nothing is done: nobody waits for more than one of them, and half
            of a core is theirs. While others write it is :data:`_BUSY` times as long, unless more
            than :data:`_MANY` students are left.

    Raises:
        GateError: a decision could not be taken.
        SettingsError: a calendar cannot be read.
    """
    with read(whole.engine) as connection:
        every = standings(connection, directories)
    reading, total = partial(calendar_of, calendars), 0
    most = FEW_AT_ONCE if beside else READY_AT_ONCE
    failed: list[BridgeError] = []
    for standing in every:
        make = partial(whole.gate.make_ready, standing, reading, most)
        rested = partial(_rested, whole.engine) if beside else _paused
        try:
            total += _made_ready(make, standing, told, rested)
        except BridgeError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    return total


def _made_ready(make: _Make, standing: Standing, told: Told, rested: _Rested) -> int:
    whose, done, left = f"{standing.organization}, {standing.role}", 0, 1
    change = 0
    while left:
        began = monotonic()
        made, left = make(begun=done > 0)
        done += made
        if made:
            told(whose, done, left)
            change = rested(monotonic() - began, left, change)
    return done


def _paused(_took: float, _left: int, change: int) -> int:
    sleep(_REST)
    return change


def _rested(engine: Engine, took: float, left: int, before: int) -> int:
    """Rest after a transaction; returns the number of the last change, to be given the next time.

    Args:
        engine: the database.
        took: how long the transaction took, in seconds.
        left: how many students are left.
        before: the number of the last change at the rest before; 0 where there was none.
    """
    with read(engine) as connection:
        change = last_change(connection)
    busy = before not in (0, change) and left <= _MANY
    sleep(max(_REST, took * (_BUSY if busy else 1)))
    return change
