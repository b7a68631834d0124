"""Emergencies, and what people clear by hand. All people made up."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bridge.errors import BridgeError
from bridge.identity import Caller, Party, Standing, read_scopes
from bridge.journeys.families.emergencies import declare_emergency, review_emergency, tell_guardian
from bridge.journeys.running.clear_review import clear_review, withdraw_review
from bridge.ledger.lookup import entries
from bridge.store.database.engine import read
from bridge.store.facts.emergencies import KeptEmergency, owed
from consent.emergencies import Declaration
from tests.support.worlds import HARBOR, LEA, World, caller, referral

THREAT = "made-up threat of tonight"
PARTIES = (LEA, HARBOR)
REVIEWER = "lea.administrator"


def declare(world: World, **changes: Any) -> KeptEmergency:  # noqa: ANN401 - parts of it
    now = world.clock.now()
    elements = ("student.name", "referral.reason")
    declared = Declaration(THREAT, "provider", elements, "lea.counselor", now, now)
    return declare_emergency(world.parts, PARTIES, "1001", replace(declared, **changes))


def clinician() -> Caller:
    scopes = read_scopes("system/*.rs")
    return Caller("night", Standing(Party.PROVIDER, HARBOR, "", "intake", ("emergency",), scopes))


def told(world: World) -> bool:
    request = world.id_of("ServiceRequest", "R-1")
    return world.bridge.gate.read(clinician(), "ServiceRequest", request) is not None


def everyday(world: World) -> bool:
    request = world.id_of("ServiceRequest", "R-1")
    return world.bridge.gate.read(caller(), "ServiceRequest", request) is not None


def test_an_emergency_opens_for_24_hours_and_ends_by_itself(world: World) -> None:
    world.refer([referral(1, releases=())])
    assert not told(world)
    declare(world)
    assert told(world)
    assert not everyday(world)  # the everyday purpose stays shut
    world.clock.advance(timedelta(hours=24))
    assert not told(world)


def test_a_review_is_owed_until_done_and_the_guardian_until_told(world: World) -> None:
    world.refer([referral(1, releases=())])
    kept = declare(world)
    assert kept.review_due - kept.declared_at == timedelta(hours=72)
    with read(world.bridge.engine) as connection:
        assert [e.id for e in owed(connection)] == [kept.id]
    assert review_emergency(world.parts, kept.id, REVIEWER, upheld=True)
    assert not review_emergency(world.parts, kept.id, REVIEWER, upheld=False)
    assert told(world)
    assert tell_guardian(world.parts, kept.id)
    assert not tell_guardian(world.parts, kept.id)
    with read(world.bridge.engine) as connection:
        assert owed(connection) == []


def test_a_declaration_that_is_not_upheld_ends_at_once(world: World) -> None:
    world.refer([referral(1, releases=())])
    kept = declare(world)
    assert told(world)
    assert review_emergency(world.parts, kept.id, REVIEWER, upheld=False)
    assert not told(world)
    assert not review_emergency(world.parts, "no-such-declaration", REVIEWER, upheld=True)


def test_the_ledger_knows_of_the_declaration_and_not_of_the_threat(world: World) -> None:
    world.refer([referral(1, releases=())])
    kept = declare(world)
    told(world)
    with read(world.bridge.engine) as connection:
        found = [e.entry for e in entries(connection, world.agreement)]
    assert [e.kind for e in found] == ["evidence", "release"]
    assert found[1].evidence == (kept.id,)
    assert THREAT not in str(found)


@pytest.mark.parametrize(
    "change",
    [{"threat": ""}, {"declared_by": "hub.loader"}, {"elements": ("student.contact",)}],
    ids=["no-threat", "not-allowed", "no-flow"],
)
def test_a_faulty_declaration_is_refused_without_repeating_it(
    lite: World, change: dict[str, Any]
) -> None:
    lite.refer([referral(1, releases=())])
    with pytest.raises(BridgeError) as raised:
        declare(lite, **change)
    assert THREAT not in str(raised.value)
    assert not told(lite)


def notes(world: World) -> bool:
    request = world.id_of("ServiceRequest", "R-1")
    found = world.bridge.gate.read(caller(), "ServiceRequest", request)
    return found is not None and b"Cries in class" in found.body


def test_free_text_leaves_once_a_person_read_it_and_cleared_who_else_it_names(
    world: World,
) -> None:
    world.refer([referral(1)])
    request = world.id_of("ServiceRequest", "R-1")
    assert clear_review(world.parts, request, "referral.note", "human_reviewed")
    assert not notes(world)
    assert clear_review(world.parts, request, "referral.note", "third_party_cleared")
    assert notes(world)
    assert withdraw_review(world.parts, request, "referral.note", "third_party_cleared")
    assert not notes(world)


def test_a_review_of_one_referral_or_element_clears_no_other(lite: World) -> None:
    lite.refer([referral(1)])
    request = lite.id_of("ServiceRequest", "R-1")
    clear_review(lite.parts, request, "school.supports", "human_reviewed")
    clear_review(lite.parts, request, "referral.note", "third_party_cleared")
    assert not notes(lite)
    with pytest.raises(BridgeError):
        clear_review(lite.parts, "nothing", "referral.note", "human_reviewed")
    with pytest.raises(BridgeError):
        clear_review(lite.parts, request, "referral.note", "c_ferpa")
