"""What a status is can be told without its colour: in forced colours, and in shades of grey."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from bridge.portal.status_words import AWAITING, STATUS_WORDS
from tests.portal.conftest import Opening
from tests.portal.served import Served

MODES = ("plain", "forced", "grey")
# Where a page may be red: what is wrong, what is dangerous.
PROBLEMS = ".danger, .summary, .wrong, .error, .urgent, .tag.stop, [aria-invalid]"
TAGS = """said => {
  const list = document.createElement('ul');
  for (const [label, tone, line] of said) {
    const row = list.appendChild(document.createElement('li'));
    const tag = row.appendChild(document.createElement('span'));
    tag.className = 'tag ' + tone; tag.textContent = label;
    row.append(' ' + line);
  }
  document.getElementById('main').replaceChildren(list);
}"""
# Contrast by the luminance of WCAG 2.2, and how wide the edge is.
CONTRAST = """tag => {
  const style = getComputedStyle(tag);
  const light = colour => {
    const parts = colour.match(/[0-9.]+/g).slice(0, 3).map(each => each / 255);
    const linear = parts.map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const [low, high] = [light(style.color), light(style.backgroundColor)].sort((a, b) => a - b);
  return [(high + 0.05) / (low + 0.05), parseFloat(style.borderTopWidth)];
}"""
RED = """allowed => {
  const red = colour => {
    const [r, g, b, a] = [...colour.match(/[0-9.]+/g).map(Number), 1];
    const most = Math.max(r, g, b), least = Math.min(r, g, b);
    if (a === 0 || most !== r || most - least < 40) return false;
    const hue = 60 * (g - b) / (most - least);
    return Math.abs(hue) < 20;
  };
  const found = [];
  for (const one of document.querySelectorAll('body *')) {
    const style = getComputedStyle(one);
    const border = parseFloat(style.borderLeftWidth) ? style.borderLeftColor : 'rgba(0,0,0,0)';
    const colours = [style.color, style.backgroundColor, border];
    if (colours.some(red) && !one.closest(allowed)) found.push(one.outerHTML.slice(0, 120));
  }
  return found;
}"""


def statuses() -> list[tuple[str, str, str]]:
    words = [*STATUS_WORDS.values(), AWAITING]
    return sorted({(each.label, each.tone, each.line) for each in words})


@pytest.fixture
def board(opening: Opening) -> Iterator[Page]:
    """A real page of the portal, for its styles."""
    with opening() as context:
        page = context.new_page()
        page.goto("/portal/board?show=all")
        yield page


def pictures(page: Page, said: list[tuple[str, str, str]], mode: str) -> list[bytes]:
    """Return a picture of each status, tag and line, as it looks in a mode."""
    page.emulate_media(forced_colors="active" if mode == "forced" else "none")
    page.evaluate(TAGS, said)
    shades = "grayscale(1)" if mode == "grey" else ""
    page.evaluate("shades => document.documentElement.style.filter = shades", shades)
    return [row.screenshot() for row in page.locator("#main li").all()]


@pytest.mark.turns(3)
@pytest.mark.parametrize("mode", MODES)
def test_each_status_can_be_told_from_every_other(board: Page, mode: str) -> None:
    said = statuses()

    assert len({label for label, _, _ in said}) <= 8
    assert len(set(pictures(board, said, mode))) == len(said)
    # It can fail: by their colours alone they are one in forced colours.
    if mode == "forced":
        bare = [(" ", tone, "") for tone in sorted({tone for _, tone, _ in said})]
        assert len(set(pictures(board, bare, mode))) == 1


# In grey nothing but the luminance is left, by which the contrast is reckoned in any mode.
@pytest.mark.turns(2)
@pytest.mark.parametrize("mode", ["plain", "forced"])
def test_a_tags_words_stand_out_from_its_ground_and_it_keeps_its_edge(
    board: Page, mode: str
) -> None:
    pictures(board, statuses(), mode)
    found = [tag.evaluate(CONTRAST) for tag in board.locator(".tag").all()]

    assert [each for each in found if each[0] < 4.5 or each[1] < 1] == []
    first = board.locator(".tag").first
    first.evaluate("tag => tag.style.cssText = 'color:#999;forced-color-adjust:none'")
    assert first.evaluate(CONTRAST)[0] < 4.5


@pytest.mark.parametrize(
    "place", ["/portal/board?show=all", "/portal/meeting", "{referral}", "{declined}"]
)
def test_red_is_for_problems_alone(board: Page, place: str, portal: Served) -> None:
    named = {name: f"/portal/referral/{portal.made[name]}" for name in ("referral", "declined")}
    board.goto(place.format(**named))
    assert board.evaluate(RED, PROBLEMS) == []
    assert board.evaluate(RED, ".none")  # what is dangerous is red, and it is seen
    board.evaluate(TAGS, statuses())
    assert board.evaluate(RED, PROBLEMS) == []
