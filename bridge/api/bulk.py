"""Bulk Data export (HL7 Bulk Data Access 2.0): kick-off, manifest, files.

No file is ever written, so an export is complete as soon as it is asked for and outlives the
process: each download searches, decides and enters the ledger again, in parts
(:mod:`bridge.api.export_files`). A consent revoked between kick-off and download, or between two
parts of a file, takes its rows out.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import Annotated, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Path, Request, Response

from bridge.api.export_files import parts_of_file
from bridge.api.export_request import (
    FORMATS,
    ExportRequest,
    parameters_in,
    query_of,
    read_parameters,
)
from bridge.api.groups import GroupId, agreement_of
from bridge.api.negotiation import JSON_TYPES, http_date, require_type
from bridge.api.reading import parsed
from bridge.api.replies import Reply, document_reply, ndjson_response
from bridge.api.writing import writing
from bridge.context import BodyOf, Call, CallOf
from bridge.errors import BadRequestError, Finding, NotFoundError, TooManyError
from bridge.gate import EVERYBODY
from bridge.gate.duties.riding import outcome_of
from bridge.store.database.engine import read, write
from bridge.store.intake import let_changes_end
from bridge.store.partners.export_jobs import (
    LIFETIME,
    ExportJob,
    drop_job,
    job_of,
    last_change,
    put_job,
)
from bridge.store.partners.export_progress import (
    WHOLE,
    ExportFile,
    file_named,
    files_of,
    name_files,
    progress_of,
)

router = APIRouter(prefix="/fhir")

NOTICES: Final = "OperationOutcome"
JobId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


@router.get("/$export")
def export_all(request: Request, call: CallOf) -> Response:
    """Start a system-level export of the types the caller's scopes cover."""
    return _begin(call, request, _query(request))


@router.get("/Patient/$export")
def export_patients(request: Request, call: CallOf) -> Response:
    """Start an export of what belongs to a person."""
    return _begin(call, request, _query(request), group=EVERYBODY)


@router.get("/Group/{group_id}/$export")
def export_group(group_id: GroupId, request: Request, call: CallOf) -> Response:
    """Start an export of what belongs to the persons of a group."""
    return _begin(call, request, _query(request), group=group_id)


@router.post("/$export")
def export_all_by_post(request: Request, call: CallOf, body: BodyOf) -> Response:
    """Do :func:`export_all` with the parameters in the body."""
    return _begin(call, request, _posted(request, body))


@router.post("/Patient/$export")
def export_patients_by_post(request: Request, call: CallOf, body: BodyOf) -> Response:
    """Do :func:`export_patients` with the parameters in the body."""
    return _begin(call, request, _posted(request, body), group=EVERYBODY)


@router.post("/Group/{group_id}/$export")
def export_group_by_post(
    group_id: GroupId, request: Request, call: CallOf, body: BodyOf
) -> Response:
    """Do :func:`export_group` with the parameters in the body."""
    return _begin(call, request, _posted(request, body), group=group_id)


@router.get("/bulk/{job_id}")
def manifest(job_id: JobId, call: CallOf) -> Response:
    """Name the files of an export: the types that have rows the caller may see.

    Messages about an export stand under ``error``, whatever their severity (Bulk Data 2.0): here
    the notices that can ride with any of its rows. Each row's Meta says which do.
    """
    job = _job(call, job_id)
    here = _place(call, job)
    with writing(call) as connection:
        cut = {
            kind: call.bridge.gate.file_ends(connection, call.caller, query_of(call, job, kind))
            for kind in job.types.split()
        }
        visible = {kind: ends for kind, ends in cut.items() if ends is not None}
        files = name_files(connection, job.id, visible)
        progress = progress_of(files_of(connection, job.id))
    told = bool(call.bridge.gate.standing_notices(call.caller))
    document = {
        "transactionTime": job.transaction_time.isoformat(timespec="milliseconds"),
        "request": job.request_url,
        "requiresAccessToken": True,
        "output": [_told(here, each) for each in files],
        "deleted": [],  # nothing is deleted here; what is withheld now is named nowhere
        "error": [{"type": NOTICES, "url": f"{here}/{NOTICES}.ndjson"}] if told else [],
    }
    answer = document_reply(document, "application/json")
    more = {"Expires": http_date(job.expires_at), "X-Progress": str(progress)}
    return replace(answer, headers={**answer.headers, **more}).response()


def _told(here: str, file: ExportFile) -> dict[str, object]:
    """Return what a manifest says of a file.

    Of one that was sent whole it says what was sent (Bulk Data 2.0, *Server Implementation*: what
    servers add stands in ``extension``). It is no ``count``: the next download is decided anew.
    """
    name = f"{file.type}-{file.number}" if file.number else file.type
    said: dict[str, object] = {"type": file.type, "url": f"{here}/{name}.ndjson"}
    if file.state == WHOLE and file.sha256:
        said["extension"] = {"sent": {"count": file.rows, "sha256": file.sha256}}
    return said


@router.get("/bulk/{job_id}/{name}.ndjson")
def file(job_id: JobId, name: str, call: CallOf) -> Response:
    """Stream a file of an export, deciding each part as it is sent; or its notices."""
    job = _job(call, job_id)
    notices = call.bridge.gate.standing_notices(call.caller) if name == NOTICES else ()
    if notices:
        return Response(outcome_of(notices) + b"\n", media_type=FORMATS[0])
    kind, _, number = name.partition("-")
    if kind not in job.types.split():
        raise NotFoundError
    call.require(kind, "read")
    with read(call.bridge.engine) as connection:
        found = file_named(connection, job.id, kind, number)
    if found is None:
        raise NotFoundError
    return ndjson_response(parts_of_file(call, job, found), call.caller.organization)


@router.delete("/bulk/{job_id}")
def cancel(job_id: JobId, call: CallOf) -> Response:
    """Cancel an export; its files are gone at once."""
    with write(call.bridge.engine) as connection:
        if not drop_job(connection, job_id, call.caller.client_id):
            raise NotFoundError
    return Reply(202, b"").response()


def _begin(
    call: Call, request: Request, given: Sequence[tuple[str, str]], *, group: str = ""
) -> Response:
    """Keep what was asked for, and say where the manifest is.

    Raises:
        NotFoundError: the caller has no such group.
        TooManyError: it has as many exports as a client may have.
    """
    agreement = agreement_of(call, group) if group else None
    if "respond-async" not in request.headers.get("prefer", ""):
        text = "Send the header Prefer: respond-async."
        raise BadRequestError(Finding("required", text))
    asked = read_parameters(call, given, people=bool(group))
    job = _job_for(call, asked, _address(call, request))
    job = replace(job, agreement_id=agreement.id if agreement else "")
    most = call.bridge.settings.exports_per_client
    with write(call.bridge.engine) as connection:
        # What changed up to the instant of the job belongs to it: none of it is still under way.
        let_changes_end(connection)
        job = replace(job, upto_change=last_change(connection))
        full = put_job(connection, job, most)
    if full is not None:
        raise _too_many(most, full - job.created_at)
    return Reply(202, b"", {"Content-Location": _place(call, job)}).response()


def _too_many(most: int, left: timedelta) -> TooManyError:
    text = (
        f"Your client has {most} exports, and may not have more at once. Delete one that you have "
        "taken at its status address (DELETE), or begin again after the time of Retry-After."
    )
    return TooManyError(text, max(1, ceil(left.total_seconds())))


def _job_for(call: Call, asked: ExportRequest, url: str) -> ExportJob:
    now = call.bridge.clock.now()
    return ExportJob(
        id=secrets.token_hex(16),
        client_id=call.caller.client_id,
        organization=call.caller.organization,
        agreement_id="",
        types=" ".join(asked.types),
        since=asked.since,
        until=asked.until,
        filters="\n".join(asked.filters),
        request_url=url,
        created_at=now,
        transaction_time=now,
        upto_change=0,
        expires_at=now + LIFETIME,
    )


def _query(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.url.query, keep_blank_values=True)


def _posted(request: Request, body: bytes) -> list[tuple[str, str]]:
    """Return the parameters of a POST: in the body alone."""
    if request.url.query:
        text = "Send the parameters in the body, not in the address."
        raise BadRequestError(Finding("invalid", text))
    require_type(request.headers.get("content-type"), *JSON_TYPES)
    return parameters_in(parsed(body)) if body else []


def _address(call: Call, request: Request) -> str:
    asked = f"?{request.url.query}" if request.url.query else ""
    return f"{call.bridge.settings.base_url}{request.url.path}{asked}"


def _place(call: Call, job: ExportJob) -> str:
    return f"{call.bridge.settings.fhir_base}/bulk/{job.id}"


def _job(call: Call, job_id: str) -> ExportJob:
    with read(call.bridge.engine) as connection:
        job = job_of(connection, job_id, call.caller.client_id, call.bridge.clock.now())
    if job is None:
        raise NotFoundError
    return job
