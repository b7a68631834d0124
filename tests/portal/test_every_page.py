"""Every page, in both languages, at three widths, with scripts and without: nothing is found."""

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.portal.conftest import Opening
from tests.portal.judging import (
    AT_EACH_WIDTH,
    ONCE,
    Judge,
    axe,
    invalid,
    judged,
    obscured,
    refused_by_nu,
)
from tests.portal.pages import PAGES, PageCase
from tests.portal.served import Served

SIZES = ((1280, 640), (360, 640), (320, 256))
EACH = pytest.mark.parametrize("case", PAGES, ids=[case.name for case in PAGES])
LANGUAGES = pytest.mark.parametrize("lang", ["en", "es"])
WIDE = ("board", "refer-why", "refer-check", "family-form", "forms")
WHO = ("counselor-1", "lead", "family", "clinic", "clinic-lead", "")
COLD, WARM = 100_000, 30_000


def shown(context: BrowserContext, case: PageCase, portal: Served) -> Page:
    """Return the page as a person sees it; what a browser complains of is a finding of its own."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    page.goto(case.path.format(**portal.made))
    if case.send:
        page.locator("form#questions > button[type=submit]").click()
        page.wait_for_selector(".summary")
    if case.typed:
        page.locator("form#questions textarea").fill(case.typed)
        page.locator("form#questions > button[type=submit]").click()
        page.wait_for_selector("blockquote.words")
    expected = ("422" if case.send else "404",)
    assert [c for c in complaints if not any(code in c for code in expected)] == []
    return page


def main_of(page: Page) -> str:
    """Return what stands in the page, without what is another each time."""
    html = page.locator("main").inner_html()
    html = re.sub(r'value="[0-9a-f]{64}"', "", html)
    return re.sub(
        r'\s(data-hx-[a-z-]+|data-htmx-powered|autofocus)="[^"]*"|\sclass="[^"]*htmx[^"]*"',
        "",
        html,
    )


def found_on(
    opening: Opening, portal: Served, case: PageCase, how: tuple[str, Sequence[tuple[int, int]]]
) -> list[str]:
    """Return what is found on a page in a language at some sizes."""
    lang, sizes = how
    with opening(case.who, lang) as context:
        page = shown(context, case, portal)
        assert page.evaluate("document.documentElement.lang") == lang
        found = judged(page, ONCE)
        for width, height in sizes:
            page.set_viewport_size({"width": width, "height": height})
            found += [f"{width}: {each}" for each in [*axe(page), *judged(page, AT_EACH_WIDTH)]]
            found += [f"{width}: {each}" for each in obscured(page) if width != 360]
        return found


def asked(context: BrowserContext, address: str, case: PageCase) -> str:
    """Return the page as it comes, without a browser's hand in it."""
    html = context.request.get(address).text()
    if not case.send and not case.typed:
        return html
    form: dict[str, str | float | bool] = {"text": case.typed} if case.typed else {}
    carried = re.findall(r'name="(page_key|act)" value="(\w*)"', html)
    html = context.request.post(address, form=form | dict(carried)).text()
    assert ('class="summary"' if case.send else 'class="words"') in html, case.name
    return html


@pytest.mark.turns(6)
@LANGUAGES
@EACH
def test_a_page_passes_every_check_at_every_width(
    opening: Opening, portal: Served, case: PageCase, lang: str
) -> None:
    # The frame and the controls are the same on every page: all sizes for what is widest, and the
    # narrowest, where things break first, for the others. The long run looks at the rest.
    sizes = SIZES if case.name in WIDE else SIZES[2:]
    assert found_on(opening, portal, case, (lang, sizes)) == []


@pytest.mark.faults
@LANGUAGES
@EACH
def test_a_page_passes_every_check_at_the_other_widths_too(
    opening: Opening, portal: Served, case: PageCase, lang: str
) -> None:
    assert found_on(opening, portal, case, (lang, SIZES[:2])) == []


@pytest.mark.turns(6)
@EACH
def test_a_page_says_the_same_without_scripts(
    opening: Opening, portal: Served, case: PageCase
) -> None:
    said = []
    for scripts in (True, False):
        with opening(case.who, "es", scripts=scripts, width=360) as context:
            said.append(main_of(shown(context, case, portal)))
    assert said[0] == said[1]


@pytest.mark.turns(2)
@pytest.mark.parametrize("judge", [invalid, refused_by_nu], ids=["html-validate", "nu"])
@pytest.mark.usefixtures("java")
def test_the_html_of_every_page_is_valid(
    opening: Opening, portal: Served, judge: Judge, tmp_path: Path
) -> None:
    found: dict[str, str] = {}
    for who, lang in product(WHO, ("en", "es")):
        with opening(who, lang, scripts=False) as context:
            for case in PAGES:
                if case.who == who:
                    address = case.path.format(**portal.made)
                    found[f"{case.name}-{lang}"] = asked(context, address, case)
    assert len(found) == 2 * len(PAGES)
    # Without one a browser asks for /favicon.ico, and complains that there is none.
    assert [name for name, html in found.items() if 'rel="icon"' not in html] == []
    assert judge(found, tmp_path) == []


@pytest.mark.parametrize("case", [c for c in PAGES if c.name in WIDE], ids=lambda case: case.name)
def test_a_page_is_light(opening: Opening, portal: Served, case: PageCase) -> None:
    with opening(case.who) as context:
        page = context.new_page()
        came: list[tuple[str, int]] = []
        page.on("response", lambda answer: came.append((answer.url, len(answer.body()))))
        page.goto(case.path.format(**portal.made))
        page.wait_for_load_state("load")
        weights = dict(came)
    fresh = sum(size for url, size in weights.items() if "/portal/static/" not in url)
    assert sum(weights.values()) <= COLD
    assert fresh <= WARM
