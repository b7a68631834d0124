"""A browser, and what it takes to look at a page as somebody."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.portal.judging import JAVA, MODULES
from tests.portal.served import COUNSELOR, STANDINGS, Served, served

CHROMIUM = Path("/usr/bin/chromium")
# Set where the browser and Java must be there: then a test of a page is never left out.
REQUIRED = "SCHOOLBRIDGE_BROWSER"

Opening = Callable[..., AbstractContextManager[BrowserContext]]


def _wants(program: Path, packages: str) -> None:
    if not program.exists():
        told = f"no {program.name}: apt-get install --no-install-recommends {packages}"
        required = os.environ.get(REQUIRED) == "required"  # noqa: TID251 - a switch of the tests
        (pytest.fail if required else pytest.skip)(told)


@pytest.fixture(scope="session")
def java() -> None:
    """What the Nu HTML Checker runs on."""
    _wants(JAVA, "default-jre-headless")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    _wants(CHROMIUM, "chromium fonts-liberation")
    if not MODULES.exists():
        pytest.fail("the judges of pages are not installed: make clients")
    with sync_playwright() as playwright:
        # The machine that builds runs as root in a container: no sandbox within the sandbox.
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        _LOOPS.append(asyncio.get_running_loop())
        _run(None)
        yield opened
        _run(_LOOPS.pop())
        opened.close()


# The browser's loop goes on between tests, in this thread: others that run one would be refused.
_LOOPS: list[asyncio.AbstractEventLoop] = []


def _run(loop: asyncio.AbstractEventLoop | None) -> None:
    asyncio._set_running_loop(loop)


@pytest.fixture(autouse=True)
def _browsers_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let the browser's loop be the running one while a test looks at a page."""
    if "browser" in request.fixturenames:
        request.getfixturevalue("browser")
    _run(_LOOPS[-1] if _LOOPS else None)
    yield
    _run(None)


@pytest.fixture(scope="module")
def portal(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A portal of this module's own."""
    with served(tmp_path_factory.mktemp("portal")) as running:
        yield running


@pytest.fixture
def opening(browser: Browser, portal: Served) -> Opening:
    """Return what opens a browser's window for somebody, in a language, with scripts or without."""

    @contextmanager
    def opened(
        handle: str = "counselor-1", lang: str = "en", *, scripts: bool = True, width: int = 1280
    ) -> Iterator[BrowserContext]:
        context = browser.new_context(
            base_url=portal.base,
            java_script_enabled=scripts,
            viewport={"width": width, "height": 640},
            locale={"en": "en-US", "es": "es-US"}[lang],
            reduced_motion="reduce",
        )
        context.set_default_timeout(10_000)
        if handle:
            family = handle == "family"
            signed_in = portal.session(handle, STANDINGS.get(handle, COUNSELOR))
            token = portal.made["proof"] if family else signed_in
            name = "schoolbridge_family" if family else "schoolbridge_session"
            place = f"{portal.base}/portal"
            context.add_cookies([{"name": name, "value": token, "url": place}])
        yield context
        context.close()

    return opened
