"""Names, reasons and files that want to be run or to turn a page round, in a real browser.

The short slice, without a browser, is tests/bridge/portal/test_hostile_pages.py.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import BrowserContext, Page

from bridge.journeys.families.ask_family import FamilyMember, ask_to_sign
from bridge.journeys.families.sign_online import prove
from bridge.journeys.families.sign_release import Asked
from consent.forms import FormKind
from tests.bridge.portal.test_hostile_pages import hostile_pages
from tests.faults.seeds import told_seed
from tests.portal.conftest import Opening
from tests.portal.served import Served
from tests.support.hostile_texts import TURNING, scripts
from tests.support.signing import PARTIES

FIRST = 200
COUNT = 49
# Texts and attributes that turn what stands beside them round.
TURNED = """signs => {
  const found = [], seen = text => [...signs].some(sign => text.includes(sign));
  for (const one of document.querySelectorAll("*")) {
    for (const each of one.attributes) if (seen(each.value)) found.push(each.name);
    for (const each of one.childNodes)
      if (each.nodeType === Node.TEXT_NODE && seen(each.data)) found.push(one.tagName);
  }
  return found;
}"""


@dataclass
class Watched:
    """One browser window that notes what was run."""

    page: Page
    found: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, context: BrowserContext) -> "Watched":
        made = cls(context.new_page())
        made.page.on("dialog", lambda dialog: (made.found.append("dialog"), dialog.dismiss()))
        made.page.on("pageerror", lambda error: made.found.append(str(error)))
        # A script that the page's policy refused was nevertheless there.
        made.page.on("console", made._heard)
        return made

    def _heard(self, told: object) -> None:
        text = str(getattr(told, "text", ""))
        if getattr(told, "type", "") == "error" and "status of 4" not in text:
            self.found.append(text)

    def look(self) -> None:
        """Judge the page as it stands."""
        where = self.page.url.rpartition("/portal/")[2]
        if self.page.evaluate("typeof window.ran") != "undefined":
            self.found.append(f"{where}: ran")
        self.found += [f"{where}: {each}" for each in self.page.evaluate(TURNED, TURNING)]

    def visit(self, path: str) -> None:
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        self.look()


@pytest.mark.faults
def test_the_browser_notes_what_runs_and_what_is_turned(opening: Opening, portal: Served) -> None:
    with opening("counselor-1") as context:
        watched = Watched.of(context)
        watched.visit("/portal/help")
        assert watched.found == []
        with watched.page.expect_console_message():
            hostile = "document.querySelector('main').innerHTML = '<img src=x onerror=y>'"
            watched.page.evaluate(hostile)
        watched.page.evaluate("document.querySelector('main').append('a\\u202eb')")
        watched.look()
    assert any("Content Security Policy" in each for each in watched.found)
    assert "help: MAIN" in watched.found


@pytest.mark.faults
def test_no_text_of_people_is_run_or_turns_a_page_round(opening: Opening, portal: Served) -> None:
    texts = scripts(told_seed())
    with ThreadPoolExecutor(1) as elsewhere:
        mine, theirs = elsewhere.submit(hostile_pages, portal.world, texts, COUNT, FIRST).result()
    clinic = ["/portal/work", "/portal/work?page=2"]
    clinic += [f"/portal/work/{portal.world.id_of('Task', f'R-{FIRST + n}')}" for n in range(COUNT)]
    looked = 0
    for who, pages in (("counselor-1", mine), ("lead", theirs), ("clinic", clinic)):
        with opening(who) as context:
            watched = Watched.of(context)
            for page in pages:
                watched.visit(page)
                looked += 1
            assert watched.found == [], who
    sys.stdout.write(f"{looked} pages, {len(texts)} texts\n")


@pytest.mark.faults
def test_what_is_typed_wrong_is_shown_again_as_text(opening: Opening, portal: Served) -> None:
    texts = scripts(told_seed())
    with opening("counselor-1") as context:
        watched = Watched.of(context)
        for text in texts:
            watched.page.goto("/portal/forms")
            watched.page.locator("[name='number']").fill(text)
            with watched.page.expect_response(lambda answer: answer.request.method == "POST"):
                watched.page.locator("#main button[type=submit]").last.click()
            watched.page.locator(".summary").wait_for()
            watched.look()
        assert watched.found == []


@pytest.mark.faults
def test_a_family_reads_names_as_text(opening: Opening, portal: Served) -> None:
    texts = scripts(told_seed())[:40]
    for text in texts:
        member = FamilyMember(
            name=text,
            relationship="FTH",
            channel="letter",
            lang="en",
            student_name=text,
            code_by="staff:counselor-1",
            code_via="phone",
            address=text,
        )
        asked = (member, Asked(FormKind.SHARE, "en"))
        link = ask_to_sign(portal.world.parts, PARTIES, "1001", asked)
        proof = prove(portal.world.parts, link.token, link.code)
        assert proof
        with opening("") as context:
            place = f"{portal.base}/portal"
            context.add_cookies([{"name": "schoolbridge_family", "value": proof, "url": place}])
            watched = Watched.of(context)
            for page in ("form", "account"):
                watched.visit(f"/portal/family/{page}")
            assert watched.found == []
