"""A part of a provider's or a school's file leaves as its records would one by one, listed once."""

import random
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from bridge.gate import Query
from bridge.gate.released import lines_of
from bridge.identity import Caller
from bridge.ledger.lookup import of_request
from bridge.ledger.tables import ENTRY
from bridge.store.database.engine import write
from tests.bridge.gate.test_filter_and_decision import fill
from tests.support.exports import served
from tests.support.worlds import World, caller

STATES = 30
KINDS = ("Patient", "ServiceRequest", "Task", "Encounter", "Observation", "Consent", "Provenance")
SCHOOL = Caller(
    "millbrook-sis",
    replace(
        caller("millbrook-sis").standing,
        role="counselor",
        purposes=("attend", "follow"),
        scopes=caller().standing.scopes,
    ),
)
CALLERS = (caller(), caller("cove-ehr"), SCHOOL)


def told(connection: Connection, request: str) -> list[Any]:
    """Return what the ledger says of a request, but for place and time."""
    found = [replace(each.entry, request="") for each in of_request(connection, request)]
    return sorted(found, key=lambda entry: (str(entry.resource), str(entry)))


def entries(connection: Connection, request: str) -> int:
    return connection.scalar(select(func.count()).where(ENTRY.c.request == request)) or 0


def both_ways(world: World, who: Caller, query: Query) -> tuple[int, int]:
    """Release what a query finds in both ways, compare, and undo both.

    Returns how many records it was, and how many entries the ledger has for the part.
    """
    gate = world.bridge.gate
    with world.bridge.engine.connect() as connection, connection.begin() as transaction:
        part = gate.part_noted(connection, who, query, "a-part")
        alone = gate.search_noted(connection, who, query, ((), "one-by-one"))
        assert (part.body, part.count) == (lines_of(alone).body, len(alone.matches))
        assert part.reached == alone.last_change
        assert told(connection, "a-part") == told(connection, "one-by-one")
        listed = entries(connection, "a-part")
        transaction.rollback()
    return len(alone.matches), listed


def test_parts_and_what_the_ledger_says_are_those_of_deciding_one_by_one(world: World) -> None:
    seed = random.SystemRandom().randrange(10**6)
    fill(world, STATES, seed)
    served(world, 2)
    found = {
        who.client_id: sum(
            both_ways(world, who, Query(kind, limit=1000, interaction="read"))[0] for kind in KINDS
        )
        for who in CALLERS
    }
    assert found["harbor-ehr"] > STATES, seed


def test_one_entry_lists_what_left_alike(world: World) -> None:
    served(world, 6)
    query = Query("ServiceRequest", limit=1000, interaction="read")
    assert both_ways(world, caller(), query) == (6, 1)


def test_a_part_that_cannot_be_written_down_does_not_leave(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(lite, 2)

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("bridge.gate.exports.export_side.append", full)
    query = Query("ServiceRequest", interaction="read")
    with write(lite.bridge.engine) as connection, pytest.raises(OSError, match="full"):
        lite.bridge.gate.part_noted(connection, caller(), query, "a-part")
