"""A bulk export of sessions as the hub makes it, against orjson on the same bytes.

Ours: the server's CPU for the whole file over HTTP: search, decision, minimising, pseudonyms, an
entry in the ledger for each row. The reference does not know consent: it parses what is stored,
looks the session up in a set, keeps the elements a coded row has, and dumps. It takes turns with
ours within one export, some thousand rows at a time: on a machine that others use as well the same
rows cost it half as much again from one minute to the next.
"""

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import orjson
from sqlalchemy import text

from benchmarks.frame import Arms, Sample, UnequalOutputError
from benchmarks.loaded import database, loaded, set_address
from benchmarks.processes import cpu_seconds, memory_bytes
from benchmarks.serving import Server
from bridge.app import open_bridge
from bridge.clock import SystemClock
from bridge.demo.run import HUB, HUB_CLIENT
from bridge.identity.signing import SigningKey
from bridge.settings import read_settings
from bridge.store.database.engine import read

BACKEND = os.environ.get("SCHOOLBRIDGE_BENCH_DATABASE", "sqlite")  # noqa: TID251 - what to measure
_REFERRALS = 20_000
"""With more sessions than this, each student has several."""
SESSIONS = int(os.environ.get("SCHOOLBRIDGE_BENCH_SESSIONS", "1000000"))  # noqa: TID251 - the same
_TURN = max(1000, min(20_000, SESSIONS // 20))
"""After so many rows of ours the reference does as many."""
KEPT = ("resourceType", "id", "status", "class", "type", "subject", "basedOn")
_EVERY = 50


@dataclass(slots=True)
class Hub:
    """The hub's side: its address, its key, and the most memory the server was seen to take."""

    server: Server
    key: SigningKey = field(repr=False)
    memory: int = 0

    def exported(self) -> Iterator[bytes]:
        """Yield the parts of the file of sessions."""
        headers = {"Authorization": f"Bearer {self._token()}"}
        kick = Request(f"{self._base}/fhir/$export?_type=Encounter", headers=headers)  # noqa: S310 - loopback
        kick.add_header("Prefer", "respond-async")
        with urlopen(kick) as answer:  # noqa: S310 - loopback
            place = answer.headers["Content-Location"]
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=120)
        connection.request("GET", f"{urlsplit(place).path}/Encounter.ndjson", headers=headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"status {answer.status}")
        number = 0
        while part := answer.read(65_536):
            if number % _EVERY == 0:
                self.memory = max(self.memory, memory_bytes(self.server.process.pid))
            number += 1
            yield part
        connection.close()

    @property
    def _base(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def _token(self) -> str:
        place = f"{self._base}/auth/token"
        form = {
            "grant_type": "client_credentials",
            "scope": "system/*.rs",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.key.assertion(HUB_CLIENT, place, SystemClock().real_now()),
        }
        with urlopen(place, urlencode(form).encode()) as answer:  # noqa: S310 - loopback
            return str(json.load(answer)["access_token"])


def open_arms() -> Arms:
    """Prepare both; they must give as many rows.

    Raises:
        UnequalOutputError: they do not.
    """
    with ExitStack() as opened:
        several = SESSIONS if SESSIONS > _REFERRALS else 0
        demo = loaded(BACKEND, min(SESSIONS, _REFERRALS), answered=True, sessions=several)
        set_address(demo, database(demo.folder.parent, BACKEND, opened))
        server = Server(demo.start_server(), read_settings(demo.home).port)
        opened.callback(server.stop)
        hub = Hub(server, SigningKey.load_or_generate(demo.folder / "hub" / "key.json"))
        told = {orjson.loads(line)["id"] for line in _lines(hub.exported())}
        stored, consented = _stored(demo.home, demo.folder / "sessions.ndjson", told)
        reference = Reference(stored, consented)
        if reference.turn(None).units != len(told):
            raise UnequalOutputError("the reference gives other rows")
        return Arms(partial(_export, hub, reference), reference.done, opened.pop_all().close)


def _lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from whole


def _stored(home: Path, file: Path, told: set[str]) -> tuple[Path, set[str]]:
    """Write the sessions as they are stored into a file, and return the ids of those told."""
    bridge = open_bridge(read_settings(home))
    query, consented = text("SELECT id, body FROM record WHERE type = 'Encounter'"), set[str]()
    with read(bridge.engine) as connection, file.open("wb") as out:
        streamed = connection.execution_options(stream_results=True)
        for record_id, body in streamed.execute(query):
            out.write(body.encode() + b"\n")
            if bridge.identifiers.pseudonym(HUB, record_id) in told:
                consented.add(record_id)
    bridge.engine.dispose()
    return file, consented


def _export(hub: Hub, reference: "Reference") -> Sample:
    pid, began = hub.server.process.pid, time.monotonic()
    before, rows, turn = cpu_seconds(pid), 0, _TURN
    reference.done()
    for part in hub.exported():
        rows += part.count(b"\n")
        if rows >= turn:
            reference.turn(_TURN)
            turn += _TURN
    spent = cpu_seconds(pid) - before
    sys.stderr.write(f"{rows} rows, server's memory at most {hub.memory / 1e6:.0f} MB\n")
    return Sample(rows, spent, time.monotonic() - began)


class Reference:
    """The other arm, some lines at a time; at the end of the file it begins anew."""

    def __init__(self, stored: Path, consented: set[str]) -> None:
        self._stored, self._consented = stored, consented
        self._lines = stored.open("rb")
        self._rows, self._spent = 0, 0.0

    def turn(self, lines: int | None) -> Sample:
        """Do so many lines, or all to the end; returns what was done since it was last asked."""
        rows, began = 0, time.process_time()
        with Path(os.devnull).open("wb") as out:
            for line in islice(self._lines, lines):
                row = orjson.loads(line)
                if row["id"] in self._consented:
                    kept = {name: row[name] for name in KEPT if name in row}
                    out.write(orjson.dumps(kept) + b"\n")
                    rows += 1
        self._spent += time.process_time() - began
        self._rows += rows
        if not self._lines.peek(1):
            self._lines.seek(0)
        return Sample(self._rows, self._spent)

    def done(self) -> Sample:
        """Return what was done, and begin to count anew."""
        sample = Sample(self._rows, self._spent)
        self._rows, self._spent = 0, 0.0
        return sample
