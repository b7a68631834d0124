"""A person of a family opens a link, signs, sees and takes back. All people made up."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from bridge.identity import form_token
from bridge.journeys.families.ask_family import Link, ask_to_sign
from bridge.journeys.families.register_release import file_release
from bridge.journeys.families.sign_release import Asked
from bridge.portal.family import PROOF
from bridge.store.database.engine import write
from consent.forms import FormKind
from consent.forms.reading_level import is_plain
from tests.bridge.journeys.test_ask_family import FATHER, asked, sees
from tests.bridge.journeys.test_release_register import FORM
from tests.support.signing import PARTIES
from tests.support.worlds import (
    CARE_CONSENT,
    World,
    caller,
    encounter,
    make_world,
    post_session,
    referral,
)

YES = {"lea": "yes", "provider": "yes", "approve": "yes"}
NAMES = ("Winterbourne", "Child1", "Millbrook", "Harbor", "Anxiety", "1001")


class Browser:
    """Keeps the cookies of one person's browser."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.cookies: dict[str, str] = {}

    def get(self, path: str) -> httpx.Response:
        return self._send("GET", path)

    def post(self, path: str, **fields: str) -> httpx.Response:
        fields = {"page_key": form_token(self.cookies.get(PROOF, "")), **fields}
        return self._send("POST", path, data=fields)

    def _send(self, method: str, path: str, **how: Any) -> httpx.Response:  # noqa: ANN401 - as httpx takes them
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.world.anonymous.send(method, path, headers={"Cookie": kept}, **how)
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        return answer

    def follow(self, answer: httpx.Response) -> httpx.Response:
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["location"])


@pytest.fixture
def waiting(tmp_path: Path) -> World:
    made = make_world(f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path)
    made.refer([referral(1, releases=())])
    return made


def opened(world: World, link: Link) -> Browser:
    browser = Browser(world)
    browser.follow(browser.post(f"/portal/family/{link.token}", code=link.code))
    return browser


def check_of(page: httpx.Response) -> str:
    found = re.search(r'name="check" value="([0-9a-f]{64})"', page.text)
    assert found
    return found.group(1)


def test_a_family_reads_signs_and_takes_back_in_spanish(waiting: World) -> None:
    link = asked(waiting)
    browser = Browser(waiting)
    entry = browser.get(f"/portal/family/{link.token}")
    assert entry.status_code == 200
    assert not any(name in entry.text for name in NAMES)

    form = browser.follow(browser.post(f"/portal/family/{link.token}", code=link.code))
    page = unescape(form.text)
    assert '<html lang="es">' in page
    assert "No tiene que firmar." in page
    assert f"<strong>{FATHER.student_name}</strong>" in page
    signed = browser.follow(browser.post("/portal/family/form", check=check_of(form), **YES))
    assert unescape(signed.text).count("Usted dijo que sí.") == 2
    assert sees(waiting)

    account = browser.get("/portal/family/account")
    assert "Harbor Family Centers" in account.text
    release = re.search(r"/portal/family/withdraw/([^\"]+)", signed.text)
    assert release
    path = f"/portal/family/withdraw/{release.group(1)}"
    assert "¿Retirar esto?" in browser.get(path).text
    after = browser.follow(browser.post(path))
    assert re.search(
        r"<s>Firmado el .*</s> <strong>Retirado: usted lo retiró.</strong>", after.text
    )
    assert not sees(waiting)


def test_the_language_shown_is_the_language_signed(waiting: World) -> None:
    browser = opened(waiting, asked(waiting))
    english = browser.get("/portal/family/form?language=en")
    spanish = check_of(browser.get("/portal/family/form?language=es"))
    assert spanish != check_of(english)
    stale = browser.post("/portal/family/form", check=check_of(english), **YES)
    assert stale.status_code == 422
    assert "La hoja cambió" in stale.text
    browser.follow(browser.post("/portal/family/form", check=spanish, **YES))
    with write(waiting.bridge.engine) as connection:
        langs = connection.execute(text("SELECT body FROM release_signature")).scalars().all()
    assert all('"lang":"es"' in body for body in langs)


def test_another_language_keeps_what_was_chosen(waiting: World) -> None:
    browser = opened(waiting, asked(waiting, lang="en"))
    check = check_of(browser.get("/portal/family/form"))
    some = {"lea": "no", "check": check, "language": "es"}
    again = browser.post("/portal/family/form", **some)
    assert again.status_code == 200
    assert '<html lang="es">' in again.text
    assert re.search(r'name="lea" value="no"[^>]* checked', again.text)
    assert "Error" not in again.text


@pytest.mark.parametrize("left_out", ["lea", "provider", "approve"])
def test_a_form_that_is_not_whole_is_shown_again_with_what_is_missing(
    waiting: World, left_out: str
) -> None:
    browser = opened(waiting, asked(waiting))
    form = browser.get("/portal/family/form")
    fields = {name: value for name, value in YES.items() if name != left_out}
    again = browser.post("/portal/family/form", check=check_of(form), **fields)
    assert again.status_code == 422
    assert "<title>Error: " in again.text
    assert f'href="#{left_out}-1"' in again.text
    assert waiting.counts()["signed_release"] == 0


def test_a_no_to_one_part_is_a_no_to_that_part_alone(waiting: World) -> None:
    browser = opened(waiting, asked(waiting, lang="en"))
    check = check_of(browser.get("/portal/family/form"))
    sent = browser.post("/portal/family/form", check=check, **(YES | {"provider": "no"}))
    page = browser.follow(sent).text
    assert (page.count("You said yes."), page.count("You said no.")) == (1, 1)
    assert sees(waiting)


def test_signing_twice_is_signing_once(waiting: World) -> None:
    browser = opened(waiting, asked(waiting))
    check = check_of(browser.get("/portal/family/form"))
    for _ in range(2):
        browser.follow(browser.post("/portal/family/form", check=check, **YES))
    assert waiting.counts()["signed_release"] == 2


def test_without_the_proof_every_page_is_the_same_and_names_nobody(waiting: World) -> None:
    link = asked(waiting)
    stranger = Browser(waiting)
    paths = ("form", "signed", "account", "paper", "withdraw/x", "x" * 12 + "." + "0" * 32)
    pages = {stranger.get(f"/portal/family/{path}?language=en").text for path in paths}
    same = {re.sub(r'href="/portal/family/[^"]*"', "", page) for page in pages}
    assert len(same) == 1
    assert not any(name in page for page in pages for name in NAMES)
    wrong = stranger.post(f"/portal/family/{link.token}", code="0000-0000")
    assert wrong.status_code == 422
    assert PROOF not in stranger.cookies


def test_a_person_sees_and_takes_back_only_what_is_theirs(waiting: World) -> None:
    father = opened(waiting, asked(waiting, lang="en"))
    check = check_of(father.get("/portal/family/form"))
    page = father.follow(father.post("/portal/family/form", check=check, **YES)).text
    release = re.search(r"/portal/family/withdraw/([^\"]+)", page)
    assert release
    mother = opened(waiting, asked(waiting, name="Ann Winterbourne", relationship="MTH"))
    assert "You said yes" not in mother.get("/portal/family/signed?language=en").text
    answer = mother.post(f"/portal/family/withdraw/{release.group(1)}")
    assert answer.status_code == 404
    assert sees(waiting)


def test_who_leaves_at_once_leaves_nothing_that_opens_the_form(waiting: World) -> None:
    browser = opened(waiting, asked(waiting, lang="en"))
    page = browser.get("/portal/family/form")
    place = re.search(r'href="([^"]+)"[^>]*>Leave this page now', page.text)
    assert place
    left = browser.get(place.group(1))
    assert (left.status_code, left.headers["location"]) == (303, "https://www.weather.gov/")
    assert left.headers["clear-site-data"] == '"cache"'
    assert re.search(rf'{PROOF}="";.*Max-Age=0.*Path=/portal', left.headers["set-cookie"])
    browser.cookies.pop(PROOF, None)
    assert not any(name in browser.get("/portal/family/form").text for name in NAMES)


def test_a_form_of_another_site_is_not_taken(waiting: World) -> None:
    browser = opened(waiting, asked(waiting))
    check = check_of(browser.get("/portal/family/form"))
    assert browser.post("/portal/family/form", page_key="x", check=check, **YES).status_code == 403
    assert waiting.counts()["signed_release"] == 0


def test_the_copy_is_a_pdf_with_the_answers(waiting: World) -> None:
    browser = opened(waiting, asked(waiting))
    blank = browser.get("/portal/family/paper")
    assert (blank.headers["content-type"], blank.content[:5]) == ("application/pdf", b"%PDF-")
    assert blank.headers["cache-control"] == "no-store"


def test_what_a_family_reads_is_plain(waiting: World) -> None:
    for lang in ("en", "es"):
        browser = opened(waiting, asked(waiting, lang=lang))
        for path in ("form", "signed"):
            main = browser.get(f"/portal/family/{path}").text.split("<main", 1)[1]
            said = re.sub(r"<[^>]+>", "\n", main.split("</main>")[0].partition(">")[2])
            said = re.sub(r"\b[0-9a-f]{64}\b", "", unescape(said))
            assert is_plain(said, lang), path


def test_a_guardian_sees_the_same_where_the_minor_is_treated_alone(waiting: World) -> None:
    browser = opened(waiting, asked(waiting, lang="en"))
    check = check_of(browser.get("/portal/family/form"))
    browser.follow(browser.post("/portal/family/form", check=check, **YES))
    web = waiting.web()
    task = web.get(f"/fhir/Task/{waiting.id_of('Task', 'R-1')}").json()
    paths = ("signed", "account", "form")
    before = [browser.get(f"/portal/family/{path}").text for path in paths]
    alone = [{"url": CARE_CONSENT, "valueCode": "minor"}]
    assert post_session(web, encounter(task, "S-1", extension=alone)).status_code == 201
    own = replace(FORM, form="minor", signer="Child1 Winterbourne", signer_relationship="ONESELF")
    assert file_release(waiting.parts, PARTIES, "1001", own).new
    after = [browser.get(f"/portal/family/{path}").text for path in paths]
    made = re.compile(r'<time datetime="[^"]*">[^<]*</time>')  # that it was asked for is a line too
    assert [made.sub("", page) for page in after] == [made.sub("", page) for page in before]


def test_no_address_and_no_title_names_anybody(waiting: World) -> None:
    browser = opened(waiting, asked(waiting, lang="en"))
    check = check_of(browser.get("/portal/family/form"))
    browser.follow(browser.post("/portal/family/form", check=check, **YES))
    pages = [browser.get(f"/portal/family/{path}").text for path in ("signed", "account")]
    for page in pages:
        kept = re.findall(r'(?:href|action|src)="([^"]*)"|<title>([^<]*)</title>', page)
        told = " ".join(word for pair in kept for word in pair)
        assert not any(name.casefold() in told.casefold() for name in NAMES)


def test_taking_back_ends_every_form_of_that_person_for_that_part(waiting: World) -> None:
    waiting.refer([referral(2)])  # two forms came with a file
    member = replace(FATHER, lang="en", student_name="Child2 Winterbourne")
    asked_for = (member, Asked(FormKind.SHARE, "en"))
    link = ask_to_sign(waiting.parts, PARTIES, "1002", asked_for)
    browser = opened(waiting, link)
    check = check_of(browser.get("/portal/family/form"))
    page = browser.follow(browser.post("/portal/family/form", check=check, **YES)).text
    assert page.count("You said yes.") == 4
    part_a = re.search(r"/portal/family/withdraw/([^\"]+)", page)
    assert part_a
    after = browser.follow(browser.post(f"/portal/family/withdraw/{part_a.group(1)}")).text
    assert (after.count("You said yes."), after.count("Withdrawn")) == (2, 2)
    request = waiting.id_of("ServiceRequest", "R-2")
    assert waiting.bridge.gate.read(caller(), "ServiceRequest", request) is None
