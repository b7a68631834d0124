"""Sending the sweep and looking for canaries in all that comes back."""

import asyncio
import csv
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import httpx
import orjson
from sqlalchemy import text

from bridge.store.database.engine import read
from tests.leaks.callers import Opened
from tests.leaks.canaries import MARK, Canaries, Hit
from tests.leaks.canary_world import RELEASED, STATES, CanaryWorld
from tests.leaks.route_table import ROUTES
from tests.leaks.sweep import CALLERS, PARTS, Sweep
from tests.leaks.trio import Ask
from tests.support.worlds import BASE

SENT_FROM = 0x800000
"""Canaries that are sent are numbered from here on, far beyond those that are stored."""
MAY_APPEAR = Path(__file__).with_name("may-appear.csv")
_PLACE = re.compile(r"\{[a-z_]+\}")
Seen = tuple[str, str, str, str]
"""View, state, path and disguise of a canary that came back."""


@dataclass
class Report:
    """What a sweep scanned and what it found."""

    canaries: int = 0
    requests: int = 0
    scanned: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    routes: Counter[tuple[str, str]] = field(default_factory=Counter)
    seen: Counter[Seen] = field(default_factory=Counter)
    echoed: list[str] = field(default_factory=list)
    cacheable: list[str] = field(default_factory=list)
    compressed: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        size = f"{self.scanned / 1e6:.1f} MB"
        return (
            f"{self.canaries} canaries x {size}: {self.requests} requests, "
            f"{len(self.routes)} routes, {dict(self.statuses)}"
        )


@dataclass
class Scanner:
    """Sends asks of one caller after another and scans every answer."""

    world: CanaryWorld
    client: httpx.AsyncClient
    report: Report = field(default_factory=Report)
    sent: Canaries = field(default_factory=Canaries)

    async def sweep(self, callers: Sequence[str] = CALLERS, parts: Collection[str] = PARTS) -> None:
        ids, values = known(self.world.opened)
        self.sent.labels.extend([self.world.canaries.labels[0]] * SENT_FROM)
        for caller in callers:
            turn = Sweep(caller, ids, values, self.sent, recalls_of(self.world.opened))
            for part in parts:
                for ask in PARTS[part](turn):
                    turn.keep(ask, await self.ask(ask))
        self.report.canaries = len(self.world.canaries.labels) + len(self.sent.labels) - SENT_FROM

    async def ask(self, ask: Ask) -> httpx.Response:
        headers = [*ask.headers, ("Accept-Encoding", "gzip, br, deflate, zstd")]
        if token := self.world.opened.tokens.get(ask.caller):
            headers.append(("Authorization", f"Bearer {token}"))
        if ask.staff:
            session = self.world.opened.sessions[ask.staff]
            headers.append(("Cookie", f"schoolbridge_session={session}"))
        answer = await self.client.request(ask.method, ask.path, headers=headers, content=ask.body)
        self.report.requests += 1
        self.report.statuses[answer.status_code] += 1
        if route := route_of(ask):
            self.report.routes[route] += 1
        # Style sheets and scripts are files of the program: kept for good under a name of theirs.
        private = not ask.path.startswith("/portal/static/")
        kept = answer.headers.get("cache-control") != "no-store" or "vary" not in answer.headers
        if private and kept:
            self.report.cacheable.append(f"{ask.method} {ask.path[:60]}: {answer.status_code}")
        if "content-encoding" in answer.headers:
            self.report.compressed.append(f"{ask.method} {ask.path[:60]}")
        head = b"\n".join(name + b": " + value for name, value in answer.headers.raw)
        self.take(ask, head)
        self.take(ask, answer.content)
        return answer

    def take(self, ask: Ask, raw: bytes) -> None:
        """Scan some bytes that came back to a request."""
        self.report.scanned += len(raw)
        for hit in self.world.canaries.found_in(raw) | self.sent.found_in(raw):
            self._note(ask, hit, raw)

    def _note(self, ask: Ask, hit: Hit, raw: bytes) -> None:
        if hit.number >= SENT_FROM:
            if not own_words(ask, raw):
                self.report.echoed.append(f"{ask.method} {ask.path[:60]}: {hit.disguise}")
            return
        asked_for = MARK.lower() in ask.path.partition("?")[2].lower()
        if asked_for and raw.startswith(b"{") and own_words(ask, raw):
            return  # a known value that was searched for comes back in the answer's own address
        state, path = ("?", "?")
        if hit.number >= 0:
            label = self.world.canaries.labels[hit.number]
            state, path = label.state, label.path
        self.report.seen[ask.caller or ask.staff, state, path, hit.disguise] += 1


def own_words(ask: Ask, raw: bytes) -> bool:
    """Whether what came back of a search is its own address, or the name it got wrong."""
    if ask.method != "GET" or "?" not in ask.path:
        return False
    mark, said = MARK.lower(), raw.lower()  # an index keeps words in small letters
    if raw.startswith(b'{"resourceType":"OperationOutcome"'):
        name = ask.path.partition("?")[2].partition("=")[0].lower().encode()
        return mark.encode() in name and said.count(mark.encode()) == 2 * name.count(mark.encode())
    links = [link["url"] for link in orjson.loads(raw)["link"]]
    return said.count(mark.encode()) == sum(url.lower().count(mark) for url in links)


def route_of(ask: Ask) -> tuple[str, str] | None:
    """Return the row of the table of routes a request belongs to: the most exact one."""
    path = ask.path.partition("?")[0]
    fitting = [row for row in ROUTES if row.method == ask.method and _of(row.path).fullmatch(path)]
    fitting.sort(key=lambda row: len(_PLACE.sub("", row.path)))
    return (fitting[-1].method, fitting[-1].path) if fitting else None


@cache
def _of(template: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, _PLACE.split(template))))


def known(opened: Opened) -> tuple[dict[str, list[str]], dict[tuple[str, str], list[str]]]:
    """Return every id and every search value that is stored."""
    ids: dict[str, list[str]] = {}
    values: dict[tuple[str, str], list[str]] = {}
    with read(opened.world.bridge.engine) as connection:
        for kind, record_id in connection.execute(text("SELECT type, id FROM record ORDER BY id")):
            ids.setdefault(kind, []).append(record_id)
        query = "SELECT DISTINCT type, param, value FROM search_value ORDER BY value"
        for kind, param, value in connection.execute(text(query)):
            if MARK not in value:  # the link to the search would repeat it
                values.setdefault((kind, param), []).append(value)
    return ids, values


def recalls_of(opened: Opened) -> list[str]:
    """Return the id of every recall notice."""
    with read(opened.world.bridge.engine) as connection:
        return list(connection.execute(text("SELECT id FROM recall ORDER BY id")).scalars())


def inside(world: CanaryWorld, app: object = None) -> httpx.AsyncClient:
    """Return a client that talks to the application in this process."""
    asgi = httpx.ASGITransport(app or world.opened.world.app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=asgi, base_url=BASE)


def swept(world: CanaryWorld, app: object = None, **how: object) -> Scanner:
    """Sweep a world in this process."""

    made: list[Scanner] = []

    async def run() -> None:  # returns nothing: the event loop's end writes out what it returned
        async with inside(world, app) as client:
            made.append(Scanner(world, client))
            await made[0].sweep(**how)

    asyncio.run(run())
    return made[0]


VIEWS = {
    "harbor intake": ("provider", "own"),
    "cove intake": ("provider", "own"),
    "harbor billing": ("own",),
    "harbor safety": ("own",),
    "coordinator": ("school", "follow-up"),
    "counselor": ("follow-up",),
    "administrator": ("follow-up",),
    "hub loader": ("hub",),
}
_WITH_SESSIONS = {*RELEASED, "revoked"}
WHOSE: dict[tuple[str, str], set[str]] = {
    ("provider", "released"): set(RELEASED),
    ("own", "sessions"): _WITH_SESSIONS,
    ("school", "visits"): {"visits"},
    ("follow-up", "all"): set(STATES),
    ("hub", "rows"): set(STATES),
    ("hub", "sessions"): (_WITH_SESSIONS - {"part2"}) | {"other"},
}
"""Whose records a row of the table speaks of, by state of consent."""


def table() -> list[dict[str, str]]:
    """Return the table of what may appear."""
    with MAY_APPEAR.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def allowing(seen: Seen, rows: Sequence[dict[str, str]]) -> int | None:
    """Return the number of the row that lets a canary appear, or None: a leak."""
    caller, state, path, disguise = seen
    for n, row in enumerate(rows):
        if row["view"] not in VIEWS.get(caller, ()) or disguise != "plain":
            continue
        whose = WHOSE[row["view"], row["whose"]]
        if caller == "cove intake":
            whose = {"other"}
        if state in whose and fnmatchcase(path, row["path"]):
            return n
    return None


def leaks(report: Report) -> list[Seen]:
    """Return every canary that appeared where no row of the table lets it."""
    rows = table()
    return sorted(seen for seen in report.seen if allowing(seen, rows) is None)
