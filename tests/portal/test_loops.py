"""What a school, a family and a provider do about one referral in turn, in a real browser."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.portal.conftest import Opening
from tests.portal.judging import axe
from tests.portal.served import Served
from tests.support.signing import SCAN, issued
from tests.support.worlds import LEA, referral

pytestmark = pytest.mark.turns(2)

Person = Callable[[str], Page]
WAITS = "Waits for a signature"


@pytest.fixture(scope="module")
def portal(portal: Served) -> Served:
    with ThreadPoolExecutor(1) as elsewhere:  # a browser's loop runs in this thread
        elsewhere.submit(portal.world.refer, [referral(n) for n in range(20, 26)]).result()
    return portal


@pytest.fixture
def person(opening: Opening) -> Iterator[Person]:
    """Return what opens the window of somebody who stays signed in until the test ends."""
    with ExitStack() as stack:
        windows: dict[str, Page] = {}

        def opened(who: str) -> Page:
            if who not in windows:
                windows[who] = stack.enter_context(opening(who)).new_page()
            return windows[who]

        yield opened


def press(page: Page, name: str) -> None:
    """Press a button that leads on to another page."""
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_load_state("load")


def answer(clinic: Page, number: str, move: str, **said: str) -> None:
    """Answer a referral as its provider does."""
    clinic.goto("/portal/work")
    clinic.get_by_role("link", name=number, exact=True).click()
    clinic.get_by_label(move).check()
    clinic.get_by_label(said.get("consent", "A parent or guardian")).check()
    if "reason" in said:
        clinic.locator("[name='reason']").fill(said["reason"])
    clinic.get_by_role("button", name="Send the answer").click()
    clinic.wait_for_url("**/portal/work")


def line(page: Page, number: str) -> str:
    """Return what the board says of a referral."""
    page.goto("/portal/board?show=all")
    return page.locator("tbody tr", has_text=number).inner_text()


def open_referral(page: Page, number: str) -> None:
    page.goto("/portal/board?show=all")
    page.locator("tbody tr", has_text=number).get_by_role("link").first.click()


def test_a_provider_has_no_place_and_the_counsellor_refers_to_another(person: Person) -> None:
    clinic, counselor = person("clinic"), person("counselor-1")
    answer(clinic, "R-20", "Decline: we cannot take it up", reason="No place before May")
    assert "Choose another provider" in line(counselor, "R-20")
    open_referral(counselor, "R-20")
    press(counselor, "Refer to another provider")
    # What the first one said is not asked again; what it did not say is.
    for step, name, value in (
        ("family", "interpreter", "no"),
        ("provider", "provider", "cove"),
        ("release", "signed", "pending"),
    ):
        counselor.wait_for_url(f"**/{step}")
        if step == "family":
            counselor.locator("[name='home_language']").select_option("en")
        counselor.locator(f"[name='{name}'][value='{value}']").check()
        counselor.get_by_role("button", name="Save and continue").click()
    counselor.wait_for_url("**/check")
    expect(counselor.locator("main")).to_contain_text("Cove Counseling")
    counselor.locator("main form button").last.click()
    expect(counselor.locator("main")).to_contain_text("P-")
    assert "Choose another provider" not in line(counselor, "R-20")


def test_a_guardian_takes_back_what_was_signed_and_the_provider_sees_it_no_more(
    person: Person, portal: Served
) -> None:
    clinic, counselor, father = person("clinic"), person("counselor-1"), person("family")
    clinic.goto("/portal/work")
    expect(clinic.get_by_role("link", name="R-1", exact=True)).to_be_visible()
    father.goto(f"/portal/family/withdraw/{portal.made['release']}")
    press(father, "Yes, take it back")
    expect(father.locator("main")).to_contain_text("Withdrawn: you took this back.")
    clinic.goto("/portal/work")
    expect(clinic.get_by_role("link", name="R-1", exact=True)).to_have_count(0)
    assert WAITS in line(counselor, "R-1")
    open_referral(counselor, "R-1")
    expect(counselor.locator(".timeline s").first).to_have_text("The family signed a release")
    expect(counselor.locator("main")).to_contain_text("The family withdrew its release")


def test_two_signers_disagree_and_nothing_goes_out_until_they_agree(
    person: Person, portal: Served
) -> None:
    clinic, counselor = person("clinic"), person("counselor-1")
    student = portal.world.bridge.identifiers.issue("student", LEA, "1021")
    place = f"/portal/forms/{student}/harbor"
    for said, shown in (("no", 0), ("yes", 1)):
        paper(counselor, place, issued(portal.world).digest[:8], said)
        counselor.goto(place)
        differ = counselor.get_by_role("heading", name="Answers differ")
        expect(differ).to_have_count(1 - shown)
        clinic.goto("/portal/work")
        expect(clinic.get_by_role("link", name="R-21", exact=True)).to_have_count(shown)


def paper(counselor: Page, place: str, check: str, said: str) -> None:
    """Record a paper on which the mother answered."""
    counselor.goto(f"{place}/paper")
    counselor.locator("[name='signer']").fill("Ann Winterbourne")
    counselor.locator("[name='relationship']").select_option("MTH")
    for name, day in (("signed_on", (10, 15, 2026)), ("ends_on", (6, 30, 2027))):
        for part, value in zip(("month", "day", "year"), day, strict=True):
            counselor.locator(f"[name='{name}-{part}']").fill(str(value))
    for name, value in (
        ("lea", said),
        ("provider", said),
        ("spoken", "en"),
        ("how", "known-to-staff"),
    ):
        counselor.locator(f"[name='{name}'][value='{value}']").check()
    counselor.locator("[name='check']").fill(check)
    counselor.locator("[name='interpreter']").select_option("none")
    scan = {"name": "scan.pdf", "mimeType": SCAN[0], "buffer": SCAN[1]}
    counselor.locator("[name='scan']").set_input_files(scan)  # type: ignore[arg-type] # a file as playwright takes it
    counselor.locator("form#questions > button[type=submit]").click()
    counselor.wait_for_url(f"**{place}")


def test_a_note_is_shared_once_it_was_seen_as_it_goes(person: Person) -> None:
    clinic, counselor = person("clinic"), person("counselor-1")
    open_referral(counselor, "R-23")
    counselor.get_by_role("link", name="Write a note").click()
    expect(counselor.get_by_label("Internal: your own staff alone")).to_be_checked()
    counselor.get_by_label("Shared: the provider too").check()
    press(counselor, "Continue")
    counselor.locator("[name='text']").fill("Mornings\nsuit her best.")
    press(counselor, "See it before it goes")
    expect(counselor.locator(".warning")).to_contain_text("Harbor Family Centers reads this.")
    assert axe(counselor) == []
    press(counselor, "Share it with Harbor Family Centers")
    for page, place in ((counselor, counselor.url), (clinic, "/portal/work")):
        page.goto(place)
        if page is clinic:
            page.get_by_role("link", name="R-23", exact=True).click()
        expect(page.locator(".words")).to_have_text("Mornings suit her best.")


def test_a_minor_treated_alone_leaves_every_page_of_the_school_as_it_was(
    person: Person, portal: Served
) -> None:
    clinic, counselor, lead = person("clinic"), person("counselor-1"), person("lead")

    def seen() -> list[str]:
        said = [line(counselor, "R-22")]
        open_referral(counselor, "R-22")
        said.append(counselor.locator("main").inner_text())
        for page in (counselor, lead):
            for place in ("board?show=act", "meeting"):
                page.goto(f"/portal/{place}")
                said.append(page.locator("main tr", has_text="R-22").first.inner_text())
        lead.goto("/portal/close-out/unanswered")
        return [*said, lead.locator("main tr", has_text="R-22").inner_text()]

    before = seen()
    for move in ("Accept: we will take it up", "A first visit is arranged"):
        answer(clinic, "R-22", move, consent="The student alone, as the law allows")
        portal.world.clock.advance(timedelta(seconds=1))
        assert seen() == before


def test_a_series_of_missed_visits_ends_in_one_that_took_place(
    person: Person, portal: Served
) -> None:
    clinic, counselor = person("clinic"), person("counselor-1")
    arranged, missed = "A first visit is arranged", "The visit was missed"
    for move, said in (
        ("Accept: we will take it up", "The provider will take it up"),
        (arranged, "A first visit is arranged"),
        (missed, "The first visit was missed"),
        (arranged, "A first visit is arranged"),
        (missed, "The first visit was missed"),
        ("The first visit took place", "The first visit took place"),
    ):
        answer(clinic, "R-24", move)
        portal.world.clock.advance(timedelta(seconds=1))
        assert said in line(counselor, "R-24")
    counselor.goto("/portal/board?show=no-show")
    expect(counselor.locator("tbody tr", has_text="R-24")).to_have_count(0)
