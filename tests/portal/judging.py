"""A page in a real browser, and everything that is asked of it."""

import json
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
JAVA = Path("/usr/bin/java")
NODE = FOLDER.parents[1] / ".clients" / "bin" / "node"
Judge = Callable[[dict[str, str], Path], list[str]]
"""From pages by name, written to a folder, to what is wrong in them."""
# Named one by one: axe leaves out its only rule of WCAG 2.2 unless that tag is asked for.
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# What axe cannot decide alone and a person did: rule -> why it is right on our pages.
TRIAGED = {
    "color-contrast": "axe cannot see through a link that is out of sight until it has the focus",
}
ONCE = ("dragging", "help", "heads", "errors", "pasteRefused")
AT_EACH_WIDTH = ("overflow", "smallTargets", "clippedText")


@cache
def _source(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def axe(page: Page) -> list[str]:
    """Return what axe finds, as ``rule: element``."""
    # Evaluated, not loaded: the page's own policy admits no script from elsewhere.
    page.evaluate(_source("node_modules/axe-core/axe.min.js"))
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags},"
        " resultTypes: ['violations', 'incomplete']})",
        list(TAGS),
    )
    doubtful = [each for each in found["incomplete"] if each["id"] not in TRIAGED]
    return [
        f"{each['id']}: {node['html'][:120]}"
        for each in [*found["violations"], *doubtful]
        for node in each["nodes"]
    ]


def check(page: Page, name: str) -> list[str]:
    """Return what one of our own checks finds."""
    found: list[str] = page.evaluate(f"({_source('checks.js')}).{name}()")
    return [f"{name}: {each}" for each in found]


def judged(page: Page, names: tuple[str, ...]) -> list[str]:
    """Return what several of our own checks find."""
    return [each for name in names for each in check(page, name)]


def obscured(page: Page, key: str = "Tab") -> list[str]:
    """Walk through a page with the keyboard; return what has the focus and cannot be seen."""
    found: list[str] = []
    page.evaluate("document.activeElement && document.activeElement.blur()")
    page.evaluate(f"window.checks = {_source('checks.js')}")
    for _ in range(200):
        page.keyboard.press(key)
        seen = page.evaluate(
            "document.activeElement === document.body ? null : window.checks.obscured()"
        )
        if seen is None:
            break
        found += [f"obscured: {each}" for each in seen]
    return found


def _files(pages: dict[str, str], folder: Path) -> list[str]:
    for name, html in pages.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return sorted(str(path) for path in folder.glob("*.html"))


def _printed(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a judge


def invalid(pages: dict[str, str], folder: Path) -> list[str]:
    """Return what html-validate finds in pages by name."""
    command = [str(NODE), str(MODULES / "html-validate" / "bin" / "html-validate.mjs")]
    command += ["--config", str(FOLDER / "html-validate.json"), "--formatter", "json"]
    done = _printed([*command, *_files(pages, folder)])
    told = (
        (Path(one["filePath"]).stem, m) for one in json.loads(done.stdout) for m in one["messages"]
    )
    return [f"{name}:{m['line']} {m['ruleId']} {m['message']}" for name, m in told]


def refused_by_nu(pages: dict[str, str], folder: Path) -> list[str]:
    """Return what the W3C's Nu HTML Checker finds in pages by name; its hints count too.

    Raises:
        ValueError: what it printed is not its report (no Java, say).
    """
    jar = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
    command = [str(JAVA), "-jar", str(jar), "--format", "json", "--exit-zero-always"]
    done = _printed([*command, *_files(pages, folder)])
    return [
        f"{Path(m['url']).stem}:{m.get('lastLine', '')} {m['type']} {m['message']}"
        for m in json.loads(done.stderr)["messages"]
    ]
