"""Reference: fhirstarter over SQLite, as its own example builds a server.

``.fhirstarter/bin/python -m benchmarks.arms.fhirstarter_server DATABASE PORT TOKEN`` with
``FHIR_SEQUENCE=R4B``. The database is the ceiling's, and so is the token: a look-up in memory, less
than its users would do. There is no consent and no ledger; what is sent and what is answered are
models of fhir.resources, as the framework wants them.
"""

import sys
from uuid import uuid4

import uvicorn
from fastapi import Request
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.encounter import Encounter
from fhir.resources.R4B.servicerequest import ServiceRequest
from fhirstarter import FHIRProvider, FHIRStarter, InteractionContext
from fhirstarter.exceptions import FHIRResourceNotFoundError, FHIRUnauthorizedError

from benchmarks.arms.stored import FOUND, bundle_of, connected


class Handlers:
    """What a developer writes: the framework calls them with models."""

    def __init__(self, database: str, token: str) -> None:
        self._connection = connected(database)
        self._known = {f"Bearer {token}"}

    def _require_token(self, request: Request) -> None:
        if request.headers.get("authorization") not in self._known:
            raise FHIRUnauthorizedError("no such token")

    async def read(self, context: InteractionContext, id_: str) -> ServiceRequest:
        self._require_token(context.request)
        found = self._connection.execute(
            "SELECT body FROM resource WHERE type = 'ServiceRequest' AND id = ?", (id_,)
        ).fetchone()
        if found is None:
            raise FHIRResourceNotFoundError
        return ServiceRequest.model_validate_json(found[0])

    async def search(self, context: InteractionContext, performer: str, status: str) -> Bundle:
        self._require_token(context.request)
        after = int(context.request.query_params["after"])
        sought = ("ServiceRequest", performer, status, after)
        rows = self._connection.execute(FOUND, sought).fetchall()
        return Bundle.model_validate_json(bundle_of(rows))

    async def create(self, context: InteractionContext, resource: Encounter) -> str:
        self._require_token(context.request)
        resource.id = str(uuid4())
        body = resource.model_dump_json()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO written (body) VALUES (?)", (body,))
        self._connection.execute("COMMIT")
        return resource.id


def application(database: str, token: str) -> FHIRStarter:
    handlers, provider = Handlers(database, token), FHIRProvider()
    provider.read(ServiceRequest)(handlers.read)
    provider.search_type(ServiceRequest)(handlers.search)
    provider.create(Encounter)(handlers.create)
    made = FHIRStarter()
    made.add_providers(provider)
    return made


if __name__ == "__main__":
    path, port, secret = sys.argv[1:]
    uvicorn.run(application(path, secret), port=int(port), access_log=False, log_level="warning")
