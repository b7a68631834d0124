"""Reference: the least a Python server can do for a read. Starlette, one query, the stored bytes.

``python -m benchmarks.arms.ceiling DATABASE PORT TOKEN``. The token is looked up in memory; there
is no consent, no ledger and no other table.
"""

import sys

import uvicorn
from pysqlite3 import dbapi2 as sqlite
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def application(database: str, token: str) -> Starlette:
    connection = sqlite.connect(database)
    known = {f"Bearer {token}"}

    async def read(request: Request) -> Response:
        if request.headers.get("authorization") not in known:
            return Response(status_code=401)
        found = connection.execute(
            "SELECT body FROM resource WHERE type = ? AND id = ?",
            (request.path_params["type"], request.path_params["id"]),
        ).fetchone()
        if found is None:
            return Response(status_code=404)
        return Response(found[0], media_type="application/fhir+json")

    return Starlette(routes=[Route("/fhir/{type}/{id}", read)])


def fill(database: str, resources: dict[str, bytes]) -> None:
    """Store the bytes of each ``Type/id``."""
    with sqlite.connect(database) as connection:
        connection.execute("CREATE TABLE resource (type, id, body, PRIMARY KEY (type, id))")
        rows = [(*place.split("/"), body) for place, body in resources.items()]
        connection.executemany("INSERT INTO resource VALUES (?, ?, ?)", rows)


if __name__ == "__main__":
    path, port, secret = sys.argv[1:]
    uvicorn.run(application(path, secret), port=int(port), access_log=False, log_level="warning")
