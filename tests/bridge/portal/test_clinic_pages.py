"""A provider without an API answers on pages, by the same gate and the same moves. Made up."""

import html
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.identity import Party, Standing, form_token, mint_staff_code, open_session
from bridge.journeys.answers import answer_by_hand
from bridge.portal import clinic
from bridge.portal.visits import COOKIE
from bridge.store.database.engine import write
from mappings.fhir.status_reasons import reason_code
from tests.leaks.work import Work, counted
from tests.support.worlds import COVE, HARBOR, LEA, World, caller, make_world, referral


class Clinic:
    """The browser of one person of a provider."""

    def __init__(
        self, world: World, party: Party = Party.PROVIDER, of: str = HARBOR, lang: str = "en"
    ) -> None:
        role = "intake" if party is Party.PROVIDER else "counselor"
        standing = Standing(party, of, "", role, ("refer",))
        with write(world.bridge.engine) as connection:
            self.token = open_session(connection, "desk-1", standing, world.clock).token
        self.world, self.lang = world, lang

    def get(self, path: str) -> httpx.Response:
        return self.send("GET", path)

    def answer(self, number: str, **said: str) -> httpx.Response:
        path = f"/portal/work/{self.world.id_of('Task', number)}"
        shown = re.search(r'name="version" value="([^"]*)"', self.get(path).text)
        sent = {"version": shown.group(1) if shown else "", "consent": "guardian", **said}
        return self.send("POST", path, data={"page_key": form_token(self.token), **sent})

    def send(self, method: str, path: str, **how: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes them
        cookie = {"Cookie": f"{COOKIE}={self.token}; schoolbridge_language={self.lang}"}
        return self.world.anonymous.send(method, path, headers=cookie, **how)


@pytest.fixture
def made(tmp_path: Path) -> World:
    world = make_world(f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path)
    world.refer([referral(1), referral(2), referral(3, releases=())])
    return world


def pages(desk: Clinic, path: str) -> list[list[str]]:
    """Return the numbers on a page and on each page after it."""
    page = desk.get(path).text
    numbers = re.findall(r">(R-\d+)</a>", page)
    more = re.search(r'href="(/portal/work\?[^"]*)">Next page<', page)
    return [numbers, *(pages(desk, html.unescape(more[1])) if more else [])]


def told(world: World) -> dict[str, str]:
    """Return what the school is told of each referral."""
    rows = world.bridge.gate.follow_up(caller("millbrook-sis")).rows
    return {row.referral: row.status for row in rows}


def test_a_provider_sees_what_was_sent_to_it_and_no_more(made: World) -> None:
    page = Clinic(made).get("/portal/work").text
    assert re.findall(r">(R-\d)</a>", page) == ["R-1", "R-2"]
    one = Clinic(made).get(f"/portal/work/{made.id_of('Task', 'R-1')}").text
    assert "Child1 Winterbourne" in one
    for stranger in (Clinic(made, of=COVE), Clinic(made)):
        hidden = stranger.get(f"/portal/work/{made.id_of('Task', 'R-3')}")
        assert hidden.status_code == 404
        absent = stranger.get("/portal/work/none")
        assert hidden.text.replace(made.id_of("Task", "R-3"), "none") == absent.text
    assert not re.findall(r">(R-\d)</a>", Clinic(made, of=COVE).get("/portal/work").text)


def test_a_long_list_is_read_page_by_page_and_each_stands_once(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (answer_by_hand, clinic):
        monkeypatch.setattr(module, "ROWS", 2)
    made.refer([referral(n, authored_on=date(2026, 9, 30 - n)) for n in range(4, 9)])
    desk = Clinic(made)
    assert desk.answer("R-2", move="decline", reason="No place").status_code == 303
    found = pages(desk, "/portal/work")
    assert found == [["R-1", "R-8"], ["R-7", "R-6"], ["R-5", "R-4"]]
    assert pages(desk, "/portal/work?show=ended") == [["R-2"]]
    assert pages(Clinic(made, of=COVE), "/portal/work") == [[]]


def test_a_page_of_the_list_releases_its_own_rows_alone(made: World) -> None:
    made.refer([referral(n) for n in range(4, 10)])
    desk = Clinic(made)

    def work() -> Work:
        desk.get("/portal/work?show=ended")
        with counted(made.bridge.engine) as done:
            desk.get("/portal/work?show=ended")
        return done

    assert desk.answer("R-2", move="decline", reason="No place").status_code == 303
    before = work()
    made.refer([referral(n) for n in range(10, 40)])
    after = work()
    assert after.statements == before.statements
    assert after.rows <= before.rows + 4


def test_a_referral_goes_from_accepted_to_closed_and_the_school_is_told(made: World) -> None:
    desk, seen = Clinic(made), []
    for move in ("accept", "schedule", "missed", "schedule", "done", "close"):
        answer = desk.answer("R-1", move=move)
        assert answer.status_code == 303, (move, answer.text)
        seen.append(told(made)["R-1"])
        made.clock.advance(timedelta(minutes=1))
    assert seen[:5] == [
        *("accepted", "intake-scheduled", "intake-missed", "intake-scheduled", "intake-done"),
    ]
    assert "nothing more to do" in desk.get(f"/portal/work/{made.id_of('Task', 'R-1')}").text


def test_declining_needs_a_reason_and_is_told(made: World) -> None:
    again = Clinic(made).answer("R-2", move="decline")
    assert again.status_code == 422
    assert "Say why you decline." in again.text
    assert Clinic(made).answer("R-2", move="decline", reason="No place").status_code == 303
    assert told(made)["R-2"] == "declined-by-provider"


WRITE_NO = {
    "en": "Write no phone number and no e-mail address here: the school may see this.",
    "es": "No escriba aquí ningún número de teléfono ni correo electrónico",
}
CONTACTS = ("Call Max on 555-0100", "+1 (203) 555 0177", "own number: 2035550199", "ana@mail.test")


@pytest.mark.parametrize("consent", ["minor", "guardian"])
@pytest.mark.parametrize("contact", CONTACTS)
def test_nobodys_number_or_address_goes_to_the_school_with_a_reason(
    made: World, contact: str, consent: str
) -> None:
    """The guardian's own, on file here, is refused in the words in which any other is."""
    for lang, text in WRITE_NO.items():
        desk = Clinic(made, lang=lang)
        page = desk.answer("R-2", move="decline", reason=contact, consent=consent)
        assert page.status_code == 422
        assert text in page.text
        assert "555-0100" not in page.text.replace(contact, "")
    assert told(made)["R-2"] != "declined-by-provider"


@pytest.mark.parametrize("reason", ["No place until 2026-11-30", "Room 12, ages 6-12 only"])
def test_a_date_and_a_few_numbers_are_no_contact(made: World, reason: str) -> None:
    assert Clinic(made).answer("R-2", move="decline", reason=reason).status_code == 303


def test_the_form_asks_for_no_contact_of_the_student(made: World) -> None:
    page = Clinic(made).get(f"/portal/work/{made.id_of('Task', 'R-1')}").text
    named = set(re.findall(r'<(?:input|textarea|select)[^>]* name="([^"]+)"', page))
    assert named == {"page_key", "version", "move", "why", "reason", "consent"}


def test_a_reason_that_is_chosen_is_kept_in_codes_and_the_school_learns_no_more(
    made: World,
) -> None:
    desk = Clinic(made)
    assert desk.answer("R-2", move="decline", why="bad weather").status_code == 422
    assert desk.answer("R-2", move="decline", why="no-place").status_code == 303
    kept = made.stored("Task", made.id_of("Task", "R-2"))["statusReason"]
    assert (reason_code(kept), kept["text"]) == ("no-place", "No place is free")
    assert "no capacity" in [coding["code"] for coding in kept["coding"]]
    rows = made.bridge.gate.follow_up(caller("millbrook-sis")).rows
    assert {r.status for r in rows if r.referral == "R-2"} == {"declined-by-provider"}
    assert "place" not in str(rows).casefold()
    words = {"move": "decline", "why": "other-help", "reason": "Speech"}
    assert desk.answer("R-1", **words).status_code == 303
    kept = made.stored("Task", made.id_of("Task", "R-1"))["statusReason"]
    assert (reason_code(kept), kept["text"]) == ("other-help", "Speech")


def test_a_provider_says_that_the_family_ended_it_and_the_school_is_told_so(made: World) -> None:
    desk = Clinic(made)
    assert desk.answer("R-1", move="decline", why="not-reached").status_code == 422  # not yet
    assert desk.answer("R-1", move="accept").status_code == 303
    made.clock.advance(timedelta(minutes=1))
    assert desk.answer("R-1", move="decline", why="not-reached").status_code == 303
    assert desk.answer("R-2", move="decline", why="family-declined").status_code == 303
    said = told(made)
    assert (said["R-1"], said["R-2"]) == ("unable-to-contact", "declined-by-family")
    kept = made.stored("Task", made.id_of("Task", "R-2"))
    assert (kept["status"], reason_code(kept["statusReason"])) == ("cancelled", "family-declined")
    page = desk.get(f"/portal/work/{made.id_of('Task', 'R-2')}").text
    assert re.search(r"Ended by</dt>\s*<dd>The family<", page)


def test_an_answer_to_what_has_changed_since_is_not_taken(made: World) -> None:
    assert Clinic(made).answer("R-1", move="accept").status_code == 303
    late = Clinic(made).answer("R-1", move="decline", reason="x", version="old")
    assert late.status_code == 422
    assert "It has changed since you opened it." in late.text
    assert Clinic(made).answer("R-1", move="accept").status_code == 422


def test_what_the_minor_alone_agreed_to_is_not_told_to_the_school(made: World) -> None:
    before = told(made)["R-1"]
    assert Clinic(made).answer("R-1", move="accept", consent="minor").status_code == 303
    assert told(made)["R-1"] == before


def test_the_pages_of_a_provider_are_for_a_provider_alone(made: World) -> None:
    school = Clinic(made, Party.LEA, LEA)
    for path in ("/portal/work", f"/portal/work/{made.id_of('Task', 'R-1')}"):
        assert school.get(path).status_code == 303
    assert Clinic(made).get("/portal/board").status_code == 303
    assert Clinic(made).get("/portal/forms").status_code == 303


def test_a_provider_may_stay_signed_in_and_comes_home_to_its_work(made: World) -> None:
    desk = Clinic(made)
    stayed = desk.send("POST", "/portal/session", data={"page_key": form_token(desk.token)})
    assert stayed.json()["seconds"] > 800
    assert '<a href="/portal/work">schoolbridge</a>' in desk.get("/portal/work").text
    standing = Standing(Party.PROVIDER, HARBOR, "", "intake", ("refer",))
    with write(made.bridge.engine) as connection:
        code = mint_staff_code(connection, standing, made.clock)
    answer = made.anonymous.send("POST", "/portal/sign-in", data={"code": code})
    assert answer.headers["location"] == "/portal/work"
