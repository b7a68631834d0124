"""An agreement that wants every guardian's signature, seen from the provider's side of the gate."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from bridge.errors import BridgeError
from bridge.gate import Query
from bridge.journeys.families.guardian_blocks import Order, lift_order, record_order
from bridge.journeys.families.joint_consent import WAITS
from bridge.journeys.families.recall_releases import all_recalls
from bridge.journeys.families.record_guardians import (
    Guardian,
    add_guardian,
    end_guardian,
    guardians,
)
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.families.register_release import HELD, Filed, file_release
from bridge.journeys.running.amend_agreement import amend_agreement
from bridge.journeys.running.set_up import AgreementDocuments
from consent.mou import shipped_document
from tests.bridge.journeys.test_release_register import FORM, sees, student
from tests.support.worlds import HARBOR, HUB, LEA, World, caller, make_world, referral

PARTIES = (LEA, HARBOR)
BOTH = ("education", "health")
FATHER = Guardian("Max Winterbourne", "FTH", BOTH, date(2020, 1, 1), "roster")
MOTHER = Guardian("Ann Winterbourne", "MTH", BOTH, date(2020, 1, 1), "roster")
BY_MOTHER = {"signer": "Ann Winterbourne", "signer_relationship": "MTH"}
ALL = {"guardians_disagree: hold": "guardians_disagree: all_must_sign"}
ANY = {"guardians_disagree: hold": "guardians_disagree: any_one_signs"}


@pytest.fixture
def strict(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A bridge whose agreements want every guardian's signature, once on each database."""
    made = make_world(database_url, tmp_path, edit=ALL)
    made.refer([referral(1, releases=())])
    yield made
    made.bridge.engine.dispose()


def know(world: World, *known: Guardian) -> None:
    for guardian in known:
        add_guardian(world.parts, LEA, "1001", guardian)


def file(world: World, **changes: object) -> Filed:
    return file_release(world.parts, PARTIES, "1001", replace(FORM, **changes))


def test_one_signature_of_two_opens_nothing_and_the_second_opens(strict: World) -> None:
    know(strict, FATHER, MOTHER)
    filed = file(strict)
    assert (filed.met, filed.facts, filed.notes, sees(strict)) == (("ferpa",), 0, (WAITS,), False)
    before = strict.bridge.gate.search(caller(), Query("ServiceRequest"))
    assert before.total == 0
    second = file(strict, **BY_MOTHER)
    assert (second.facts > 0, second.notes, sees(strict)) == (True, (), True)
    after = strict.bridge.gate.search(caller(), Query("ServiceRequest"))
    assert (after.total, after.last_change > before.last_change) == (1, True)


def test_where_the_register_knows_nobody_nothing_opens(strict: World) -> None:
    assert (file(strict).notes, sees(strict)) == ((WAITS,), False)
    know(strict, FATHER)
    assert sees(strict)


def test_a_form_that_comes_with_the_referral_waits_like_any_other(strict: World) -> None:
    strict.refer([referral(2)])
    assert not sees(strict, "R-2")
    add_guardian(strict.parts, LEA, "1002", FATHER)
    assert sees(strict, "R-2")


def test_one_who_takes_it_back_closes_for_all_and_both_forms_are_recalled_by_it(
    strict: World,
) -> None:
    know(strict, FATHER, MOTHER)
    first, second = file(strict), file(strict, **BY_MOTHER)
    assert sees(strict)
    strict.clock.advance(timedelta(days=1))
    assert revoke_release(strict.parts, second.id)
    assert not sees(strict)
    assert [(r.reason, r.source_id) for r in all_recalls(strict.parts)] == [("revoked", second.id)]
    strict.clock.advance(timedelta(days=1))
    again = file(strict, **BY_MOTHER, signed_on=date(2026, 10, 16))
    assert (again.new, sees(strict)) == (True, True)
    assert revoke_release(strict.parts, first.id)
    assert not sees(strict)


def test_a_refusal_after_all_had_signed_closes_until_it_is_taken_back(strict: World) -> None:
    know(strict, FATHER, MOTHER)
    file(strict)
    file(strict, **BY_MOTHER)
    refused = file(strict, **BY_MOTHER, answer="refused", signed_on=date(2026, 10, 1))
    assert not sees(strict)
    strict.clock.advance(timedelta(days=1))
    assert revoke_release(strict.parts, refused.id)
    assert sees(strict)


def test_a_guardian_entered_later_closes_from_then_on_and_recalls_what_lacked_a_signature(
    strict: World,
) -> None:
    know(strict, FATHER)
    filed = file(strict)
    assert sees(strict)
    strict.clock.advance(timedelta(days=1))
    know(strict, MOTHER)
    assert not sees(strict)
    found = [(r.reason, r.source_id) for r in all_recalls(strict.parts)]
    assert found == [("defective", filed.id)]
    strict.clock.advance(timedelta(days=1))
    file(strict, **BY_MOTHER)
    assert sees(strict)


def test_an_authority_that_begins_today_closes_and_recalls_nothing_of_before(
    strict: World,
) -> None:
    know(strict, FATHER)
    file(strict)
    assert sees(strict)
    strict.clock.advance(timedelta(days=2))
    know(strict, replace(MOTHER, first_day=strict.clock.now().date()))
    assert (sees(strict), all_recalls(strict.parts)) == (False, [])


def test_an_authority_that_ends_is_asked_for_no_more(strict: World) -> None:
    know(strict, FATHER, MOTHER)
    file(strict)
    assert not sees(strict)
    (hers,) = (g for g in guardians(strict.parts, LEA, "1001") if g.relationship == "MTH")
    strict.clock.advance(timedelta(days=1))
    ended = (hers.id, date(2026, 10, 14), "court-order")
    assert end_guardian(strict.parts, LEA, "1001", ended) == 0
    assert sees(strict)


def test_an_order_against_one_closes_for_all_and_lifting_it_opens_nothing(strict: World) -> None:
    know(strict, FATHER, MOTHER)
    file(strict)
    file(strict, **BY_MOTHER)
    assert sees(strict)
    strict.clock.advance(timedelta(days=1))
    order, _ = record_order(strict.parts, student(strict), Order(guardian="Max Winterbourne"))
    assert not sees(strict)
    strict.clock.advance(timedelta(days=1))
    assert lift_order(strict.parts, student(strict), order)
    know(strict, replace(MOTHER, source="affidavit"))
    assert not sees(strict)
    strict.clock.advance(timedelta(days=1))
    file(strict, signed_on=date(2026, 10, 17))
    assert sees(strict)


def test_forms_that_overlap_open_what_both_cover(strict: World) -> None:
    know(strict, FATHER, MOTHER)
    file(strict)
    file(strict, **BY_MOTHER, purposes=("follow",))
    assert not sees(strict)


def test_an_amendment_cannot_change_who_must_sign(strict: World) -> None:
    template, agreement = map(shipped_document, ("xx-smh-template", "millbrook-harbor-2026"))
    amended = AgreementDocuments(template, agreement, "US-XX", LEA, HARBOR, HUB)
    with pytest.raises(BridgeError, match="an amendment keeps who must sign"):
        amend_agreement(strict.parts, amended)


def test_where_any_one_signs_one_signature_opens_and_a_refusal_on_file_is_obeyed(
    database_url: str, tmp_path: Path
) -> None:
    world = make_world(database_url, tmp_path, edit=ANY)
    world.refer([referral(1, releases=())])
    know(world, FATHER, MOTHER)
    file(world)
    assert sees(world)
    refused = file(world, **BY_MOTHER, answer="refused")
    assert (refused.notes, sees(world)) == ((HELD,), False)
    world.bridge.engine.dispose()
