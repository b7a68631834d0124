"""Routes of the FHIR server. Each is boring: read the request, perform, answer."""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Path, Request, Response

from bridge.api.batch import run_bundle
from bridge.api.interactions import Interaction, perform
from bridge.api.metadata import capability_statement
from bridge.api.negotiation import JSON_TYPES, negotiated, posted_query, require_type
from bridge.api.openapi import description
from bridge.api.replies import document_reply
from bridge.api.validation import validate
from bridge.context import BodyOf, BridgeOf, CallOf

router = APIRouter(prefix="/fhir", dependencies=[Depends(negotiated)])

Kind = Annotated[str, Path(pattern=r"^[A-Z][A-Za-z]{1,63}$")]
Id = Annotated[str, Path(pattern=r"^[A-Za-z0-9.\-]{1,64}$")]


@router.get("/metadata")
def metadata(bridge: BridgeOf) -> Response:
    """Say what the server can do (CapabilityStatement); the same for everyone."""
    return document_reply(capability_statement(bridge.settings)).response()


@router.get("/openapi.json")
def openapi(bridge: BridgeOf) -> Response:
    """Describe the API for tools that read no CapabilityStatement; the same for everyone."""
    return document_reply(description(bridge.settings), "application/json").response()


@router.get("/{kind}")
def search(kind: Kind, request: Request, call: CallOf) -> Response:
    """Search one type."""
    asked = Interaction("GET", kind, "", _query(request), dict(request.headers))
    return perform(call, asked).response()


@router.post("/{kind}/_search")
def search_by_post(kind: Kind, request: Request, call: CallOf, body: BodyOf) -> Response:
    """Search one type with the parameters in the body; the same as by GET."""
    parameters = parse_qsl(posted_query(request, body), keep_blank_values=True)
    asked = Interaction("GET", kind, "", parameters, dict(request.headers))
    return perform(call, asked).response()


@router.post("/{kind}/$validate")
def check(kind: Kind, request: Request, _call: CallOf, body: BodyOf) -> Response:
    """Check a resource against R4 and the profiles; nothing is kept."""
    require_type(request.headers.get("content-type"), *JSON_TYPES)
    return validate(kind, body).response()


@router.get("/{kind}/{record_id}")
def read(kind: Kind, record_id: Id, request: Request, call: CallOf) -> Response:
    """Read one resource."""
    asked = Interaction("GET", kind, record_id, _query(request), dict(request.headers))
    return perform(call, asked).response()


@router.get("/{kind}/{record_id}/_history")
def history(kind: Kind, record_id: Id, request: Request, call: CallOf) -> Response:
    """Read the versions of one resource, as the caller may see each today."""
    headers = dict(request.headers)
    asked = Interaction("GET", kind, record_id, _query(request), headers, history="_history")
    return perform(call, asked).response()


@router.get("/{kind}/{record_id}/_history/{version}")
def vread(kind: Kind, record_id: Id, version: Id, request: Request, call: CallOf) -> Response:
    """Read one version of one resource."""
    headers, which = dict(request.headers), f"_history/{version}"
    asked = Interaction("GET", kind, record_id, _query(request), headers, history=which)
    return perform(call, asked).response()


@router.put("/{kind}/{record_id}")
def update(kind: Kind, record_id: Id, request: Request, call: CallOf, body: BodyOf) -> Response:
    """Update one resource, with If-Match."""
    asked = Interaction("PUT", kind, record_id, _query(request), dict(request.headers), body)
    return perform(call, asked).response()


@router.patch("/{kind}/{record_id}")
def patch(kind: Kind, record_id: Id, request: Request, call: CallOf, body: BodyOf) -> Response:
    """Change one resource by a JSON Patch of what the caller is shown of it, with If-Match."""
    asked = Interaction("PATCH", kind, record_id, _query(request), dict(request.headers), body)
    return perform(call, asked).response()


@router.post("/{kind}")
def create(kind: Kind, request: Request, call: CallOf, body: BodyOf) -> Response:
    """Create one resource."""
    asked = Interaction("POST", kind, "", _query(request), dict(request.headers), body)
    return perform(call, asked).response()


@router.post("")
def bundle(request: Request, call: CallOf, body: BodyOf) -> Response:
    """Carry out a batch or a transaction."""
    require_type(request.headers.get("content-type"), *JSON_TYPES)
    return run_bundle(call, body).response()


def _query(request: Request) -> list[tuple[str, str]]:
    return parse_qsl(request.url.query, keep_blank_values=True)
