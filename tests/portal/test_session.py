"""A session warns before it ends, one key keeps it, and nobody reads on after signing out."""

from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.portal.conftest import Opening
from tests.portal.served import Served


def passed(portal: Served, page: Page, seconds: int) -> None:
    """Let time pass for the bridge and for the browser."""
    portal.world.clock.advance(timedelta(seconds=seconds))
    page.clock.fast_forward(seconds * 1000)


def opened(context: BrowserContext, path: str = "/portal/board") -> Page:
    page = context.new_page()
    page.clock.install()
    page.goto(path)
    return page


@pytest.mark.parametrize("key", ["Enter", "Escape", "Space"])
def test_two_minutes_before_the_end_a_page_warns_and_one_key_keeps_it(
    opening: Opening, portal: Served, key: str
) -> None:
    with opening() as context:
        page = opened(context)
        passed(portal, page, 12 * 60 + 20)
        expect(page.locator("dialog")).not_to_be_visible()
        passed(portal, page, 15)
        expect(page.locator("dialog")).to_be_visible()
        expect(page.locator("#session-said")).to_contain_text("2 minutes")
        page.keyboard.press(key)
        expect(page.locator("dialog")).not_to_be_visible()
        passed(portal, page, 12 * 60)
        assert page.goto("/portal/board").ok  # type: ignore[union-attr] # it is a page


def test_asking_how_long_is_left_does_not_keep_a_session(opening: Opening, portal: Served) -> None:
    with opening() as context:
        page = opened(context)
        for _ in range(5):
            portal.world.clock.advance(timedelta(minutes=4))
            context.request.get("/portal/session")
        answer = context.request.get("/portal/board", max_redirects=0)
        assert answer.status == 303
        page.close()


def test_a_session_kept_in_one_window_goes_on_in_the_other(
    opening: Opening, portal: Served
) -> None:
    with opening() as context:
        first, second = opened(context), opened(context)
        portal.world.clock.advance(timedelta(minutes=13))
        for page in (first, second):
            page.clock.fast_forward(13 * 60 * 1000)
            expect(page.locator("dialog")).to_be_visible()
        first.keyboard.press("Enter")
        for page in (first, second):
            expect(page.locator("dialog")).not_to_be_visible()


def test_when_it_has_ended_the_page_goes_and_signing_in_leads_back(
    opening: Opening, portal: Served
) -> None:
    with opening() as context:
        page = opened(context, "/portal/board?show=wait")
        passed(portal, page, 13 * 60)
        passed(portal, page, 3 * 60)
        expect(page).to_have_url(f"{portal.base}/portal/sign-in")
        assert "You were signed out" in page.content()
        assert "Child0" not in page.content()


@pytest.mark.parametrize("scripts", [True, False])
def test_after_signing_out_the_back_button_shows_nothing(opening: Opening, scripts: bool) -> None:
    with opening(scripts=scripts) as context:
        page = context.new_page()
        page.goto("/portal/board")
        page.goto("/portal/help")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/portal/sign-in")
        for _ in range(3):
            page.go_back()
            page.wait_for_load_state()
            assert "Child0" not in page.content()
