"""Reference: the least a Python server can do. Starlette, one query, the stored bytes.

``python -m benchmarks.arms.ceiling DATABASE PORT TOKEN``. The token is looked up in memory; there
is no consent, no ledger and no check of what is sent. A read is one look-up, a search one join,
its rows one behind the other, a write one commit that is on disk.
"""

import sys

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.arms.stored import FOUND, bundle_of, connected

_JSON = "application/fhir+json"


class Ceiling:
    """The routes, over one connection."""

    def __init__(self, database: str, token: str) -> None:
        self._connection = connected(database)
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
        rows = self._connection.execute(FOUND, sought).fetchall()
        return Response(bundle_of(rows), media_type=_JSON)

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


if __name__ == "__main__":
    path, port, secret = sys.argv[1:]
    uvicorn.run(application(path, secret), port=int(port), access_log=False, log_level="warning")
