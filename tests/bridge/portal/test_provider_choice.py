"""Providers are shown by what the directory knows, in chance order; one alone asks for a reason."""

import re
from dataclasses import replace

import pytest

from bridge.journeys.partners.keep_service import keep_service
from mappings.fhir.healthcare_service import ACCEPTS, TRANSIT, Service
from tests.bridge.api.test_directory import post, service
from tests.bridge.portal.entering import Visitor, words
from tests.bridge.portal.test_notes import place_of
from tests.support.worlds import COVE, HARBOR, World, referral

WHY = "The family lives next door and has no car."


def described(world: World) -> None:
    """Have one provider say a lot of itself, the other little."""
    hours = [{"daysOfWeek": ["mon", "wed"], "availableEndTime": "18:00:00"}]
    spoken = [{"coding": [{"system": "urn:ietf:bcp:47", "code": "es-US"}]}]
    pays = [{"url": ACCEPTS, "valueCode": "medicaid"}, {"url": TRANSIT, "valueBoolean": False}]
    told = {"availableTime": hours, "communication": spoken, "extension": pays}
    post(world.web(), service(**told, name="100% for youth"))
    first = Service("Cove care", "capacity", None, ages=(5, 15), days=("sat",))
    accepts = ("medicaid", "no-insurance")
    keep_service(world.parts, COVE, "s1", replace(first, accepts=accepts, transit=True))


def offered(visitor: Visitor, place: str, asked: str) -> set[str]:
    page = visitor.get(f"{place}/provider?{asked}").text
    return set(re.findall(r'name="provider" value="(\w+)"', page))


def student_in(visitor: Visitor) -> str:
    """Begin a referral of a student who is 14; return the address of its pages."""
    place = visitor.answered()
    assert "2012" in visitor.get(f"{place}/student").text
    return place


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", {"harbor", "cove"}),
        ("speaks=es", {"harbor"}),
        ("speaks=pt", set()),
        ("day=mon", {"harbor"}),
        ("day=sat", {"cove"}),
        ("late=yes", {"harbor"}),
        ("late=yes&day=wed", {"harbor"}),
        ("late=yes&day=sat", set()),
        ("age=yes", {"cove"}),
        ("room=yes", {"cove"}),
        ("pays=medicaid", {"harbor", "cove"}),
        ("pays=no-insurance", {"cove"}),
        ("bus=yes", {"cove"}),
        ("room=yes&speaks=es", set()),
        ("speaks=nonsense&other=1", {"harbor", "cove"}),
    ],
)
def test_a_filter_keeps_who_says_what_was_asked_for(
    lite: World, asked: str, shown: set[str]
) -> None:
    described(lite)
    visitor = Visitor.signed_in(lite)
    place = student_in(visitor)

    assert offered(visitor, place, asked) == shown
    said = words(visitor.get(f"{place}/provider?{asked}"))
    left = 2 - len(shown)
    assert (f"{left} provider" in said) == bool(left)
    assert "100% for youth" in words(visitor.get(f"{place}/provider"))
    assert "ecommend" not in said


def test_a_filtered_page_keeps_the_chance_order_and_its_address_names_nobody(lite: World) -> None:
    described(lite)
    visitor = Visitor.signed_in(lite)
    orders = set()
    for _ in range(12):
        page = visitor.get(f"{visitor.begun()}/provider?day=").text
        orders.add(page.index('value="harbor"') < page.index('value="cove"'))

    assert orders == {True, False}
    page = visitor.get(f"{student_in(visitor)}/provider?age=yes").text
    names = "speaks day late age pays bus room"
    assert re.findall(r'<select id="(\w+)"', page) == names.split()
    assert "2012" not in page


def test_a_single_provider_asks_for_a_reason_that_stays_with_the_school(world: World) -> None:
    world.refer([referral(7)], "cove")  # so that the student is on the roster
    described(world)
    visitor = Visitor.signed_in(world)
    place = visitor.answered()
    only = {"provider": "harbor", "speaks": "es"}

    assert visitor.post(f"{place}/provider", **only).status_code == 422
    assert "one provider is offered" in words(visitor.post(f"{place}/provider", **only))
    assert visitor.post(f"{place}/provider", **only, why_single=WHY).status_code == 303
    assert WHY in words(visitor.get(f"{place}/check"))
    assert visitor.send(place).status_code == 303

    page = visitor.get(place_of(visitor, "P-")).text
    assert f"Why only one provider was offered: {WHY}" in page
    assert "Internal: your own staff alone" in page
    web = world.web()
    for kind in ("ServiceRequest", "Task", "Communication"):
        assert WHY not in web.get(f"/fhir/{kind}").text


def test_choosing_among_several_after_all_keeps_no_reason(lite: World) -> None:
    described(lite)
    visitor = Visitor.signed_in(lite)
    place = visitor.answered()
    visitor.post(f"{place}/provider", provider="harbor", speaks="es", why_single=WHY)

    visitor.post(f"{place}/provider", provider="cove")

    assert WHY not in words(visitor.get(f"{place}/check"))


def test_a_wrong_answer_keeps_what_was_asked_for(lite: World) -> None:
    described(lite)
    visitor = Visitor.signed_in(lite)
    place = visitor.begun()

    page = visitor.post(f"{place}/provider", day="sat", language="es").text

    assert '<option value="sat" selected>' in page
    assert 'name="day" value="sat"' in page
    assert HARBOR not in re.findall(r'name="provider" value="(\w+)"', page)
