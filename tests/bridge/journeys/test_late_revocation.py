"""A revocation entered today that was made last week: two clocks, and notices to everybody."""

from datetime import date, datetime, timedelta

import pytest

from bridge.errors import BridgeError
from bridge.gate import Query
from bridge.gate.accounts.replay import replay_log
from bridge.journeys.families.recall_releases import all_recalls
from bridge.journeys.families.record_releases import revoke_release
from bridge.store.database.engine import read
from bridge.store.facts.conditions import Scope
from bridge.store.facts.evidence import evidence_of
from bridge.store.facts.held_facts import RecordFacts
from tests.support.worlds import LEA, World, caller, form_education, referral

DAY = timedelta(days=1)


def form_id(world: World) -> str:
    request_id = world.id_of("ServiceRequest", "R-1")
    return world.bridge.identifiers.issue("release", request_id, "education")


def pull(world: World, client: str = "harbor-ehr") -> None:
    world.bridge.gate.search(caller(client), Query("ServiceRequest"))


def notices(world: World) -> dict[tuple[str, str], tuple[int, ...]]:
    return {
        (recall.recipient, recall.reason): tuple(i for line in recall.lines for i in line.indexes)
        for recall in all_recalls(world.parts)
    }


def test_what_went_out_after_a_revocation_entered_late_is_recalled_apart(world: World) -> None:
    world.refer([referral(1)])
    pull(world)
    world.clock.advance(3 * DAY)
    revoked = world.clock.now()
    world.clock.advance(2 * DAY)
    pull(world)
    world.clock.advance(2 * DAY)
    assert revoke_release(world.parts, form_id(world), revoked)
    assert notices(world) == {
        ("harbor", "revoked"): (0,),
        ("harbor", "revoked-before-release"): (1,),
    }


def test_every_recipient_in_between_is_told_though_the_agreement_asks_for_no_notice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.journeys.families.record_releases._asks_recall", lambda *_: False)
    world.refer([referral(1)])
    revoked = world.clock.now()
    world.clock.advance(DAY)
    pull(world)
    world.bridge.gate.search(caller(), Query("Patient"))
    world.clock.advance(DAY)
    revoke_release(world.parts, form_id(world), revoked)
    assert notices(world) == {("harbor", "revoked-before-release"): (1, 0)}


def knows(world: World, at: datetime, known_at: datetime) -> bool:
    """Whether the consent held at one instant, as it was known at another."""
    student = world.bridge.identifiers.issue("student", LEA, "1001")
    scope = Scope(world.agreement, "referral.reason", "refer", "provider", {})
    about = RecordFacts("r", student, "", third_party=False, minor=True)
    with read(world.bridge.engine) as connection:
        view = evidence_of(connection, {student}, at, known_at)
    return "c_ferpa" in view.true_facts(["c_ferpa"], scope, about)[0]


def test_both_clocks_are_kept(world: World) -> None:
    world.refer([referral(1)])
    start = world.clock.now()
    world.clock.advance(7 * DAY)
    entered = world.clock.now()
    revoke_release(world.parts, form_id(world), start + 3 * DAY)
    before, between = start + DAY, start + 5 * DAY
    assert knows(world, between, between)  # why it went then
    assert not knows(world, between, entered)  # that it should not have gone
    assert knows(world, before, entered)  # and that what went before the revocation was right
    assert not knows(world, entered, entered)


def test_a_decision_taken_in_between_is_still_replayed_exactly(lite: World) -> None:
    lite.refer([referral(1)])
    revoked = lite.clock.now()
    lite.clock.advance(DAY)
    pull(lite)
    revoke_release(lite.parts, form_id(lite), revoked)
    with read(lite.bridge.engine) as connection:
        replays = list(replay_log(connection, lite.agreement))
    assert [each.differences for each in replays] == [()]


def test_a_revocation_entered_at_once_recalls_everything_for_one_reason(lite: World) -> None:
    lite.refer([referral(1)])
    pull(lite)
    revoke_release(lite.parts, form_id(lite), lite.clock.now())
    assert notices(lite) == {("harbor", "revoked"): (0,)}


def test_a_day_to_come_and_a_day_before_the_signature_are_refused(lite: World) -> None:
    lite.refer([referral(1, releases=(form_education(signed_on=date(2026, 10, 1)),))])
    for day in (lite.clock.now() + DAY, lite.clock.now() - 20 * DAY):
        with pytest.raises(BridgeError):
            revoke_release(lite.parts, form_id(lite), day)
    assert all_recalls(lite.parts) == []
