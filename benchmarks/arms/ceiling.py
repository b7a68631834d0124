"""Reference: the least a Python server can do. Starlette, one query, the stored bytes.

``python -m benchmarks.arms.ceiling DATABASE PORT TOKEN``. The token is looked up in memory; there
is no consent, no ledger and no check of what is sent. A read is one look-up, a search one join,
its rows one behind the other, a write one commit that is on disk.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
import uvicorn
from pysqlite3 import dbapi2 as sqlite
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

COUNT = 20
_TABLES = (
    "CREATE TABLE resource (type, id, body, PRIMARY KEY (type, id))",
    "CREATE TABLE found (place INTEGER PRIMARY KEY, type, party, status, id, patient)",
    "CREATE INDEX by_party ON found (type, party, status, place)",
    "CREATE TABLE written (id INTEGER PRIMARY KEY, body)",
)
_FOUND = (
    "SELECT r.body, p.body FROM found f JOIN resource r ON r.type = f.type AND r.id = f.id"
    " LEFT JOIN resource p ON p.type = 'Patient' AND p.id = f.patient"
    " WHERE f.type = ? AND f.party = ? AND f.status = ? AND f.place > ? ORDER BY f.place"
    " LIMIT 20"
)
_JSON = "application/fhir+json"


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource a search of its type finds, in that order.

    Attributes:
        place: ``Type/id``.
        party, status: what it is found by.
        patient: id of the Patient to include; "" for none.
    """

    place: str
    body: bytes
    party: str = ""
    status: str = ""
    patient: str = ""


class Ceiling:
    """The routes, over one connection."""

    def __init__(self, database: str, token: str) -> None:
        self._connection = sqlite.connect(database, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._known = {f"Bearer {token}"}

    def _allowed(self, request: Request) -> bool:
        return request.headers.get("authorization") in self._known

    async def read(self, request: Request) -> Response:
        if not self._allowed(request):
            return Response(status_code=401)
        found = self._connection.execute(
            "SELECT body FROM resource WHERE type = ? AND id = ?",
            (request.path_params["type"], request.path_params["id"]),
        ).fetchone()
        return Response(found[0], media_type=_JSON) if found else Response(status_code=404)

    async def search(self, request: Request) -> Response:
        if not self._allowed(request):
            return Response(status_code=401)
        asked = request.query_params
        party = asked.get("performer") or asked["owner"]
        sought = (request.path_params["type"], party, asked["status"], int(asked["after"]))
        rows = self._connection.execute(_FOUND, sought).fetchall()
        return Response(_bundle(rows), media_type=_JSON)

    async def write(self, request: Request) -> Response:
        if not self._allowed(request):
            return Response(status_code=401)
        sent = orjson.loads(await request.body())
        entries = sent["entry"] if sent["resourceType"] == "Bundle" else [{"resource": sent}]
        bodies = [orjson.dumps(entry["resource"]) for entry in entries]
        self._connection.execute("BEGIN IMMEDIATE")
        rows = [(body,) for body in bodies]
        self._connection.executemany("INSERT INTO written (body) VALUES (?)", rows)
        self._connection.execute("COMMIT")
        if sent["resourceType"] != "Bundle":
            return Response(bodies[0], 201, media_type=_JSON)
        answered = b",".join(b'{"resource":' + body + b"}" for body in bodies)
        head = b'{"resourceType":"Bundle","type":"transaction-response","entry":['
        return Response(head + answered + b"]}", media_type=_JSON)


def application(database: str, token: str) -> Starlette:
    made = Ceiling(database, token)
    return Starlette(
        routes=[
            Route("/fhir/{type}/{id}", made.read),
            Route("/fhir/{type}", made.search),
            Route("/fhir/{type}", made.write, methods=["POST"]),
            Route("/fhir", made.write, methods=["POST"]),
        ]
    )


def _bundle(rows: Sequence[tuple[bytes, bytes | None]]) -> bytes:
    entries = [b'{"resource":' + body + b',"search":{"mode":"match"}}' for body, _ in rows]
    extra = dict.fromkeys(patient for _, patient in rows if patient is not None)
    entries += [b'{"resource":' + body + b',"search":{"mode":"include"}}' for body in extra]
    head = b'{"resourceType":"Bundle","type":"searchset","entry":['
    return head + b",".join(entries) + b"]}"


def fill(database: str, stored: Sequence[Stored]) -> None:
    """Store resources and what they are found by."""
    with sqlite.connect(database) as connection:
        for statement in _TABLES:
            connection.execute(statement)
        rows = [(*each.place.split("/"), each.body) for each in stored]
        connection.executemany("INSERT OR IGNORE INTO resource VALUES (?, ?, ?)", rows)
        connection.executemany("INSERT INTO found VALUES (NULL, ?, ?, ?, ?, ?)", _found(stored))


def _found(stored: Sequence[Stored]) -> Iterator[tuple[str, str, str, str, str]]:
    for each in stored:
        kind, _, record_id = each.place.partition("/")
        if each.party:
            yield kind, each.party, each.status, record_id, each.patient


if __name__ == "__main__":
    path, port, secret = sys.argv[1:]
    uvicorn.run(application(path, secret), port=int(port), access_log=False, log_level="warning")
