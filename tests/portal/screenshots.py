"""``python -m tests.portal.screenshots``: take the pictures of docs/portal anew."""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from bridge.portal.family import PROOF
from tests.portal.conftest import CHROMIUM
from tests.portal.served import COUNSELOR, LEAD, served

FOLDER = Path(__file__).parents[2] / "docs" / "portal"
# page -> address; the widths and languages it is taken in stand beside it.
TAKEN = (
    ("board", "/portal/board?show=all", 1280, "en"),
    ("board", "/portal/board?show=all", 360, "es"),
    ("refer", "/portal/refer", 360, "es"),
    ("why", "{draft}/why", 360, "en"),
    ("provider", "{draft}/provider", 1280, "es"),
    ("check", "{draft}/check", 1280, "en"),
    ("check", "{draft}/check", 360, "es"),
    ("referral", "/portal/referral/{declined}", 1280, "en"),
    ("meeting", "/portal/meeting?names=short", 1280, "en"),
    ("sent", "{sent}/sent", 360, "es"),
    ("note-internal", "/portal/referral/{referral}/note/internal", 360, "es"),
    ("note-shared", "/portal/referral/{referral}/note/shared", 1280, "en"),
    ("close-out", "/portal/close-out/unanswered", 1280, "en"),
    ("close-out", "/portal/close-out/unanswered", 360, "es"),
    ("import", "{review}", 1280, "en"),
    ("same", "/portal/same/{student}/{other}", 360, "es"),
    ("family-form", "/portal/family/form", 360, "es"),
)
OF_LEADS = ("close-out", "import", "same")


def main() -> None:
    """Write one PNG for each line."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        with served(Path(folder)) as portal:
            for name, path, width, lang in TAKEN:
                size = {"width": width, "height": 640}
                context = browser.new_context(
                    base_url=portal.base, viewport=size, locale=f"{lang}-US"
                )
                leads = name in OF_LEADS
                token = portal.session(
                    "lead" if leads else "counselor-1", LEAD if leads else COUNSELOR
                )
                cookies = {"schoolbridge_session": token, PROOF: portal.made["proof"]}
                kept = {"url": f"{portal.base}/portal"}
                context.add_cookies([{**kept, "name": n, "value": v} for n, v in cookies.items()])
                page = context.new_page()
                answer = page.goto(path.format(**portal.made))
                if answer is None or not answer.ok:
                    raise RuntimeError(f"{name}: there is no such page")
                page.screenshot(path=FOLDER / f"{name}-{width}-{lang}.png", full_page=True)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
