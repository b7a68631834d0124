"""Who of the school follows up on a referral, and when: chosen by who may, seen by the school."""

import re
from datetime import timedelta

from sqlalchemy import text

from bridge.store.database.engine import read
from tests.bridge.portal.entering import Visitor, words
from tests.bridge.portal.test_board import GUARDIAN, MINOR, answered, rows
from tests.bridge.portal.test_notes import place_of
from tests.support.worlds import World, referral

DAY = {"follow_up_on-month": "10", "follow_up_on-day": "19", "follow_up_on-year": "2026"}


def lead_of(world: World) -> Visitor:
    return Visitor.signed_in(world, "lead-1", role="referral_coordinator")


def number_in(visitor: Visitor, show: str) -> list[str]:
    return numbers_on(visitor, f"/portal/board?show={show}")


def numbers_on(visitor: Visitor, place: str) -> list[str]:
    page = visitor.get(place).text
    return re.findall(r"<br>(R-\d+|P-[0-9A-F]{10})</th>", page)


def said_of(visitor: Visitor, place: str) -> str:
    found = words(visitor.get(place))
    return found.partition("Follow-up at the school ")[2].partition(" Only your own")[0]


def test_who_enters_a_referral_follows_up_on_it_and_finds_it_under_mine(world: World) -> None:
    world.refer([referral(7)], "cove")  # so that the student is on the roster
    visitor = Visitor.signed_in(world)
    sent = visitor.answered()
    visitor.send(sent)

    assert [number[0] for number in number_in(visitor, "mine")] == ["P"]
    assert number_in(visitor, "no-owner") == ["R-7"]
    assert number_in(Visitor.signed_in(world, "two"), "mine") == []
    assert "Mine (1)" in words(visitor.get("/portal/board"))
    assert "Nobody follows up (1)" in words(visitor.get("/portal/board"))


def test_the_board_opens_with_ones_own_and_with_all_where_there_is_none(world: World) -> None:
    world.refer([referral(1), referral(2)])
    one, two = Visitor.signed_in(world), Visitor.signed_in(world, "two")
    before = words(one.get("/portal/board"))
    assert numbers_on(one, "/portal/board") == ["R-1", "R-2"]
    assert "have nobody who follows up" not in before

    one.post(f"{place_of(one)}/owner", owner="one")

    assert numbers_on(one, "/portal/board") == ["R-1"]
    assert 'aria-current="page">Mine (1)' in one.get("/portal/board").text
    assert "1 referral has nobody who follows up. Show them" in words(one.get("/portal/board"))
    assert numbers_on(one, "/portal/board?show=all") == ["R-1", "R-2"]
    assert numbers_on(two, "/portal/board") == ["R-1", "R-2"]


def test_what_is_nobodys_anybody_takes_and_the_owner_hands_it_on(world: World) -> None:
    world.refer([referral(1)])
    one, two = (Visitor.signed_in(world, handle) for handle in ("one", "two"))
    place = place_of(one)
    two.get(place)  # so that the district knows this person

    assert one.post(f"{place}/owner", owner="one", **DAY).headers["location"] == place
    assert said_of(one, place) == "You, Oct 19, 2026 Change who follows up"
    assert said_of(two, place).startswith("one")
    assert two.get(f"{place}/owner").status_code == 404
    assert two.post(f"{place}/owner", owner="two").status_code == 404
    assert number_in(one, "mine") == ["R-1"]

    assert one.post(f"{place}/owner", owner="two").status_code == 303

    assert (number_in(one, "mine"), number_in(two, "mine")) == ([], ["R-1"])
    with read(world.bridge.engine) as connection:
        kept = connection.execute(text("SELECT who, owner, turn FROM follow_owner ORDER BY turn"))
        assert [tuple(row) for row in kept] == [("staff:one", "one", 1), ("staff:one", "two", 2)]


def test_who_leads_gives_any_referral_to_anybody_of_the_staff_and_to_nobody_else(
    world: World,
) -> None:
    world.refer([referral(1)])
    one, lead = Visitor.signed_in(world), lead_of(world)
    elsewhere = Visitor.signed_in(world, "stranger", district="elsewhere")
    elsewhere.get("/portal/board")
    place = place_of(one)
    one.post(f"{place}/owner", owner="one")

    assert lead.post(f"{place}/owner", owner="lead-1").status_code == 303
    assert number_in(lead, "mine") == ["R-1"]
    assert lead.post(f"{place}/owner", owner="stranger").status_code == 422
    assert elsewhere.get(f"{place}/owner").status_code == 404
    assert lead.post(f"{place}/owner", owner="-").status_code == 303
    assert number_in(one, "no-owner") == ["R-1"]


def test_the_day_to_follow_up_makes_it_something_to_do(world: World) -> None:
    world.refer([referral(0)])
    answered(world, 0, "accepted", GUARDIAN)
    visitor = Visitor.signed_in(world)
    place = place_of(visitor, "R-0")
    visitor.post(f"{place}/owner", owner="one", **DAY)
    before = number_in(visitor, "act")
    world.clock.advance(timedelta(days=4))
    visitor = Visitor.signed_in(world)

    assert (before, number_in(visitor, "act")) == ([], ["R-0"])
    assert "The day to follow up has come" in words(visitor.get("/portal/board"))


def test_a_day_that_is_over_is_not_taken_and_the_same_again_adds_nothing(world: World) -> None:
    world.refer([referral(1)])
    visitor = Visitor.signed_in(world)
    place = place_of(visitor)
    over = {**DAY, "follow_up_on-day": "1"}

    assert "still to come" in words(visitor.post(f"{place}/owner", owner="one", **over))
    assert visitor.post(f"{place}/owner").status_code == 422
    for _ in range(2):
        assert visitor.post(f"{place}/owner", owner="one", **DAY).status_code == 303
    assert world.counts()["follow_owner"] == 1
    assert 'value="19"' in visitor.get(f"{place}/owner").text


def test_the_meeting_says_who_and_when_and_leaves_room_where_nobody_does(world: World) -> None:
    world.refer([referral(0), referral(1)])
    visitor = Visitor.signed_in(world)
    visitor.post(f"{place_of(visitor)}/owner", owner="one", **DAY)

    page = visitor.get("/portal/meeting").text

    assert len(re.findall(r'until">You, Oct 19, 2026</td>', page)) == 1
    assert page.count("____________") == 1


def test_no_provider_reads_who_follows_up(world: World) -> None:
    world.refer([referral(1)])
    visitor = Visitor.signed_in(world, "handle-of-ours")
    web = world.web()
    before = [r for kind in ("Task", "ServiceRequest") for r in web.found(f"/fhir/{kind}")]

    visitor.post(f"{place_of(visitor)}/owner", owner="handle-of-ours", **DAY)

    after = [r for kind in ("Task", "ServiceRequest") for r in web.found(f"/fhir/{kind}")]
    assert after == before
    assert "handle-of-ours" in visitor.get(place_of(visitor) + "/owner").text
    assert "handle-of-ours" not in visitor.get("/portal/board.csv").text


def test_a_minor_treated_alone_changes_nothing_of_whose_it_is(world: World) -> None:
    world.refer([referral(0), referral(1)])
    visitor = Visitor.signed_in(world)
    place = place_of(visitor)
    visitor.post(f"{place}/owner", owner="one", **DAY)
    places = (f"{place}/owner", place, "/portal/board?show=mine", "/portal/board?show=no-owner")
    before = [visitor.get(each).content for each in places]

    answered(world, 0, "rejected", MINOR)
    answered(world, 1, "rejected", MINOR)

    assert [visitor.get(each).content for each in places] == before
    assert rows(visitor.get("/portal/board?show=mine").text)
