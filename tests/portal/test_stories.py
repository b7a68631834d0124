"""What people do with the portal from beginning to end, in a real browser."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.portal.conftest import Opening
from tests.portal.served import Served

MOST_INTERACTIONS = 60


@dataclass
class Hands:
    """Somebody at a page; counts each click, each field typed and each choice."""

    page: Page
    used: int = 0

    def click(self, role: str, name: str) -> None:
        self.used += 1
        self.page.get_by_role(role, name=name, exact=True).click()  # type: ignore[arg-type] # a role as text

    def type(self, **fields: str) -> None:
        for name, text in fields.items():
            self.used += 1
            self.page.locator(f"[name='{name.replace('__', '-')}']").fill(text)

    def choose(self, name: str, value: str) -> None:
        self.used += 1
        control = self.page.locator(f"[name='{name}']")
        if control.first.evaluate("e => e.tagName") == "SELECT":
            control.select_option(value)
        else:
            self.page.locator(f"[name='{name}'][value='{value}']").check()

    def go_on(self) -> None:
        before = self.page.url
        self.click("button", "Guardar y continuar")
        self.page.wait_for_url(lambda url: url != before)


@pytest.mark.turns(2)
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_a_referral_is_entered_in_spanish_on_a_phone_and_the_provider_has_it(
    opening: Opening, portal: Served, scripts: bool
) -> None:
    with opening("counselor-9", "es", scripts=scripts, width=360) as context:
        hands = Hands(context.new_page())
        hands.page.goto("/portal/board")
        hands.click("link", "Derivar a un estudiante")
        expect(hands.page.locator(".urgent")).to_contain_text("988")
        hands.click("button", "Comenzar una derivación")
        hands.type(local_id="1004")
        hands.go_on()
        # What an earlier referral said is there: nothing of it is typed (WCAG 3.3.7).
        expect(hands.page.locator("[name='given_name']")).to_have_value("Child4")
        hands.go_on()
        expect(hands.page.locator("[name='guardian']")).to_have_value("Max Winterbourne")
        hands.choose("home_language", "es")
        hands.choose("interpreter", "yes")
        hands.go_on()
        for concern in ("grief", "sleep"):
            hands.choose("concerns", concern)
        hands.go_on()
        hands.choose("urgency", "urgent")
        hands.go_on()
        hands.choose("provider", "cove")
        hands.go_on()
        hands.choose("signed", "yes")
        hands.type(signer="Max Winterbourne")
        hands.choose("signer_relationship", "FTH")
        hands.type(signed_on__day="1", signed_on__month="9", signed_on__year="2026")
        hands.go_on()
        expect(hands.page.locator(".note")).to_contain_text(
            "A Cove Counseling, en cuanto la envíe:"
        )
        hands.click("button", "Enviar la derivación")
        expect(hands.page.get_by_role("heading", level=1)).to_have_text("La derivación está hecha")
        number = hands.page.locator(".done").inner_text().split()[-1].rstrip(".")
    assert hands.used <= MOST_INTERACTIONS
    with ThreadPoolExecutor(1) as elsewhere:  # a browser's loop runs in this thread
        found = elsewhere.submit(requests_of_cove, portal).result()
    assert number in found


def requests_of_cove(portal: Served) -> set[str]:
    requests = portal.world.web("cove-ehr").found("/fhir/ServiceRequest")
    return {str(one["identifier"][0]["value"]) for one in requests}


def test_an_error_is_found_and_mended_without_losing_anything(opening: Opening) -> None:
    with opening("counselor-8", "es", width=360) as context:
        hands = Hands(context.new_page())
        hands.page.goto("/portal/refer")
        hands.click("button", "Comenzar una derivación")
        hands.type(local_id="4711")
        hands.go_on()
        hands.type(given_name="Lucía", family_name="Peña")
        hands.type(birth_date__day="31", birth_date__month="2", birth_date__year="2012")
        hands.click("button", "Guardar y continuar")
        summary = hands.page.locator(".summary")
        expect(summary).to_be_focused()
        expect(hands.page).to_have_title("Error: El estudiante - schoolbridge")
        summary.get_by_role("link").first.click()
        assert hands.page.evaluate("document.activeElement.id") == "birth_date-month"
        hands.type(birth_date__month="3")
        hands.choose("school", "north-middle")
        hands.page.get_by_role("button", name="English").click()
        expect(hands.page.locator("[name='given_name']")).to_have_value("Lucía")
        expect(hands.page.locator("[name='birth_date-month']")).to_have_value("3")
        expect(hands.page.locator(".summary")).to_have_count(0)


def test_enter_in_a_field_goes_on_and_does_not_change_the_language(opening: Opening) -> None:
    with opening("counselor-7", "es", width=360) as context:
        hands = Hands(context.new_page())
        hands.page.goto("/portal/refer")
        hands.click("button", "Comenzar una derivación")
        hands.type(local_id="4711")
        hands.page.keyboard.press("Enter")
        hands.page.wait_for_url("**/student")
        assert hands.page.evaluate("document.documentElement.lang") == "es"
