"""Routes of the FHIR server. Each is boring: read the request, perform, answer."""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Path, Request, Response

from bridge.api.batch import run_batch
from bridge.api.interactions import Interaction, perform
from bridge.api.metadata import capability_statement
from bridge.api.replies import document_reply
from bridge.context import BodyOf, BridgeOf, CallOf
from bridge.errors import BadRequestError, Finding

router = APIRouter(prefix="/fhir")

Kind = Annotated[str, Path(pattern=r"^[A-Z][A-Za-z]{1,63}$")]
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9.\-]{1,64}$")]


@router.get("/metadata")
def metadata(bridge: BridgeOf) -> Response:
    """Say what the server can do (CapabilityStatement); the same for everyone."""
    return document_reply(capability_statement(bridge.settings)).response()


@router.get("/{kind}")
def search(kind: Kind, request: Request, call: CallOf) -> Response:
    """Search one type."""
    parameters = parse_qsl(request.url.query, keep_blank_values=True)
    return perform(call, Interaction("GET", kind, parameters=parameters)).response()


@router.post("/{kind}/_search")
def search_by_post(kind: Kind, request: Request, call: CallOf, body: BodyOf) -> Response:
    """Search one type with the parameters in the body; the same as by GET."""
    if request.url.query:
        text = "Send the search parameters in the body, not in the address."
        raise BadRequestError(Finding("invalid", text))
    parameters = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    return perform(call, Interaction("GET", kind, parameters=parameters)).response()


@router.get("/{kind}/{record_id}")
def read(kind: Kind, record_id: Id, request: Request, call: CallOf) -> Response:
    """Read one resource."""
    parameters = parse_qsl(request.url.query, keep_blank_values=True)
    asked = Interaction("GET", kind, record_id, parameters, dict(request.headers))
    return perform(call, asked).response()


@router.put("/{kind}/{record_id}")
def update(kind: Kind, record_id: Id, request: Request, call: CallOf, body: BodyOf) -> Response:
    """Update one resource (Task only), with If-Match."""
    asked = Interaction("PUT", kind, record_id, (), dict(request.headers), body)
    return perform(call, asked).response()


@router.post("/{kind}")
def create(kind: Kind, request: Request, call: CallOf, body: BodyOf) -> Response:
    """Create one resource (Encounter, Appointment)."""
    return perform(call, Interaction("POST", kind, "", (), dict(request.headers), body)).response()


@router.post("")
def batch(call: CallOf, body: BodyOf) -> Response:
    """Carry out a batch."""
    return run_batch(call, body).response()
