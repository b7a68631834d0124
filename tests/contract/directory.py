"""A district's sign-in that nobody here wrote, and a person with a browser in front of it."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.contract.programs import ENVIRONMENT, PROGRAMS
from tests.faults.deployment import _free_port
from tests.support.worlds import BASE, World

SECRET = "between the district and the bridge"
CALLBACK = f"{BASE}/portal/callback"


@contextmanager
def oidc_provider(people: Mapping[str, list[str]], log: Path) -> Iterator[str]:
    """Run oidc-provider; gives its issuer."""
    port = _free_port()
    program = [str(ENVIRONMENT / "bin" / "node"), str(PROGRAMS / "oidc_provider.mjs")]
    arguments = [str(port), CALLBACK, SECRET, json.dumps(people)]
    issuer = f"http://127.0.0.1:{port}"
    with (
        log.open("wb") as written,
        subprocess.Popen(  # noqa: S603 - the server named above
            [*program, *arguments], stdout=written, stderr=written, start_new_session=True
        ) as process,
        httpx.Client(trust_env=False) as http,
    ):
        try:
            _wait(http, issuer, process)
            yield issuer
        finally:
            # The program is a wrapper around Node: both are of one group.
            os.killpg(process.pid, signal.SIGKILL)


def _wait(http: httpx.Client, issuer: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            if http.get(f"{issuer}/.well-known/openid-configuration").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("oidc-provider did not start")


@dataclass
class Browser:
    """A browser: what it keeps of the bridge's cookies, and of the district's."""

    world: World
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str) -> httpx.Response:
        """Ask the bridge."""
        return self._keep(self.world.anonymous.get(path, headers=self._cookie()))

    def post(self, path: str, **how: object) -> httpx.Response:
        """Send a form to the bridge."""
        headers = {**self._cookie(), **dict(how.pop("headers", {}))}  # type: ignore[call-overload] # headers as httpx takes them
        return self._keep(self.world.anonymous.send("POST", path, headers=headers, **how))

    def begin(self, district: str) -> str:
        """Follow the link to the district's sign-in; returns its address."""
        answer = self.get(f"/portal/sign-in/{district}")
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    @staticmethod
    def log_in(address: str, login: str) -> str:
        """Log in at the district's sign-in; returns the address it sends the browser back to."""
        with httpx.Client(trust_env=False, timeout=30) as http:
            page = http.get(address, follow_redirects=True)
            for form in (
                {"prompt": "login", "login": login, "password": "x"},
                {"prompt": "consent"},
            ):
                action = re.search(r'action="([^"]+)"', page.text)
                assert action is not None, page.text[:500]
                page = _to_the_end(http, http.post(action[1], data=form))
                if page.is_redirect:
                    return str(page.headers["location"])
        raise AssertionError(page.text[:500])

    def come_back(self, address: str) -> httpx.Response:
        """Follow the district's answer to the bridge."""
        return self.get(address.removeprefix(BASE))

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}

    def _keep(self, answer: httpx.Response) -> httpx.Response:
        for line in answer.headers.get_list("set-cookie"):
            name, _, rest = line.partition("=")
            value = rest.partition(";")[0].strip('"')
            self.cookies.pop(name, None)
            if value and "Max-Age=0" not in rest:
                self.cookies[name] = value
        return answer


def _to_the_end(http: httpx.Client, page: httpx.Response) -> httpx.Response:
    """Follow redirects up to the one that leads back to the bridge."""
    while page.is_redirect and not str(page.headers["location"]).startswith(CALLBACK):
        page = http.get(page.url.join(page.headers["location"]))
    return page
