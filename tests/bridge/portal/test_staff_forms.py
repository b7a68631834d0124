"""Staff record a paper, what was said, ask online and take back. All people made up."""

import re
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from bridge.app import create_app
from bridge.identity import Party, Standing, form_token, open_session
from bridge.journeys.families.ask_family import address_of
from bridge.journeys.families.check_signatures import invalidate_release
from bridge.journeys.families.guardian_blocks import Order, record_order
from bridge.journeys.families.register_release import file_release
from bridge.journeys.families.sign_online import prove
from bridge.journeys.families.sign_release import record_signature
from bridge.portal.visits import COOKIE
from bridge.store.database.engine import read, write
from bridge.store.facts.families import contacts_of
from tests.bridge.journeys.test_ask_family import sees
from tests.bridge.journeys.test_release_register import FORM
from tests.bridge.portal.entering import words
from tests.support.signing import PARTIES, SCAN, in_person, issued
from tests.support.worlds import HARBOR, LEA, Web, World, make_world, referral

WHO = {"signer": "Max Winterbourne", "relationship": "FTH", "authority": ""}
NOBODY = {"interpreter": "none"}
DAY = {"signed_on-month": "10", "signed_on-day": "15", "signed_on-year": "2026"}
SAID = {
    **WHO,
    **NOBODY,
    "given_on-month": "10",
    "given_on-day": "14",
    "given_on-year": "2026",
    "how": "phone",
    "spoken": "Portuguese",
}
ASKED = {
    **WHO,
    "student_name": "Child1 Winterbourne",
    "spoken": "es",
    "channel": "letter",
    "via": "phone",
    "address": "",
}


class Desk:
    """The browser of one person of a district."""

    def __init__(self, world: World, role: str = "counselor", district: str = LEA) -> None:
        standing = Standing(Party.LEA, district, "", role, ("follow",))
        with write(world.bridge.engine) as connection:
            self.token = open_session(connection, "desk-1", standing, world.clock).token
        self.world = world
        self.student = world.bridge.identifiers.issue("student", LEA, "1001")
        self.place = f"/portal/forms/{self.student}/{HARBOR}"

    def get(self, path: str = "") -> httpx.Response:
        return self._send("GET", path or self.place)

    def post(self, path: str, sent: dict[str, str], **how: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes them
        return self._send("POST", path, data={"page_key": form_token(self.token), **sent}, **how)

    def paper(self, **changes: str) -> httpx.Response:
        form = issued(self.world, "es")
        last = {"ends_on-month": "6", "ends_on-day": "30", "ends_on-year": "2027"}
        both = {"lea": "yes", "provider": "yes", "spoken": "es", "how": "known-to-staff"}
        sent = {**WHO, **NOBODY, **DAY, **last, **both, "check": form.digest[:8], **changes}
        scan = {"scan": ("scan.pdf", SCAN[1], SCAN[0])}
        return self.post(f"{self.place}/paper", sent, files=scan)

    def _send(self, method: str, path: str, **how: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes them
        cookie = {"Cookie": f"{COOKIE}={self.token}; schoolbridge_language=en"}
        return self.world.anonymous.send(method, path, headers=cookie, **how)


@pytest.fixture
def waiting(tmp_path: Path) -> World:
    made = make_world(f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path)
    made.refer([referral(1, releases=())])
    return made


def test_a_paper_is_recorded_with_its_scan_and_opens_the_referral(waiting: World) -> None:
    desk = Desk(waiting)
    found = desk.post("/portal/forms", {"number": "1001", "provider": HARBOR})
    assert found.headers["location"] == desk.place
    assert desk.paper().headers["location"] == desk.place
    assert sees(waiting)
    assert waiting.counts()["form_upload"] == 1
    page = desk.get().text
    assert page.count("Max Winterbourne: Yes") == 2
    assert "on paper" in page
    assert "Español" in page


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [
        ({"signer": ""}, "signer"),
        ({"relationship": "OTHER"}, "authority"),
        ({"relationship": "friend"}, "relationship"),
        ({"check": "00000000"}, "signer"),
        ({"check": ""}, "check"),
        ({"how": "link-and-code"}, "how-1"),
        ({"how": "online"}, "how-1"),
        ({"interpreter": "student"}, "interpreter"),
        ({"interpreter": "sibling"}, "interpreter"),
        ({"interpreter": "agency-interpreter"}, "interpreter_name"),
        ({"signed_on-year": "2027"}, "signer"),
        ({"lea": ""}, "lea-1"),
    ],
)
def test_what_is_no_signature_is_not_recorded(
    waiting: World, changes: dict[str, str], anchor: str
) -> None:
    again = Desk(waiting).paper(**changes)
    assert again.status_code == 422
    assert "<title>Error: " in again.text
    assert f'href="#{anchor}"' in again.text
    assert waiting.counts()["signed_release"] == 0


def test_what_was_said_is_shown_and_releases_nothing(waiting: World) -> None:
    desk = Desk(waiting)
    interpreted = {"interpreter": "telephone-interpreter", "interpreter_name": "Ivo Made-Up"}
    sent = {**SAID, **interpreted, "interpreter_language": "Portuguese"}
    assert desk.post(f"{desk.place}/verbal", sent).status_code == 303
    page = desk.get().text
    assert "Permission by word: Max Winterbourne" in page
    assert "Interpreter by telephone: Ivo Made-Up" in page
    assert not sees(waiting)


def test_a_link_for_a_letter_and_its_code_are_shown_once(waiting: World) -> None:
    desk = Desk(waiting)
    page = desk.post(f"{desk.place}/ask", ASKED)
    code = re.search(r"<strong>([0-9A-Z]{4}-[0-9A-Z]{4})</strong>", page.text)
    token = re.search(r"/portal/family/([\w-]+\.[0-9a-f]{32})", page.text)
    assert code
    assert token
    assert prove(waiting.parts, token.group(1), code.group(1))
    assert "No answer yet" in desk.get().text
    assert code.group(1) not in desk.get().text
    mailed = desk.post(f"{desk.place}/ask", {**ASKED, "channel": "mail"})
    assert mailed.status_code == 422
    assert "Enter an e-mail address." in mailed.text


BY_TEXT = {**ASKED, "channel": "sms", "number": "(203) 555-0142", "via": "in-person"}


def test_a_link_goes_as_a_text_message_and_its_code_another_way(waiting: World) -> None:
    desk = Desk(waiting)
    asked = desk.post(f"{desk.place}/ask", BY_TEXT)
    assert asked.status_code == 200
    assert "by text message" in desk.get().text
    assert "/portal/family/" not in asked.text
    with read(waiting.bridge.engine) as connection:
        (contact,) = contacts_of(connection, desk.student)
    assert address_of(waiting.parts, contact) == "+12035550142"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"number": ""}, "Enter a mobile number with its area code."),
        ({"number": "555-0142"}, "Enter a mobile number with its area code."),
        ({"via": "phone"}, "The link goes to a telephone. Tell the code in person or by video."),
    ],
)
def test_a_text_message_that_cannot_be_is_told_at_the_number(
    waiting: World, changes: dict[str, str], told: str
) -> None:
    desk = Desk(waiting)
    page = desk.post(f"{desk.place}/ask", {**BY_TEXT, **changes})
    assert page.status_code == 422
    assert f'<a href="#number">{told}</a>' in page.text
    assert waiting.counts()["signing_request"] == 0


def test_a_guardian_whom_an_order_keeps_out_is_said_to_be_so_at_the_name(waiting: World) -> None:
    desk = Desk(waiting)
    record_order(waiting.parts, desk.student, Order(guardian=ASKED["signer"]))
    page = desk.post(f"{desk.place}/ask", ASKED)
    assert page.status_code == 422
    told = "An order keeps this person out. Do not ask them to sign."
    assert f'<a href="#signer">{told}</a>' in page.text
    assert waiting.counts()["signing_request"] == 0


def test_without_a_gateway_nobody_is_offered_a_text_message(waiting: World) -> None:
    settings = replace(waiting.bridge.settings, text=None)
    app = create_app(replace(waiting.bridge, settings=settings))
    desk = Desk(replace(waiting, anonymous=Web(app)))
    assert "By text message" not in desk.get(f"{desk.place}/ask").text
    page = desk.post(f"{desk.place}/ask", BY_TEXT)
    assert page.status_code == 422
    assert waiting.counts()["signing_request"] == 0


def test_who_asks_not_to_be_contacted_is_called_so_and_sent_nothing(waiting: World) -> None:
    desk = Desk(waiting)
    asked = {**ASKED, "channel": "mail", "address": "ann@family.example", "via": "phone"}
    assert desk.post(f"{desk.place}/ask", asked).status_code == 200
    (place,) = re.findall(r'href="(/portal/forms/[^"]+/quiet/[0-9a-f-]{36})"', desk.get().text)
    other = place.replace(desk.student, waiting.bridge.identifiers.issue("student", LEA, "1002"))

    assert desk.post(other, {}).status_code == 404
    assert WHO["signer"] in words(desk.get(place))
    assert desk.post(place, {}).headers["location"] == desk.place

    assert f"{WHO['signer']}: asked not to be contacted" in words(desk.get())
    assert desk.get(place).status_code == 404
    with read(waiting.bridge.engine) as connection:
        kept = connection.execute(text("SELECT channel FROM family_contact")).scalars().all()
    assert kept == ["none"]


def test_who_asked_not_to_be_contacted_is_asked_anew_only_when_they_agreed(waiting: World) -> None:
    desk = Desk(waiting)
    asked = {**ASKED, "channel": "mail", "address": "ann@family.example", "via": "phone"}
    assert "anew" not in desk.get(f"{desk.place}/ask").text
    assert desk.post(f"{desk.place}/ask", asked).status_code == 200
    (place,) = re.findall(r'href="(/portal/forms/[^"]+/quiet/[0-9a-f-]{36})"', desk.get().text)
    desk.post(place, {})

    for again in (asked, {**asked, "channel": "letter"}):
        warned = desk.post(f"{desk.place}/ask", again)
        assert warned.status_code == 422
        assert "asked not to be contacted. Ask them first" in words(warned)
        assert 'name="anew"' in warned.text
        assert 'value="ann@family.example"' in warned.text  # nothing is typed twice
    assert waiting.counts()["signing_request"] == 1
    assert f"{WHO['signer']}: asked not to be contacted" in words(desk.get())

    agreed = desk.post(f"{desk.place}/ask", {**asked, "anew": "agreed"})
    assert agreed.status_code == 200
    assert waiting.counts()["signing_request"] == 2
    assert f"{WHO['signer']}: by email" in words(desk.get())


def test_different_answers_are_told_as_the_agreements_own_choice(waiting: World) -> None:
    form, desk = issued(waiting), Desk(waiting)
    record_signature(waiting.parts, PARTIES, "1001", in_person(form))
    assert "Answers differ" not in desk.get().text
    no = in_person(form, signer="Ann Winterbourne", relationship="MTH", answers={"lea": False})
    record_signature(waiting.parts, PARTIES, "1001", no)
    page = desk.get().text
    assert "Answers differ" in page
    assert "a choice of your agreement" in page
    assert not sees(waiting)
    links = re.findall(r"/withdraw/([0-9a-f-]+)\">[^<]*<span[^>]*> \((\w+)", page)
    (refusal,) = [release for release, first_name in links if first_name == "Ann"]
    assert "Ann Winterbourne" in desk.get(f"{desk.place}/withdraw/{refusal}").text
    assert desk.post(f"{desk.place}/withdraw/{refusal}", {}).status_code == 303
    assert "Answers differ" not in desk.get().text
    assert sees(waiting)


def test_withdrawn_and_invalid_stay_struck_through_and_are_called_so(waiting: World) -> None:
    desk = Desk(waiting)
    first, second = record_signature(waiting.parts, PARTIES, "1001", in_person(issued(waiting)))
    assert desk.post(f"{desk.place}/withdraw/{first.id}", {}).status_code == 303
    invalidate_release(waiting.parts, second.id, ("staff:x", "wrong student"))
    page = unescape(desk.get().text)
    for state in ("withdrawn", "not valid"):
        assert f"<s>Max Winterbourne</s> <strong>{state}</strong>" in page
    assert desk.get(f"{desk.place}/withdraw/{first.id}").status_code == 404


def test_what_a_minor_signed_leaves_no_trace(waiting: World) -> None:
    desk = Desk(waiting)
    record_signature(waiting.parts, PARTIES, "1001", in_person(issued(waiting)))
    before = desk.get().text
    mine = replace(FORM, form="minor", signer="Child1 Winterbourne", signer_relationship="ONESELF")
    back = {"recipient": "lea", "discloser": "provider", "elements": ("status",)}
    for form in (
        replace(mine, purposes=("follow",), **back),
        replace(mine, form="health", minor_consented=True, purposes=("follow",), **back),
        replace(mine, answer="refused", signed_on=date(2026, 9, 2)),
    ):
        filed = file_release(waiting.parts, PARTIES, "1001", form)
        assert filed.new
        assert desk.get(f"{desk.place}/withdraw/{filed.id}").status_code == 404
        assert desk.post(f"{desk.place}/withdraw/{filed.id}", {}).status_code == 404
    assert desk.get().text == before


@pytest.mark.parametrize(
    ("role", "district"), [("teacher", LEA), ("administrator", LEA), ("counselor", "elsewhere")]
)
def test_who_may_not_see_referrals_sees_no_form(waiting: World, role: str, district: str) -> None:
    desk, known = Desk(waiting, role, district), Desk(waiting)
    absent = known.place.replace(known.student, "00000000-0000-8000-8000-000000000000")
    nothing = known.get(absent)
    assert nothing.status_code == 404
    for path in ("", "/paper", "/verbal", "/ask", "/blank-en"):
        answer = desk.get(f"{desk.place}{path}")
        assert answer.status_code == 404
        assert "Winterbourne" not in answer.text
    assert desk.post(f"{desk.place}/verbal", SAID).status_code == 404
    assert waiting.counts()["verbal_permission"] == 0


def test_a_number_nobody_has_is_said_at_the_field(waiting: World) -> None:
    again = Desk(waiting).post("/portal/forms", {"number": "9999", "provider": HARBOR})
    assert again.status_code == 422
    assert "No student of the district has that number." in again.text


def test_a_blank_form_is_given_as_pdf_in_the_language_asked_for(waiting: World) -> None:
    desk = Desk(waiting)
    paper = desk.get(f"{desk.place}/blank-es")
    assert paper.content.startswith(b"%PDF-")
    assert desk.get(f"{desk.place}/blank-fr").status_code == 404


def test_another_language_keeps_what_staff_typed(waiting: World) -> None:
    desk = Desk(waiting)
    again = desk.post(f"{desk.place}/verbal", {"signer": "Max W", "language": "es"})
    assert again.status_code == 200
    assert '<html lang="es">' in again.text
    assert 'value="Max W"' in again.text
    assert waiting.counts()["verbal_permission"] == 0
