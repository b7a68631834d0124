"""A team's meeting: what is new, what changed, what is late; nothing a member's board hides."""

import re
from datetime import date, timedelta
from io import BytesIO

import pikepdf
import pytest

from bridge.portal.meeting import initials
from tests.bridge.portal.entering import Visitor, words
from tests.support.pdf_text import text_of
from tests.support.worlds import CARE_CONSENT, World, put_task, referral


def answered(world: World, number: int, care: str) -> None:
    web = world.web()
    task = web.get(f"/fhir/Task/{world.id_of('Task', f'R-{number}')}").json()
    said = [{"url": CARE_CONSENT, "valueCode": care}]
    assert put_task(web, task, "accepted", extension=said).status_code == 200


def met(world: World) -> None:
    """One referral of today, one that was accepted today, one without an answer for weeks."""
    today = date(2026, 10, 15)
    world.refer([referral(0, authored_on=today), referral(1), referral(2)])
    answered(world, 1, "guardian")


def parts(page: str) -> dict[str, list[str]]:
    """Return the numbers of referrals under each heading."""
    found = re.split(r"<h2>(New|Changed|Something to do)", page)[1:]
    return {
        title: re.findall(r"R-\d+", text)
        for title, text in zip(found[::2], found[1::2], strict=True)
    }


def test_a_team_sees_what_is_new_what_changed_and_what_is_late(world: World) -> None:
    met(world)

    page = Visitor.signed_in(world).get("/portal/meeting").text

    assert parts(page) == {"New": ["R-0"], "Changed": ["R-1"], "Something to do": ["R-2"]}
    assert "Since October 8, 2026." in words(Visitor.signed_in(world).get("/portal/meeting"))


def test_a_longer_time_shows_more(world: World) -> None:
    met(world)
    world.clock.advance(timedelta(days=10))
    visitor = Visitor.signed_in(world)

    assert parts(visitor.get("/portal/meeting?days=7").text)["New"] == []
    assert parts(visitor.get("/portal/meeting?days=14").text)["New"] == ["R-0"]
    assert visitor.get("/portal/meeting?days=8").status_code == 404


def test_initials_and_the_number_stand_for_a_name_where_that_is_asked(world: World) -> None:
    met(world)

    page = Visitor.signed_in(world).get("/portal/meeting?names=short").text

    assert "Winterbourne" not in page
    assert ">C. W.</a>" in page
    assert initials("María José  Díaz") == "M. J. D."


def test_a_minor_treated_alone_changes_nothing_of_it(world: World) -> None:
    met(world)
    visitor = Visitor.signed_in(world)
    before = visitor.get("/portal/meeting").content

    answered(world, 2, "minor")
    answered(world, 0, "minor")

    assert visitor.get("/portal/meeting").content == before


@pytest.mark.parametrize(
    ("size", "long", "said"), [("letter", 792, "Winterbourne"), ("A4", 842, "C. W.")]
)
def test_it_is_printed_as_a_tagged_pdf_with_names_or_initials(
    lite: World, size: str, long: int, said: str
) -> None:
    met(lite)
    visitor = Visitor.signed_in(lite)
    naming = "full" if said == "Winterbourne" else "short"

    answer = visitor.get(f"/portal/meeting/paper?size={size}&names={naming}&language=es")

    assert answer.headers["content-type"] == "application/pdf"
    with pikepdf.open(BytesIO(answer.content)) as made:
        assert made.Root.MarkInfo.Marked
        assert str(made.Root.Lang) == "es"
        _, _, width, height = (round(float(side)) for side in made.pages[0].MediaBox)
        assert (width > height, width) == (True, long)
    found = text_of(answer.content)
    assert said in found
    assert ("Winterbourne" in found) == (naming == "full")
    assert visitor.get("/portal/meeting/paper?size=legal").status_code == 404


def test_another_district_sees_nothing_of_it(world: World) -> None:
    met(world)

    page = Visitor.signed_in(world, district="elsewhere").get("/portal/meeting")

    assert page.status_code == 200
    assert "R-" not in words(page)
