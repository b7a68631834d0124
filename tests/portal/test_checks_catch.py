"""Each check first catches a page that is bad in the way it looks for."""

from pathlib import Path

import pytest

from tests.portal.conftest import Opening
from tests.portal.judging import axe, check, invalid, obscured, refused_by_nu

IN_MAIN = "document.querySelector('main').insertAdjacentHTML('beforeend', {html!r})"
# name of the check -> what is done to a good page.
BAD = {
    "overflow": IN_MAIN.format(html='<div id="bad">x</div>') + ";bad.style.width='3000px'",
    "smallTargets": IN_MAIN.format(html='<button id="bad">x</button>')
    + ";bad.style.cssText='padding:0;width:12px;height:12px;min-height:0'",
    "clippedText": IN_MAIN.format(html='<p id="bad">words that need their room</p>')
    + ";bad.style.cssText='overflow:hidden;height:1.1em;width:3em'",
    "pasteRefused": IN_MAIN.format(html='<input id="bad" name="bad">')
    + ";bad.addEventListener('paste', e => e.preventDefault())",
    "dragging": IN_MAIN.format(html='<p draggable="true">x</p>'),
    "help": "document.querySelector('.tools').append(document.querySelector('.tools li'))",
    "heads": IN_MAIN.format(html="<h1>again</h1>"),
    "errors": IN_MAIN.format(
        html='<div class="summary"><ul><li><a href="#none">x</a></li></ul></div>'
    ),
}
# What axe must find: rule -> what is done to a good page.
BAD_FOR_AXE = {
    "color-contrast": IN_MAIN.format(html='<p id="bad">pale</p>') + ";bad.style.color='#ccc'",
    "target-size": IN_MAIN.format(
        html='<p><button id="b1">x</button><button id="b2">y</button></p>'
    )
    + ";for (const b of [b1, b2]) b.style.cssText="
    "'padding:0;width:16px;height:16px;min-height:0;font-size:8px'",
    "label": IN_MAIN.format(html='<input name="bad">'),
    "heading-order": IN_MAIN.format(html="<h5>deep</h5>"),
    "duplicate-id-aria": IN_MAIN.format(
        html='<p id="twice">a</p><p id="twice">b</p><input aria-labelledby="twice">'
    ),
    "html-has-lang": "document.documentElement.removeAttribute('lang')",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_page_is_caught(opening: Opening, name: str) -> None:
    with opening() as context:
        page = context.new_page()
        page.goto("/portal/help")
        assert check(page, name) == []
        page.evaluate(BAD[name])
        assert check(page, name) != []


@pytest.mark.parametrize("rule", BAD_FOR_AXE)
def test_axe_is_asked_for_its_rules(opening: Opening, rule: str) -> None:
    with opening() as context:
        page = context.new_page()
        page.goto("/portal/help")
        page.evaluate(BAD_FOR_AXE[rule])
        assert {found.partition(":")[0] for found in axe(page)} >= {rule}


def test_a_focus_that_nobody_sees_is_caught(opening: Opening) -> None:
    with opening() as context:
        page = context.new_page()
        page.goto("/portal/help")
        assert obscured(page) == []
        page.evaluate(
            IN_MAIN.format(html='<div id="over">over everything</div>')
            + ";over.style.cssText='position:fixed;inset:0 0 auto;height:9rem;z-index:9'"
        )
        assert obscured(page) != []


def test_html_that_is_not_valid_is_caught(tmp_path: Path) -> None:
    bad = "<!doctype html><html lang=en><head><title>x</title></head><body><button>x</button></p>"

    rules = {each.split()[1] for each in invalid({"bad": bad}, tmp_path)}

    assert {"no-implicit-button-type", "close-order"} <= rules


@pytest.mark.usefixtures("java")
def test_html_that_nu_refuses_is_caught(tmp_path: Path) -> None:
    bad = "<!doctype html><html lang=en><head></head><body><p id=a><i id=a></p></body></html>"

    said = " ".join(refused_by_nu({"bad": bad}, tmp_path))

    assert "bad:1" in said
    assert "Duplicate ID" in said
    assert "title" in said
