"""Each field of each form, wrong in each way: the page comes back and says so, twice.

The ways are made from the page itself: a choice that is none of those offered, a text longer than
any may be, a day that is no day, and no answer at all where one was there. A form that takes such
an answer fails here; one that may be left empty may be.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext

from tests.portal.conftest import Opening
from tests.portal.pages import PAGES, PageCase
from tests.portal.served import Served

FORMS = tuple({c.path: c for c in PAGES if c.signed_in}.values())
TOO_LONG = "x" * 12_000
NONE_OFFERED = "none-of-those-offered"
BY_TURNS = [
    pytest.param(
        case, lang, id=f"{case.name}-{lang}", marks=() if turn == 0 else pytest.mark.faults
    )
    for place, case in enumerate(FORMS)
    for turn, lang in enumerate(("en", "es") if place % 2 else ("es", "en"))
]


@dataclass
class Page(HTMLParser):
    """What a page has in its form of questions, and what it says of problems."""

    html: str
    controls: dict[str, str] = field(default_factory=dict)
    answers: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._select = ""
        form = re.search(r'<form id="questions".*?</form>', self.html, re.DOTALL)
        self.feed(form[0] if form else "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        name, kind = named.get("name", ""), named.get("type", "text")
        if tag in ("textarea", "select"):
            self.controls[name] = tag
            self._select = name
        elif tag == "option" and "selected" in named:
            self.answers[self._select] = [named["value"]]
        elif tag == "input" and kind in ("radio", "checkbox"):
            self.controls[name] = kind
            if "checked" in named:
                self.answers.setdefault(name, []).append(named["value"])
        elif tag == "input" and kind not in ("file", "submit"):
            self.answers[name] = [named.get("value", "")]
            if kind != "hidden":
                self.controls[name] = kind

    def wrong(self) -> Iterator[tuple[str, str]]:
        """Yield name and value of each answer that no form may take."""
        for name, kind in self.controls.items():
            if kind in ("select", "radio", "checkbox"):
                yield name, NONE_OFFERED
            elif name.endswith("-month"):
                yield name, "13"
            elif not re.search("-(day|year)$", name):
                yield name, TOO_LONG

    def said(self) -> list[str]:
        """Return what does not hold of a page that says what is wrong."""
        found = re.findall(r'<li><a href="#([^"]+)">(.*?)</a></li>', self.html)
        beside = re.findall(r'class="error"><span class="heard">[^<]*</span> (.*?)</p>', self.html)
        return [
            text
            for text, holds in {
                "the title begins with it": re.search("<title>(Error|Error:) ", self.html),
                "a summary has the focus": 'class="summary" role="alert"' in self.html
                and "autofocus" in self.html,
                "each problem is a link": bool(found),
                "each link leads to a control": all(f'id="{to}"' in self.html for to, _ in found),
                "the same words stand beside it": [text for _, text in found] == beside,
            }.items()
            if not holds
        ]


def get(context: BrowserContext, address: str) -> Page:
    return Page(context.request.get(address).text())


def trimmed(page: Page, name: str) -> list[str]:
    return [each.strip() for each in page.answers.get(name, [])]


def sent(context: BrowserContext, address: str, page: Page, name: str, value: str) -> list[str]:
    """Send a page with one answer that is wrong; return what does not hold of what comes."""
    wrong = {name: [value]}
    if name.endswith("-month"):
        stem = name.removesuffix("-month")
        wrong |= {f"{stem}-day": ["40"], f"{stem}-year": ["2026"]}
    body = urlencode(page.answers | wrong, doseq=True)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = context.request.post(address, data=body, headers=kind, max_redirects=0)
    if answer.status != 422:
        return [f"{answer.status} instead of 422"]
    came = Page(answer.text())
    others = [each for each in page.controls if each in page.answers and each not in wrong]
    # A cell of a file may begin with spaces; what is typed is kept without.
    lost = [each for each in others if trimmed(came, each) != trimmed(page, each)]
    return [*came.said(), *(f"{each} is kept" for each in lost)]


@pytest.mark.parametrize(("case", "lang"), BY_TURNS)
def test_each_field_wrong_in_each_way_is_said_at_the_top_and_beside_it(
    opening: Opening, portal: Served, case: PageCase, lang: str
) -> None:
    with opening(case.who, lang, scripts=False) as context:
        address = case.path.format(**portal.made)
        page = get(context, address)
        found = {
            f"{name}: {'long' if value == TOO_LONG else value}": wrong
            for name, value in page.wrong()
            if (wrong := sent(context, address, page, name, value))
        }
    assert found == {}
