"""What a page tells a reader to type, or to open, is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from bridge.cli import app

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(folder for folder in ROOT.iterdir() if not folder.name.startswith("."))
"""Without environments of others, whose pages are not ours (.clients-etl, .venv)."""
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *(
        page
        for folder in FOLDERS
        for page in sorted(folder.rglob("README.md"))
        if "node_modules" not in page.parts
    ),
    *sorted((ROOT / "docs").rglob("*.md")),
]
_SPAN = re.compile(r"`([^`\n]+)`|^    (\S[^\n]*)$", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def typed(page: str, program: str) -> Iterator[list[str]]:
    """Yield the words after a program's name, of each command that a page shows."""
    for span in _SPAN.finditer(page):
        line = (span[1] or span[2]).partition("#")[0]
        if found := re.match(rf"(?:\.venv/bin/)?{program} +(.+)", line):
            yield found[1].split()


def unknown(words: list[str]) -> str:
    """Return the first word that is no command and no option; "" where all are known."""
    command: Any = get_command(app)
    for word in words:
        commands = getattr(command, "commands", {})
        if commands and re.fullmatch(r"[a-z][a-z-]*", word):
            if word not in commands:
                return word
            command = commands[word]
        elif word.startswith("--") and word.partition("=")[0] not in options(command):
            return word
    return ""


def options(command: Any) -> set[str]:  # noqa: ANN401 - of the library's own copy of another
    return {"--help"} | {n for each in command.params for n in (*each.opts, *each.secondary_opts)}


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_and_option_a_page_shows_is_there(page: Path) -> None:
    shown = list(typed(page.read_text(encoding="utf-8"), "schoolbridge"))

    assert [(word, words) for words in shown if (word := unknown(words))] == []


def test_every_make_target_a_page_shows_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    shown = {
        words[0] for page in PAGES for words in typed(page.read_text(encoding="utf-8"), "make")
    }

    assert len(shown) > 5
    assert shown <= targets


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "conformance.md"], ids=named)
def test_every_file_a_page_links_to_is_there(page: Path) -> None:  # a guide's words link in it
    linked = _LINK.findall(page.read_text(encoding="utf-8"))

    assert [link for link in linked if not (page.parent / link).exists()] == []


def test_a_page_that_names_what_is_not_there_is_noticed() -> None:
    page = "See `schoolbridge ledgers verify`.\n\n    schoolbridge demo --twice   # plays it\n"

    assert [unknown(words) for words in typed(page, "schoolbridge")] == ["ledgers", "--twice"]
    assert _LINK.findall("[a page](docs/none.md) [b](https://example.org)") == ["docs/none.md"]
