"""A partner that exports in bulk over HTTP: kick-off, manifest, files, as often as it must."""

import http.client
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

import orjson

from tests.faults.deployment import CLIENT
from tests.faults.revocation_races import Races, Reader
from tests.faults.stages import Stages, until

BROKEN = (http.client.HTTPException, OSError)
T = TypeVar("T")
KICK_OFF, MANIFEST, FILE, ROWS = "kick-off", "manifest", "file", "rows of a file"
SIGN_IN = "sign-in"
STAGES = (SIGN_IN, KICK_OFF, MANIFEST, FILE, ROWS)
"""What an export goes through; a file is only asked for until its first row has come."""
TYPES = ("Patient", "ServiceRequest", "Task")
REVOKERS = 8
"""So many at a time take something back: who waits for the part under way holds up no other."""
MOST_SECONDS = 0.1
"""From one to the next of each of them: as long as a part may take, so they fall all over it."""


@dataclass
class Download:
    """One file as it came: when it was asked for (monotonic seconds), and its rows by id."""

    began: float
    rows: dict[str, bytes]


@dataclass
class Exporter:
    """One connection of a partner; opened anew where it broke.

    Attributes:
        client, types: who exports, and what.
        stages: what it is at now; whoever wants to hit a stage waits for it.
        lost: manifests of acknowledged exports that were not found.
    """

    base_url: str
    client: str = CLIENT
    types: tuple[str, ...] = TYPES
    stages: Stages = field(default_factory=Stages)
    lost: int = 0
    retries: int = 0
    rows_received: int = 0
    _reader: Reader = field(init=False)
    _answer: http.client.HTTPResponse | None = None

    def __post_init__(self) -> None:
        self._reader = Reader(self.base_url, self.client)

    def exported(self) -> dict[str, dict[str, bytes]]:
        """Return the rows of one whole export, by type and id, whatever breaks on the way."""
        place = urlsplit(self._until_done(self._kicked_off)).path
        files = self._until_done(lambda: self._manifest(place))
        rows: dict[str, dict[str, bytes]] = {}
        for kind, url in files:
            found = self._until_done(lambda url=url: self.downloaded(url)).rows
            rows.setdefault(kind, {}).update(found)
        return rows

    def files(self) -> list[tuple[str, str]]:
        """Begin an export and return the types and addresses of its files."""
        return self._manifest(urlsplit(self._kicked_off()).path)

    def downloaded(self, path: str) -> Download:
        """Return one file; raises where it breaks off."""
        began = time.monotonic()
        answer = self._asked(path, {}, FILE)
        assert answer.status == 200, answer.status
        rows: dict[str, bytes] = {}
        for line in _lines(answer):
            if not rows:
                self.stages.enter(ROWS)
            self.rows_received += 1
            rows[orjson.loads(line)["id"]] = line
        return Download(began, rows)

    def close(self) -> None:
        if self._answer is not None:  # what broke off keeps the connection open
            self._answer.close()
        self._reader.close()

    def _until_done(self, step: Callable[[], T]) -> T:
        while True:
            try:
                return step()
            except BROKEN:
                self.stages.broken()
                self.retries += 1
                self.close()
                self._reader = Reader(self.base_url, self.client)
                time.sleep(0.02)

    def _kicked_off(self) -> str:
        path = f"/fhir/$export?_type={','.join(self.types)}"
        answer = self._asked(path, {"Prefer": "respond-async"}, KICK_OFF)
        answer.read()
        assert answer.status == 202, answer.status
        return str(answer.headers["Content-Location"])

    def _manifest(self, path: str) -> list[tuple[str, str]]:
        answer = self._asked(path, {}, MANIFEST)
        body = answer.read()
        self.lost += answer.status == 404
        assert answer.status == 200, answer.status
        return [(f["type"], urlsplit(f["url"]).path) for f in orjson.loads(body)["output"]]

    def _asked(self, path: str, headers: dict[str, str], stage: str) -> http.client.HTTPResponse:
        if not self._reader.signed_in:
            self.stages.enter(SIGN_IN)
        token = {"Authorization": f"Bearer {self._reader.token()}"}
        self.stages.enter(stage)
        self._reader.http.request("GET", path, headers=token | headers)
        answer = self._answer = self._reader.http.getresponse()
        if answer.status in (500, 503):  # a database that recovers
            answer.read()
            raise ConnectionError(str(answer.status))
        return answer


def _lines(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    rest = b""
    while part := answer.read1(65_536):
        *lines, rest = (rest + part).split(b"\n")
        yield from lines
    if rest or not answer.isclosed():
        raise http.client.IncompleteRead(rest)


def downloads(exporter: Exporter, over: threading.Event) -> list[Download]:
    """Export again and again until it is over, and once more."""
    found, more = list[Download](), True
    while more:
        more = not over.is_set()
        for _, url in exporter.files():
            found.append(exporter.downloaded(url))
    return found


def exports_raced(
    partners: Sequence[Exporter],
    numbers: Sequence[int],
    run: int,
    take_back: Callable[[int], None],
    acknowledged: Mapping[str, float],
) -> Races:
    """Take something back, in an order of chance, while partners export; tells what came of it.

    Args:
        partners: who exports without pause. Nothing is taken back before one has a first row.
        numbers: of what is taken back, each once.
        run: the seed.
        take_back: takes one back and notes, once that is acknowledged, when it was.
        acknowledged: those times (monotonic seconds), by the ids of the rows that are closed.
    """
    dice, came, over, began = random.Random(run), Races(), threading.Event(), time.monotonic()  # noqa: S311 - repeatable
    mixed = dice.sample(numbers, len(numbers))
    shares = [(mixed[n::REVOKERS], dice.random()) for n in range(REVOKERS)]
    with ThreadPoolExecutor(len(partners) + REVOKERS) as pool:
        reading = [pool.submit(downloads, each, over) for each in partners]
        try:
            until(lambda: any(each.rows_received for each in partners), began + 60)
            revoking = [pool.submit(_taken_back, take_back, *each) for each in shares]
            came.waited = max(each.result() for each in revoking)
        finally:
            over.set()
        files = [file for each in reading for file in each.result()]
    for each in partners:
        each.close()
    _judge(came, files, acknowledged)
    came.seconds = time.monotonic() - began
    return came


def _taken_back(take_back: Callable[[int], None], numbers: Sequence[int], run: float) -> float:
    """Take one after the other back; returns how many seconds the slowest took."""
    dice, slowest = random.Random(run), 0.0  # noqa: S311 - repeatable, not secret
    for number in numbers:
        time.sleep(dice.uniform(0, MOST_SECONDS))
        asked = time.monotonic()
        take_back(number)
        slowest = max(slowest, time.monotonic() - asked)
    return slowest


def _judge(came: Races, files: list[Download], acknowledged: Mapping[str, float]) -> None:
    """Count the files, and the rows in them of what was closed before they began."""
    came.reads = len(files)
    for file in files:
        told = (acknowledged[each] for each in file.rows if each in acknowledged)
        came.late += sum(at < file.began for at in told)
