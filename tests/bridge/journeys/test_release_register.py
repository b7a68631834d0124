"""Signed forms in the register. All people made up."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from bridge.errors import BridgeError
from bridge.journeys.families.guardian_blocks import Order, lift_order, record_order
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.families.register_release import BLOCKED, HELD, file_release
from bridge.ledger.entry import Kind
from bridge.ledger.lookup import entries
from bridge.store.database.engine import read
from bridge.store.facts.conditions import EVIDENCE
from consent.signed_release import SignedRelease
from tests.support.worlds import HARBOR, LEA, World, caller, referral

FORM = SignedRelease(
    form="education",
    answer="signed",
    recorded_at=datetime(2026, 9, 2, tzinfo=UTC),
    birth_date=date(2000, 1, 1),  # the register knows better
    signer="Max Winterbourne",
    signer_relationship="FTH",
    signed_on=date(2026, 9, 1),
    elements=("referral",),
    purposes=("refer",),
    recipient="provider",
)
PARTIES = (LEA, HARBOR)


def sees(world: World, number: str = "R-1") -> bool:
    request = world.id_of("ServiceRequest", number)
    return world.bridge.gate.read(caller(), "ServiceRequest", request) is not None


def student(world: World, local_id: str = "1001") -> str:
    return world.bridge.identifiers.issue("student", LEA, local_id)


def test_a_form_that_comes_later_opens_the_referral_and_a_poller_learns_of_it(
    world: World,
) -> None:
    world.refer([referral(1, releases=())])
    assert not sees(world)
    filed = file_release(world.parts, PARTIES, "1001", FORM)
    assert (filed.new, filed.met, filed.notes) == (True, ("ferpa",), ())
    assert "expiry" in filed.missing["health"]
    assert sees(world)
    assert not file_release(world.parts, PARTIES, "1001", FORM).new


def test_the_birth_date_is_the_rosters_and_never_the_forms(lite: World) -> None:
    lite.refer([referral(1, releases=())])
    adult = replace(FORM, signer_relationship="ONESELF", birth_date=date(2000, 1, 1))
    filed = file_release(lite.parts, PARTIES, "1001", adult)
    assert "ferpa" not in filed.met
    assert not sees(lite)


def test_a_guardians_form_ends_at_local_midnight_of_the_18th_birthday(world: World) -> None:
    born = {"birth_date": date(2008, 11, 15)}
    world.refer([referral(1, releases=(), student=born)])
    file_release(world.parts, PARTIES, "1001", FORM)
    world.clock.instant = datetime(2026, 11, 15, 4, 59, 59, tzinfo=UTC)
    assert sees(world)
    world.clock.instant = datetime(2026, 11, 15, 5, tzinfo=UTC)
    assert not sees(world)


def test_guardians_who_disagree_are_held_and_the_register_says_by_whose_choice(
    world: World,
) -> None:
    world.refer([referral(1, releases=())])
    file_release(world.parts, PARTIES, "1001", FORM)
    refused = replace(FORM, answer="refused", signer="Ann Winterbourne", signer_relationship="MTH")
    filed = file_release(world.parts, PARTIES, "1001", refused)
    assert filed.notes == (HELD,)
    assert not sees(world)
    assert revoke_release(world.parts, filed.id)
    assert sees(world)


def test_a_guardian_whom_a_court_order_blocks_signs_in_vain(world: World) -> None:
    world.refer([referral(1, releases=())])
    record_order(world.parts, student(world), Order(guardian="max  WINTERBOURNE"))
    filed = file_release(world.parts, PARTIES, "1001", FORM)
    assert (filed.met, filed.facts, filed.notes) == (("ferpa",), 0, (BLOCKED,))
    assert not sees(world)
    other = replace(FORM, signer="Ann Winterbourne", signer_relationship="MTH")
    assert file_release(world.parts, PARTIES, "1001", other).facts > 0
    assert sees(world)


def test_an_order_ends_what_the_guardian_had_signed_before(world: World) -> None:
    world.refer([referral(1)])
    assert sees(world)
    order, ended = record_order(world.parts, student(world), Order(guardian="Max Winterbourne"))
    assert ended > 0
    assert not sees(world)
    assert lift_order(world.parts, student(world), order)
    assert not sees(world)  # a form that ended must be signed anew


def test_an_order_against_a_party_stops_everything_to_it_for_as_long_as_it_holds(
    world: World,
) -> None:
    world.refer([referral(1), referral(2)])
    until = world.clock.now() + timedelta(days=2)
    order = Order(party="provider", valid_to=until, source="safety-flag")
    assert record_order(world.parts, student(world), order)[1] == 0
    assert (sees(world), sees(world, "R-2")) == (False, True)
    world.clock.advance(timedelta(days=2))
    assert sees(world)


def test_no_name_of_a_blocked_guardian_is_kept_with_the_order(lite: World) -> None:
    lite.refer([referral(1)])
    record_order(lite.parts, student(lite), Order(guardian="Max Winterbourne"))
    with read(lite.bridge.engine) as connection:
        rows = connection.execute(select(EVIDENCE).where(EVIDENCE.c.fact == "recipient_blocked"))
        (row,) = rows.all()
    assert "inter" not in str(tuple(row)).casefold()
    assert row.source_id.startswith("order/")


def test_a_revocation_stands_in_the_ledger_once(world: World) -> None:
    world.refer([referral(1, releases=())])
    filed = file_release(world.parts, PARTIES, "1001", FORM)
    assert revoke_release(world.parts, filed.id)
    assert not revoke_release(world.parts, filed.id)
    with read(world.bridge.engine) as connection:
        found = [e.entry for e in entries(connection, world.agreement)]
    assert [(e.kind, e.evidence) for e in found] == [(Kind.REVOCATION, (filed.id,))]


@pytest.mark.parametrize(
    ("parties", "local_id"), [((LEA, "nobody"), "1001"), ((LEA, HARBOR), "9999")]
)
def test_a_form_of_nobody_we_know_is_refused(
    lite: World, parties: tuple[str, str], local_id: str
) -> None:
    lite.refer([referral(1)])
    with pytest.raises(BridgeError) as raised:
        file_release(lite.parts, parties, local_id, FORM)
    assert local_id not in str(raised.value)
