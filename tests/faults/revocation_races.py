"""Reads of a running server against the revocation of the form they rest on."""

import http.client
import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import orjson
from sqlalchemy import select

from bridge.clock import SystemClock
from bridge.context import Bridge
from bridge.gate.disclosures import subject_of
from bridge.journeys.families.record_releases import revoke_release
from bridge.ledger.entry import Kind
from bridge.ledger.tables import ENTRY
from bridge.parts import parts_of
from bridge.store.database.engine import read
from tests.faults.deployment import CLIENT
from tests.support.listed_rows import every_row
from tests.support.worlds import ASSERTION_TYPE, HARBOR, LEA, client_key

READERS = 2
# A revocation comes at any moment of the first reads, every second one after a read was answered.
MOST_SECONDS = 0.02
TOKEN_SECONDS = 200


@dataclass(slots=True)
class Answer:
    """One read: when it was asked and answered (monotonic seconds), and with what."""

    began: float
    ended: float
    status: int


@dataclass
class Races:
    """What came of the races.

    Attributes:
        subjects: whom they were about, by the ledger's name.
        late: reads begun after the acknowledgement that were answered with the record.
        in_flight: seconds after the acknowledgement at which a read begun before was answered with
            the record; such a release was committed before.
        failed: answers that are neither the record nor "not found".
        waited: seconds until the slowest revocation was acknowledged.
        seconds: how long all of it took.
    """

    subjects: set[str] = field(default_factory=set)
    reads: int = 0
    late: int = 0
    in_flight: list[float] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    waited: float = 0.0
    seconds: float = 0.0

    def committed(self, bridge: Bridge) -> tuple[int, int]:
        """Count releases that the ledger took before the revocation, and after it.

        The order of a log's entries is the order of commits: who writes one holds the head until
        the commit. So nothing between the revocation's commit and its acknowledgement is missed.
        """
        kinds = (Kind.RELEASE.value, Kind.RELEASES.value, Kind.REVOCATION.value)
        query = select(ENTRY.c.log, ENTRY.c.position, ENTRY.c.subject, ENTRY.c.kind)
        query = query.where(ENTRY.c.kind.in_(kinds)).order_by(ENTRY.c.log, ENTRY.c.position)
        revoked, counts, listed = set[str](), [0, 0], dict[tuple[str, int], list[str | None]]()
        with read(bridge.engine) as connection:
            for log, position, row in every_row(connection):
                listed.setdefault((log, position), []).append(row.subject)
            for log, position, subject, kind in connection.execute(query):
                if kind == Kind.REVOCATION.value:
                    revoked.add(subject)
                for each in listed.get((log, position), [subject]):
                    if kind != Kind.REVOCATION.value and each in self.subjects:
                        counts[each in revoked] += 1
        assert self.subjects <= revoked
        return counts[0], counts[1]


@dataclass
class Reader:
    """One connection of a provider's system."""

    base_url: str
    client: str = CLIENT
    _token: str = ""
    _until: float = 0.0

    def __post_init__(self) -> None:
        place = urlsplit(self.base_url)
        assert place.hostname
        self.http = http.client.HTTPConnection(place.hostname, place.port, timeout=30)

    def read_until(
        self, path: str, answered: threading.Event, over: threading.Event
    ) -> list[Answer]:
        """Read a record again and again until it is over, and once more."""
        headers = {"Authorization": f"Bearer {self.token()}", "Accept": "application/fhir+json"}
        answers, more = list[Answer](), True
        while more:
            more = not over.is_set()
            began = time.monotonic()
            self.http.request("GET", path, headers=headers)
            answer = self.http.getresponse()
            answer.read()
            answers.append(Answer(began, time.monotonic(), answer.status))
            answered.set()
        return answers

    def close(self) -> None:
        self.http.close()

    @property
    def signed_in(self) -> bool:
        """Whether it has a token that is good for a while."""
        return time.monotonic() <= self._until

    def token(self) -> str:
        """Return a token that is good for a while."""
        if not self.signed_in:
            place = f"{self.base_url}/auth/token"
            signed = client_key().assertion(self.client, place, SystemClock().real_now())
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": signed,
                "scope": "system/*.rs",
            }
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            self.http.request("POST", "/auth/token", urlencode(form), kind)
            self._token = orjson.loads(self.http.getresponse().read())["access_token"]
            self._until = time.monotonic() + TOKEN_SECONDS
        return self._token


@contextmanager
def readers(base_url: str) -> Iterator[list[Reader]]:
    """Open connections; the kernel shares them out among the server's workers."""
    opened = [Reader(base_url) for _ in range(READERS)]
    try:
        yield opened
    finally:
        for each in opened:
            each.close()


def run_races(bridge: Bridge, reading: Sequence[Reader], numbers: range, seed: int) -> Races:
    """Let one race follow the other, each about a student of its own."""
    dice, races = random.Random(seed), Races()  # noqa: S311 - repeatable, not secret
    began = time.monotonic()
    with ThreadPoolExecutor(len(reading)) as pool:
        for number in numbers:
            lot = (number, number % 2 == 0, dice.uniform(0, MOST_SECONDS))
            _race(bridge, reading, lot, (pool, races))
    races.seconds = time.monotonic() - began
    return races


def _race(
    bridge: Bridge,
    reading: Sequence[Reader],
    lot: tuple[int, bool, float],
    kept: tuple[ThreadPoolExecutor, Races],
) -> None:
    (number, later, wait), (pool, races) = lot, kept
    issue, answered, over = bridge.identifiers.issue, threading.Event(), threading.Event()
    request = issue(LEA, HARBOR, "ServiceRequest", f"R-{number}")
    student = issue("student", LEA, str(1000 + number))
    path = f"/fhir/ServiceRequest/{request}"
    under_way = [pool.submit(each.read_until, path, answered, over) for each in reading]
    try:
        if later:
            answered.wait()
        time.sleep(wait)
        assert revoke_release(parts_of(bridge), issue("release", request, "education"))
        acknowledged = time.monotonic()
        races.subjects.add(subject_of(bridge.identifiers, student))
    finally:
        over.set()
    for answer in (answer for future in under_way for answer in future.result()):
        races.reads += 1
        if answer.status not in {200, 404}:
            races.failed.append(answer.status)
        elif answer.status == 200 and answer.began > acknowledged:
            races.late += 1
        elif answer.status == 200 and answer.ended > acknowledged:
            races.in_flight.append(answer.ended - acknowledged)
