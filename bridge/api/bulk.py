"""Bulk Data export (HL7 Bulk Data Access 2.0): kick-off, manifest, files.

No file is ever written: each download searches, decides and enters the ledger again, in parts of
:data:`PART` rows. A consent revoked between kick-off and download takes its rows out of the file.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Path, Request, Response

from bridge.api.replies import Reply, document_reply, ndjson_response
from bridge.api.writing import writing
from bridge.context import Call, CallOf
from bridge.errors import BadRequestError, Finding, NotFoundError
from bridge.gate import Query, Released
from bridge.gate.riding import outcome_of
from bridge.store.engine import read, write
from bridge.store.export_jobs import ExportJob, drop_job, job_of, last_change, put_job
from bridge.store.index import PARAMETERS

router = APIRouter(prefix="/fhir")

PART = 200
NOTICES = "OperationOutcome"
LIFETIME = timedelta(hours=1)
FORMATS = ("application/fhir+ndjson", "application/ndjson", "ndjson")
JobId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


@router.get("/$export")
def kick_off(request: Request, call: CallOf) -> Response:
    """Start a system-level export of the types the caller's scopes cover."""
    if "respond-async" not in request.headers.get("prefer", ""):
        text = "Send the header Prefer: respond-async."
        raise BadRequestError(Finding("required", text))
    types, since = _parameters(call, parse_qsl(request.url.query, keep_blank_values=True))
    now = call.bridge.clock.now()
    with write(call.bridge.engine) as connection:
        job = ExportJob(
            id=secrets.token_hex(16),
            client_id=call.caller.client_id,
            organization=call.caller.organization,
            types=" ".join(types),
            since=since,
            request_url=f"{call.bridge.settings.base_url}{request.url.path}?{request.url.query}",
            created_at=now,
            transaction_time=now,
            upto_change=last_change(connection),
            expires_at=now + LIFETIME,
        )
        put_job(connection, job)
    place = f"{call.bridge.settings.fhir_base}/bulk/{job.id}"
    return Reply(202, b"", {"Content-Location": place}).response()


@router.get("/bulk/{job_id}")
def manifest(job_id: JobId, call: CallOf) -> Response:
    """Name the files of an export: the types that have rows the caller may see.

    Messages about an export stand under ``error``, whatever their severity (Bulk Data 2.0): here
    the notices that can ride with any of its rows. Each row's Meta says which do.
    """
    job = _job(call, job_id)
    here = f"{call.bridge.settings.fhir_base}/bulk/{job.id}"
    with writing(call) as connection:
        files = [
            {"type": kind, "url": f"{here}/{kind}.ndjson"}
            for kind in job.types.split()
            if call.bridge.gate.now_visible(connection, call.caller, _query(job, kind, 0))
        ]
    told = bool(call.bridge.gate.standing_notices(call.caller))
    document = {
        "transactionTime": job.transaction_time.isoformat(timespec="milliseconds"),
        "request": job.request_url,
        "requiresAccessToken": True,
        "output": files,
        "error": [{"type": NOTICES, "url": f"{here}/{NOTICES}.ndjson"}] if told else [],
    }
    return document_reply(document, "application/json").response()


@router.get("/bulk/{job_id}/{kind}.ndjson")
def file(job_id: JobId, kind: str, call: CallOf) -> Response:
    """Stream one type of an export, deciding each part as it is sent; or its notices."""
    job = _job(call, job_id)
    notices = call.bridge.gate.standing_notices(call.caller) if kind == NOTICES else ()
    if notices:
        return Response(outcome_of(notices) + b"\n", media_type=FORMATS[0])
    if kind not in job.types.split():
        raise NotFoundError
    call.require(kind, "read")
    return ndjson_response(_parts(call, job, kind))


@router.delete("/bulk/{job_id}")
def cancel(job_id: JobId, call: CallOf) -> Response:
    """Cancel an export; its files are gone at once."""
    with write(call.bridge.engine) as connection:
        if not drop_job(connection, job_id, call.caller.client_id):
            raise NotFoundError
    return Reply(202, b"").response()


def _parts(call: Call, job: ExportJob, kind: str) -> Iterator[Released]:
    after = 0
    while True:
        query = _query(job, kind, after)
        released = call.bridge.gate.search(call.caller, query, (), call.request_id)
        if released.matches:
            yield released
        if len(released.matches) < PART:
            return
        after = released.last[0]


def _query(job: ExportJob, kind: str, after: int) -> Query:
    updated = (("ge", job.since),) if job.since else ()
    part = Query(kind, updated=updated, after_change=after, upto_change=job.upto_change)
    return replace(part, limit=PART, interaction="read")


def _job(call: Call, job_id: str) -> ExportJob:
    with read(call.bridge.engine) as connection:
        job = job_of(connection, job_id, call.caller.client_id, call.bridge.clock.now())
    if job is None:
        raise NotFoundError
    return job


def _parameters(call: Call, given: Sequence[tuple[str, str]]) -> tuple[list[str], datetime | None]:
    """Read ``_type`` (repeated or comma-separated), ``_since`` and ``_outputFormat``."""
    allowed = [kind for kind in sorted(PARAMETERS) if call.caller.limits(kind, "read")]
    types: list[str] = []
    since = None
    for name, value in given:
        match name:
            case "_type":
                types.extend(value.split(","))
            case "_since":
                since = _since(call, value)
            case "_outputFormat" if value in FORMATS:
                continue
            case _:
                text = f"Export parameter {name[:40]} is not understood here."
                raise BadRequestError(Finding("not-supported", text))
    if unknown := [kind for kind in types if kind not in PARAMETERS]:
        text = f"_type has {len(unknown)} type(s) that are not exported here."
        raise BadRequestError(Finding("not-supported", text, "_type"))
    return [kind for kind in allowed if not types or kind in types], since


def _since(call: Call, value: str) -> datetime:
    """Read ``_since``; for a hub its day: a coded row tells no time, so no search may find it."""
    instant = _instant(value)
    if call.caller.party != "hub":
        return instant
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)


def _instant(value: str) -> datetime:
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        text = "_since needs an instant with seconds and zone."
        raise BadRequestError(Finding("invalid", text, "_since"))
    return instant.astimezone(UTC)
