"""What a district gets back of its own stands in an order that tells nothing: row 104 of leaks."""

from dataclasses import replace
from operator import attrgetter

import pytest

from bridge.gate import release_own_referrals
from bridge.gate.own import own_referrals
from bridge.journeys.families.register_release import file_release
from tests.bridge.journeys.test_release_register import FORM
from tests.support.worlds import HARBOR, LEA, World, caller, referral


def test_a_minors_own_form_moves_no_row_of_what_the_district_gets_back(world: World) -> None:
    world.refer([referral(n) for n in (2, 10, 1)])
    school = caller("millbrook-sis")
    before = release_own_referrals(world.parts, school)
    own = {"form": "minor", "signer": "Child2", "signer_relationship": "ONESELF"}
    back = {"elements": ("status",), "purposes": ("follow",)}
    form = replace(FORM, **own, **back, recipient="lea", discloser="provider")

    assert file_release(world.parts, (LEA, HARBOR), "1002", form).facts > 0
    assert release_own_referrals(world.parts, school) == before
    made = [str(each.resources[0]["identifier"][0]["value"]) for each in before.referrals]
    assert made == ["R-1", "R-2", "R-10"]


def test_an_order_of_change_is_noticed(lite: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_referrals, "_made", attrgetter("change"))
    with pytest.raises(AssertionError):
        test_a_minors_own_form_moves_no_row_of_what_the_district_gets_back(lite)
