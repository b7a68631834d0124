"""A source of facts goes down: what it supplies is unknown, and unknown lets nothing leave."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from bridge.errors import BridgeError
from bridge.gate import Query
from bridge.journeys.families.account_for import account_for
from bridge.journeys.running.report_sources import source_down, source_heard, sources
from bridge.store.database.engine import read
from bridge.store.facts.conditions import RECORD
from tests.support.worlds import COVE, LEA, World, caller, referral

HOUR = timedelta(hours=1)


def visible(world: World, client: str = "harbor-ehr") -> int:
    return world.bridge.gate.search(caller(client), Query("ServiceRequest")).total


@pytest.mark.parametrize("fact", ["recipient_blocked", "dissent", "enrolled", "c_ferpa"])
def test_nothing_leaves_while_a_source_cannot_say(world: World, fact: str) -> None:
    world.refer([referral(1), referral(2)])
    before = visible(world)
    source_down(world.parts, LEA, fact)
    during = visible(world)
    world.clock.advance(HOUR)
    source_heard(world.parts, LEA, fact)
    assert (before, during, visible(world)) == (2, 0, 2)


def test_a_source_that_is_not_heard_of_goes_down_by_itself(world: World) -> None:
    world.refer([referral(1)])
    source_heard(world.parts, LEA, "recipient_blocked", 24 * HOUR)
    world.clock.advance(23 * HOUR)
    source_heard(world.parts, LEA, "recipient_blocked", 24 * HOUR)
    world.clock.advance(23 * HOUR)
    assert visible(world) == 1
    world.clock.advance(HOUR)
    assert visible(world) == 0


def test_every_agreement_of_the_district_is_held(lite: World) -> None:
    lite.refer([referral(1)], COVE)
    source_down(lite.parts, LEA, "dissent")
    assert visible(lite, "cove-ehr") == 0


def test_who_polls_learns_of_what_waited_for_a_source(lite: World) -> None:
    lite.refer([referral(1)])
    source_down(lite.parts, LEA, "dissent")
    change = select(RECORD.c.change).where(RECORD.c.type == "Task")
    with read(lite.bridge.engine) as connection:
        before = connection.execute(change).scalar_one()
    lite.clock.advance(HOUR)
    source_heard(lite.parts, LEA, "dissent")
    with read(lite.bridge.engine) as connection:
        assert connection.execute(change).scalar_one() > before


def test_a_guardian_sees_no_account_while_orders_cannot_be_read(lite: World) -> None:
    lite.refer([referral(1)])
    asked = (lite.parts, LEA, "1001", ("guardian", "Max Winterbourne"))
    account_for(*asked)
    source_down(lite.parts, LEA, "recipient_blocked")
    with pytest.raises(BridgeError, match="no such list for this asker"):
        account_for(*asked)


def test_the_state_of_sources_is_listed(lite: World) -> None:
    now = lite.clock.now()
    source_down(lite.parts, LEA, "dissent")
    source_heard(lite.parts, LEA, "enrolled", HOUR)
    found = {state.fact: state.unknown_from for state in sources(lite.parts, LEA)}
    assert found == {"dissent": now, "enrolled": now + HOUR}


@pytest.mark.parametrize(
    ("lea", "fact", "message"),
    [
        (LEA, "in_force", "no source outside"),
        (LEA, "dissents", "no source outside"),
        ("elsewhere", "dissent", "has no agreement"),
    ],
)
def test_what_is_no_source_is_refused(lite: World, lea: str, fact: str, message: str) -> None:
    with pytest.raises(BridgeError, match=message):
        source_down(lite.parts, lea, fact)


def test_a_source_cannot_be_good_for_no_time(lite: World) -> None:
    with pytest.raises(BridgeError, match="not for none"):
        source_heard(lite.parts, LEA, "dissent", timedelta())
