"""A bulk export of sessions as the hub makes it, against orjson on the same bytes.

Ours: the server's CPU for the whole file over HTTP: search, decision, minimising, pseudonyms, an
entry in the ledger for each row. The reference does not know consent: it parses what is stored,
looks the session up in a set, keeps the elements a coded row has, and dumps.
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
        if _reference(stored, consented).units != len(told):
            raise UnequalOutputError("the reference gives other rows")
        theirs = partial(_reference, stored, consented)
        return Arms(partial(_export, hub), theirs, opened.pop_all().close)


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


def _export(hub: Hub) -> Sample:
    pid, began = hub.server.process.pid, time.monotonic()
    before, rows = cpu_seconds(pid), 0
    for part in hub.exported():
        rows += part.count(b"\n")
    spent = cpu_seconds(pid) - before
    sys.stderr.write(f"{rows} rows, server's memory at most {hub.memory / 1e6:.0f} MB\n")
    return Sample(rows, spent, time.monotonic() - began)


def _reference(stored: Path, consented: set[str]) -> Sample:
    rows, began = 0, time.process_time()
    with stored.open("rb") as lines, Path(os.devnull).open("wb") as out:
        for line in lines:
            row = orjson.loads(line)
            if row["id"] in consented:
                out.write(orjson.dumps({name: row[name] for name in KEPT if name in row}) + b"\n")
                rows += 1
    return Sample(rows, time.process_time() - began)
