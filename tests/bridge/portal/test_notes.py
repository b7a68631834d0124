"""Notes about a referral: who reads one is chosen first; a shared one goes through the gate."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.journeys.families.record_releases import revoke_release
from bridge.store.database.engine import read
from tests.bridge.portal.entering import Visitor, words
from tests.bridge.portal.test_clinic_pages import Clinic
from tests.leaks.work import Work, counted
from tests.support.worlds import COVE, World, make_world, referral

NOTE = "Prefers mornings. <b>Bus 12</b>"
TYPED = "Prefers mornings. &lt;b&gt;Bus 12&lt;/b&gt;"


def place_of(visitor: Visitor, number: str = "R-1") -> str:
    page = visitor.get("/portal/board").text
    return re.findall(rf'(/portal/referral/[0-9a-f]{{32}})">[^<]*</a><br>{number}', page)[0]


def noted(visitor: Visitor, kind: str, said: str = NOTE, **more: str) -> str:
    """Write a note as a browser does; returns the page of the referral."""
    place = place_of(visitor)
    assert visitor.post(f"{place}/note", kind=kind).headers["location"] == f"{place}/note/{kind}"
    page = visitor.get(f"{place}/note/{kind}").text
    act = re.findall(r'name="act" value="([0-9a-f]{64})"', page)[0]
    answer = visitor.post(f"{place}/note/{kind}", act=act, text=said, **more)
    assert answer.status_code == (303 if more or kind == "internal" else 200)
    if kind == "shared" and not more:
        assert "Shared: Harbor Family Centers reads this." in words(answer)
        assert said.split(".", maxsplit=1)[0] in words(answer)
        answer = visitor.post(f"{place}/note/{kind}", act=act, text=said, sure="yes")
    again = visitor.post(f"{place}/note/{kind}", act=act, text=said, sure="yes")
    assert again.headers["location"] == answer.headers["location"] == place
    return visitor.get(place).text


def clinic_page(world: World, of: str = "harbor") -> str:
    return Clinic(world, of=of).get(f"/portal/work/{world.id_of('Task', 'R-1')}").text


def entries(world: World) -> list[str]:
    with read(world.bridge.engine) as connection:
        found = connection.scalars(text("SELECT body FROM ledger_entry"))
        return [str(body) for body in found if "Communication" in str(body)]


def test_a_page_of_a_referral_takes_as_much_work_where_its_provider_has_many(lite: World) -> None:
    lite.refer([referral(n) for n in range(1, 13)])
    visitor = Visitor.signed_in(lite)
    place = place_of(visitor)

    def work() -> Work:
        visitor.get(place)
        with counted(lite.bridge.engine) as done:
            visitor.get(place)
        return done

    few = work()
    lite.refer([referral(n) for n in range(13, 73)])
    many = work()
    assert many.statements == few.statements
    assert many.steps <= few.steps * 1.15


def test_internal_is_chosen_already_and_stands_beside_in_words(lite: World) -> None:
    lite.refer([referral(1)])
    visitor = Visitor.signed_in(lite)
    page = visitor.get(f"{place_of(visitor)}/note").text
    assert re.findall(r'value="(internal|shared)"[^>]*checked', page) == ["internal"]
    for kind, said in (("internal", "only your own staff"), ("shared", "Harbor Family Centers")):
        shown = words(visitor.get(f"{place_of(visitor)}/note/{kind}"))
        assert said in shown[: shown.index("What do you want to note?")]  # before the typing


def test_an_internal_note_is_the_schools_and_goes_nowhere(world: World) -> None:
    world.refer([referral(1)])
    page = noted(Visitor.signed_in(world), "internal")
    assert page.count(TYPED) == 1
    assert "Internal: your own staff alone" in page
    assert "mornings" not in clinic_page(world)
    assert "mornings" not in clinic_page(world, COVE)
    other = Visitor.signed_in(world, district="elsewhere")
    assert other.get(place_of(Visitor.signed_in(world))).status_code == 404
    assert entries(world) == []
    with read(world.bridge.engine) as connection:
        kept = str(connection.execute(text("SELECT * FROM note")).all())
    assert "mornings" not in kept


def test_a_shared_note_goes_through_the_gate_and_into_the_ledger(world: World) -> None:
    world.refer([referral(1)])
    page = noted(Visitor.signed_in(world), "shared")
    assert page.count(TYPED) == 1
    assert "Shared with Harbor Family Centers" in page
    assert entries(world) == []  # nobody has read it yet
    assert clinic_page(world).count(TYPED) == 1
    (entry,) = entries(world)
    assert "referral.note" in entry
    assert "mornings" not in entry
    assert "mornings" not in clinic_page(world, COVE)


def test_where_the_family_takes_its_form_back_a_shared_note_goes_no_more(lite: World) -> None:
    lite.refer([referral(1)])
    noted(Visitor.signed_in(lite), "shared")
    assert "mornings" in clinic_page(lite)
    with read(lite.bridge.engine) as connection:
        forms = list(connection.scalars(text("SELECT id FROM signed_release")))
    lite.clock.advance(timedelta(seconds=1))
    for each in forms:
        revoke_release(lite.parts, each)
    assert "mornings" not in clinic_page(lite)
    assert len(entries(lite)) == 1


def test_one_note_read_through_lets_no_other_text_go(lite: World) -> None:
    lite.refer([referral(1)])
    before = clinic_page(lite)
    assert "Cries in class" not in before
    noted(Visitor.signed_in(lite), "shared")
    assert "Cries in class" not in clinic_page(lite)
    (request,) = lite.web().found("/fhir/ServiceRequest")
    assert "note" not in request


def test_where_the_agreement_has_no_flow_for_it_sharing_is_not_offered(tmp_path: Path) -> None:
    without = {
        "referral.reason, referral.note, referral.urgency": "referral.reason, referral.urgency"
    }
    world = make_world(f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path, edit=without)
    world.refer([referral(1)])
    visitor = Visitor.signed_in(world)
    place = place_of(visitor)
    assert 'value="shared"' not in visitor.get(f"{place}/note").text
    assert visitor.post(f"{place}/note", kind="shared").status_code == 422
    assert visitor.get(f"{place}/note/shared").status_code == 404
    sent = {"act": "0" * 64, "text": NOTE, "sure": "yes"}
    assert visitor.post(f"{place}/note/shared", **sent).status_code == 404
    assert world.counts()["note"] == 0
    world.bridge.engine.dispose()


@pytest.mark.parametrize("said", ["", " \n ", "x" * 1001])
def test_what_is_no_note_is_said_and_not_kept(lite: World, said: str) -> None:
    lite.refer([referral(1)])
    visitor = Visitor.signed_in(lite)
    sent = {"act": "0" * 64, "text": said, "sure": "yes"}
    assert visitor.post(f"{place_of(visitor)}/note/shared", **sent).status_code == 422
    assert lite.counts()["note"] == 0


def test_it_can_be_changed_once_more_before_it_goes(lite: World) -> None:
    lite.refer([referral(1)])
    visitor = Visitor.signed_in(lite)
    page = visitor.post(f"{place_of(visitor)}/note/shared", act="0" * 64, text=NOTE, again="yes")
    assert TYPED in page.text
    assert "<textarea" in page.text
    assert lite.counts()["note"] == 0


def test_a_minor_treated_alone_changes_nothing_of_the_notes(
    lite: World, make_twin: Callable[[], World]
) -> None:
    twin = make_twin()
    seen = []
    for world in (lite, twin):
        world.refer([referral(1)])
        if world is lite:
            assert Clinic(world).answer("R-1", move="accept", consent="minor").status_code == 303
        pages = []
        for kind in ("internal", "shared"):
            pages.append(noted(Visitor.signed_in(world), kind))
            world.clock.advance(timedelta(seconds=1))  # notes of one instant have no order
        seen.append([re.sub(r'value="[0-9a-f]{64}"', "", words_of) for words_of in pages])
    assert [re.sub("<[^>]+>", "", p) for p in seen[0]] == [
        re.sub("<[^>]+>", "", p) for p in seen[1]
    ]
