"""Whatever staff may do, they find the way to it from their list by links and buttons alone."""

import re
from html import unescape

import pytest

from tests.bridge.portal.entering import Visitor, words
from tests.support.worlds import World, referral

EVERYBODY = {
    *("/portal/board", "/portal/board.csv", "/portal/board.xlsx", "/portal/help"),
    *("/portal/meeting", "/portal/refer", "/portal/forms", "/portal/forms/*/*"),
    *(f"/portal/forms/*/*/{what}" for what in ("paper", "verbal", "ask", "blank-en", "blank-es")),
    *("/portal/referral/*", "/portal/referral/*/note", "/portal/referral/*/owner"),
    "/portal/referral/*/withdraw",
}
LEADS = {
    *("/portal/import", "/portal/same", "/portal/looked", "/portal/close-out"),
    "/portal/close-out/unanswered",
}
_KEYS = re.compile(r"/(?:[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f-]{27}|harbor)(?=/|$)")


def reached(visitor: Visitor) -> set[str]:
    """Follow every link from the list on; return the places found, keys written as stars."""
    found, ahead = set[str](), ["/portal/board?show=all"]
    while ahead:
        place = ahead.pop()
        path = _KEYS.sub("/*", place.partition("?")[0])
        if path in found:
            continue
        answer = visitor.get(place)
        assert answer.status_code == 200, place
        found.add(path)
        if answer.headers["content-type"].startswith("text/html"):
            main = answer.text
            ahead += [unescape(each) for each in re.findall(r'href="(/portal/[^"#]*)"', main)]
    return found


@pytest.mark.parametrize(
    ("role", "finds", "not_his"),
    [
        ("counselor", EVERYBODY, LEADS),
        ("referral_coordinator", EVERYBODY | LEADS, set[str]()),
    ],
)
def test_staff_find_every_page_of_theirs_by_links(
    lite: World, role: str, finds: set[str], not_his: set[str]
) -> None:
    lite.refer([referral(0)])
    found = reached(Visitor.signed_in(lite, role=role))
    assert finds - found == set()
    assert found & not_his == set()


def test_a_referral_leads_to_the_forms_of_its_family(lite: World) -> None:
    """39 of 100 referrals of one state ended with a permission that was lost."""
    lite.refer([referral(0, releases=()), referral(1)])
    visitor = Visitor.signed_in(lite)
    for key in set(re.findall(r"/portal/referral/[0-9a-f]{32}", visitor.get("/portal/board").text)):
        page = visitor.get(key)
        (number,) = re.findall(r"R-\d", words(page))[:1]
        (place,) = set(re.findall(r"/portal/forms/[^\"]+", page.text))
        told = words(visitor.get(place))
        assert f"Student number : {int(number[2:]) + 1000}" in told.replace("number:", "number :")


def test_who_may_see_no_forms_is_shown_no_way_to_them(lite: World) -> None:
    lite.refer([referral(0)])
    board = Visitor.signed_in(lite, role="teacher").get("/portal/board")
    assert "/portal/forms" not in board.text
