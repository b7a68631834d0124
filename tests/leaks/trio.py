"""Asking three worlds the same and comparing every byte of the answers.

Nothing is normalised but what is random in each request by design:

* the sealed position inside a ``next`` link (a nonce and 42 sealed bytes, 72 characters);
* the id of an export job (16 random bytes);
* an access token and a session cookie just issued, and what a form of that session carries.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import httpx
from sqlalchemy import Engine
from starlette.types import ASGIApp

from bridge.app import create_app
from bridge.gate import Gate
from bridge.identifiers import Identifiers
from tests.leaks.callers import Opened, open_world
from tests.leaks.viewpoints import Variant, Viewpoint
from tests.support.worlds import BASE, NOW

_RANDOM = (
    (re.compile(rb"(_page=)[A-Za-z0-9_-]{72}(?![A-Za-z0-9_%-])"), rb"\1*"),
    (re.compile(rb"(/fhir/bulk/)[0-9a-f]{32}(?![0-9a-f])"), rb"\1*"),
    (re.compile(rb'("access_token":")[A-Za-z0-9_-]{43}(")'), rb"\1*\2"),
    (re.compile(rb'(name="page_key" value=")[0-9a-f]{64}(")'), rb"\1*\2"),
    (re.compile(rb'(data-form=")[0-9a-f]{64}(")'), rb"\1*\2"),
    (re.compile(rb"(schoolbridge_session=)[A-Za-z0-9_-]{43}(;)"), rb"\1*\2"),
)
_NEXT = re.compile(r'"relation":"next","url":"([^"]+)"')
PAGE, JOB = "{page}", "{job}"
Around = Callable[[ASGIApp, Engine], ASGIApp]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. ``slot`` chooses which page link or export job of each world it is about."""

    caller: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    staff: str = ""
    slot: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, every header in order, and the body; random parts replaced."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


@dataclass
class Side:
    """One of the worlds, with the page links and jobs it gave out."""

    opened: Opened
    variant: Variant
    client: httpx.AsyncClient
    pages: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)

    async def ask(self, ask: Ask) -> Answer:
        path = ask.path
        if path == PAGE:
            path = self.pages[ask.slot % len(self.pages)]
        elif path.startswith(JOB):
            path = path.replace(JOB, self.jobs[ask.slot % len(self.jobs)], 1)
        headers = list(ask.headers)
        if token := self.opened.tokens.get(ask.caller):
            headers.append(("Authorization", f"Bearer {token}"))
        if ask.staff:
            session = self.opened.sessions[ask.staff]
            headers.append(("Cookie", f"schoolbridge_session={session}"))
        sent = await self.client.request(ask.method, path, headers=headers, content=ask.body)
        self._keep(sent)
        raw = tuple((name, cleaned(value)) for name, value in sent.headers.raw)
        return Answer(sent.status_code, raw, cleaned(sent.content))

    def _keep(self, answer: httpx.Response) -> None:
        found = _NEXT.search(answer.text) if answer.status_code == 200 else None
        if found and len(self.pages) < 500:
            self.pages.append(found[1].removeprefix(BASE))
        place = answer.headers.get("content-location", "")
        if answer.status_code == 202 and place and len(self.jobs) < 200:
            self.jobs.append(place.removeprefix(BASE))


def cleaned(raw: bytes) -> bytes:
    """Replace what is random in every request."""
    for pattern, instead in _RANDOM:
        raw = pattern.sub(instead, raw)
    return raw


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two worlds answered differently."""

    number: int
    ask: Ask
    answers: tuple[Answer, Answer, Answer]

    def __str__(self) -> str:
        bodies = "\n".join(f"  {a.status} {a.headers} {a.body[:1500]!r}" for a in self.answers)
        return f"triple {self.number}: {self.ask}\n{bodies}"


@dataclass
class Trio:
    """Three worlds that one viewpoint must not tell apart."""

    view: Viewpoint
    sides: tuple[Side, Side, Side]

    async def ask(self, number: int, ask: Ask, seen: list[Answer]) -> Difference | None:
        """Ask all three, one second later than the last time; ``seen`` gets the answers."""
        for side in self.sides:
            side.opened.at(NOW + timedelta(seconds=number))
            seen.append(await side.ask(ask))
        full, absent, different = seen
        if full == absent == different:
            return None
        return Difference(number, ask, (full, absent, different))

    @property
    def first(self) -> Opened:
        """The world in which the hidden rows are there."""
        return self.sides[0].opened


def populated(view: Viewpoint, folder: Path) -> tuple[Opened, ...]:
    """Fill the three worlds of a viewpoint, through the real gate."""
    worlds = []
    for variant in Variant:
        worlds.append(open_world(folder / variant.value))
        view.populate(worlds[-1], variant)
    return tuple(worlds)


@contextmanager
def three_worlds(
    view: Viewpoint,
    models: Sequence[Opened],
    folder: Path,
    gate: type[Gate] = Gate,
    identifiers: type[Identifiers] = Identifiers,
    around: Around | None = None,
) -> Iterator[Trio]:
    """Copy three worlds and let requests be answered by a gate of a test's own making.

    ``around`` stands in front of each application, as a server or a proxy would.
    """
    sides = []
    for variant, model in zip(Variant, models, strict=True):
        opened = model.copied(folder / variant.value)
        bridge = opened.world.bridge
        names = identifiers(bridge.settings.secret)
        answering = gate(bridge.engine, bridge.clock, names)
        # What is hidden goes on through the world's own, real application.
        app = create_app(replace(bridge, gate=answering, identifiers=names))
        front = around(app, bridge.engine) if around else app
        inside = httpx.ASGITransport(front, raise_app_exceptions=False)
        sides.append(Side(opened, variant, httpx.AsyncClient(transport=inside, base_url=BASE)))
    first, second, third = sides
    yield Trio(view, (first, second, third))
    for side in sides:
        side.opened.world.bridge.engine.dispose()
