"""A district's open referrals are closed at the end of a year, in a real browser."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Response, expect
from sqlalchemy import text

from bridge.store.database.engine import read
from tests.portal.conftest import Opening
from tests.portal.served import GUARDIAN, Served
from tests.support.worlds import form_education, form_health, put_task, referral

MOST_SCREENS = 10
ONE = timedelta(seconds=1)
PROVIDERS_SAY = ("accepted", "on-hold", "in-progress")


def refer(portal: Served, first: int, count: int) -> None:
    """Make referrals of which a quarter each was not answered, not signed, accepted, and more."""
    world, pending = portal.world, (form_education(answer="pending"), form_health())
    every = range(first, first + count)
    world.refer([referral(n, **({"releases": pending} if n % 4 == 1 else {})) for n in every])
    web = world.web()
    for n in every:
        if n % 4 > 1:
            task = web.get(f"/fhir/Task/{world.id_of('Task', f'R-{n}')}").json()
            task = put_task(web, task, "accepted", extension=GUARDIAN).json()
            if n % 4 > 2:
                world.clock.advance(ONE)
                say = PROVIDERS_SAY[n % 3]
                if say != "accepted":
                    assert put_task(web, task, say, extension=GUARDIAN).is_success


@contextmanager
def screens(page: Page) -> Iterator[list[str]]:
    """Yield the pages that are shown from now on, each as often as it is."""
    shown: list[str] = []

    def note(answer: Response) -> None:
        if answer.request.is_navigation_request() and answer.status == 200:
            shown.append(answer.url)

    page.on("response", note)
    yield shown


@pytest.mark.parametrize(
    ("first", "count"), [(100, 30), pytest.param(1000, 300, marks=pytest.mark.faults)]
)
def test_open_referrals_are_closed_in_ten_screens_each_with_its_row(
    opening: Opening, portal: Served, first: int, count: int
) -> None:
    with ThreadPoolExecutor(1) as elsewhere:  # a browser's loop runs in this thread
        elsewhere.submit(refer, portal, first, count).result()
    with opening("lead") as context:
        page = context.new_page()
        with screens(page) as shown:
            page.goto("/portal/close-out")
            page.locator("main li a").first.click()
            while page.locator("input[name='which']").count():
                page.get_by_label("All on this page").check()
                page.get_by_label("Close", exact=True).check()
                page.locator("select[name='reason']").select_option("not-needed")
                page.get_by_role("button", name="Do this with them").click()
                expect(page.locator(".done")).to_be_visible()
        expect(page.locator("main")).to_contain_text("0 referrals are open.")
    assert len(shown) <= MOST_SCREENS
    query = text("SELECT number FROM close_out WHERE outcome = 'closed' AND who = 'staff:lead'")
    with read(portal.world.bridge.engine) as connection:
        closed = set(connection.scalars(query))
    assert {f"R-{n}" for n in range(first, first + count)} <= closed
