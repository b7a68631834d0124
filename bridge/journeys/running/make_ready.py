"""Pages made ready outside of a request: after an import or an upgrade, and while a bridge serves.

For whom: the roles that a district's sign-in knows, and whoever has looked before.
"""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from time import sleep
from typing import Final

from sqlalchemy import Connection

from bridge.directories import Directory
from bridge.errors import BridgeError
from bridge.gate import CalendarOf
from bridge.identity import Party, Standing
from bridge.journeys.referrals.work_list import HasGate, calendar_of
from bridge.store.database.engine import read
from bridge.store.people.follow_work import every_viewer

_REST: Final = 0.005  # seconds between two transactions: who wants to write has a turn
Told = Callable[[str, int, int], None]
"""Told whose pages, of how many students they are ready since it began, and how many are left."""


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
) -> int:
    """Make the pages of everybody ready; returns for how many students something was made anew.

    Can be broken off at any moment: what is done stays done, and pages are right without it. What
    goes wrong with one standing keeps none of the others from being done.

    Raises:
        GateError: a decision could not be taken.
        SettingsError: a calendar cannot be read.
    """
    with read(whole.engine) as connection:
        every = standings(connection, directories)
    reading, total = partial(calendar_of, calendars), 0
    failed: list[BridgeError] = []
    for standing in every:
        try:
            total += _made_ready(whole, standing, reading, told)
        except BridgeError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    return total


def _made_ready(whole: HasGate, standing: Standing, reading: CalendarOf, told: Told) -> int:
    whose, done, left = f"{standing.organization}, {standing.role}", 0, 1
    while left:
        made, left = whole.gate.make_ready(standing, reading, begun=done > 0)
        done += made
        if made:
            told(whose, done, left)
            sleep(_REST)
    return done
