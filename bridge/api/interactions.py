"""The FHIR interactions, one function each; a batch entry runs the same function as a request.

Source: FHIR R4 http.html; SDOHCC 3.0.0 Coordination Platform; US Core 6.1 server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from bridge.api.replies import Reply, bundle_reply, resource_reply
from bridge.api.search import SearchReader
from bridge.context import Call
from bridge.errors import BadRequestError, Finding, NotFoundError
from bridge.gate import Gate, Released, ReleasedResource
from bridge.journeys.answer_referral import TaskAnswer, answer_referral
from bridge.journeys.record_encounter import record_encounter
from bridge.parts import parts_of
from bridge.store.index import PARAMETERS

CREATABLE = ("Encounter", "Appointment")
UPDATABLE = ("Task",)
MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Interaction:
    """One interaction asked for, as a request or as an entry of a batch."""

    method: str
    kind: str
    record_id: str = ""
    parameters: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def perform(call: Call, asked: Interaction) -> Reply:
    """Carry out one interaction.

    Raises:
        RefusedError: in any of its kinds; the caller turns it into an OperationOutcome.
    """
    if asked.kind not in PARAMETERS:
        raise NotFoundError
    if any("\0" in name or "\0" in value for name, value in asked.parameters):
        raise _no_null()
    match asked.method, bool(asked.record_id):
        case "GET", True:
            return _read(call, asked)
        case "GET", False:
            return _search(call, asked)
        case "PUT", True if asked.kind in UPDATABLE:
            return _update(call, asked)
        case "POST", False if asked.kind in CREATABLE:
            return _create(call, asked)
        case _:
            text = f"{asked.method} is not offered for {asked.kind}."
            raise BadRequestError(Finding("not-supported", text))


def _read(call: Call, asked: Interaction) -> Reply:
    call.require(asked.kind, "read")
    if any(name != "_format" for name, _ in asked.parameters):
        raise BadRequestError(Finding("not-supported", "A read takes no parameters."))
    gate: Gate = call.bridge.gate
    found: ReleasedResource | None = gate.read(
        call.caller, asked.kind, asked.record_id, call.request_id
    )
    if found is None:
        raise NotFoundError
    if asked.headers.get("if-none-match", "") == found.etag:
        return Reply(304, b"", {"ETag": found.etag})
    return resource_reply(found, call.bridge.settings.fhir_base)


def _search(call: Call, asked: Interaction) -> Reply:
    call.require(asked.kind, "search-type")
    bridge = call.bridge
    base = bridge.settings.fhir_base
    client = (call.caller.client_id, base, bridge.identifiers, call.caller.party)
    reader = SearchReader(asked.kind, *client)
    request = reader.read(asked.parameters)
    released: Released = bridge.gate.search(
        call.caller, request.query, request.includes, call.request_id
    )
    return bundle_reply(released, base, reader.links(request, released))


def _update(call: Call, asked: Interaction) -> Reply:
    call.require(asked.kind, "update")
    answer = TaskAnswer(asked.record_id, _sent(call, asked), asked.headers.get("if-match"))
    released = answer_referral(parts_of(call.bridge), call.bridge.gate, call.caller, answer)
    return resource_reply(released, call.bridge.settings.fhir_base)


def _create(call: Call, asked: Interaction) -> Reply:
    call.require(asked.kind, "create")
    resource = _sent(call, asked)
    if resource.get("resourceType") != asked.kind:
        text = "The resource in the body is of another type than the address."
        raise BadRequestError(Finding("invalid", text, f"{asked.kind}"))
    released, new = record_encounter(
        parts_of(call.bridge), call.bridge.gate, call.caller, resource, _repeat(asked)
    )
    return resource_reply(released, call.bridge.settings.fhir_base, 201 if new else 200)


def _repeat(asked: Interaction) -> str | None:
    """Read If-None-Exist: only the identifier of the resource itself is understood."""
    written = asked.headers.get("if-none-exist")
    if written is None:
        return None
    name, _, value = written.partition("=")
    if name != "identifier" or "|" not in value or "&" in value:
        text = "If-None-Exist understands identifier=system|value."
        raise BadRequestError(Finding("not-supported", text))
    return value


def _sent(call: Call, asked: Interaction) -> dict[str, Any]:
    """Parse the resource sent; references to this server become relative ones."""
    base = f"{call.bridge.settings.fhir_base}/"
    resource: dict[str, Any] = _relative(parsed(asked.body), base, MAX_DEPTH)
    return resource


def _relative(node: Any, base: str, depth: int) -> Any:  # noqa: ANN401 - JSON
    if depth == 0:
        raise BadRequestError(Finding("too-long", f"Nest elements at most {MAX_DEPTH} deep."))
    if isinstance(node, list):
        return [_relative(item, base, depth - 1) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: _relative(value, base, depth - 1) for key, value in node.items()}
    if isinstance(out.get("reference"), str):
        out["reference"] = out["reference"].removeprefix(base)
    return out


def parsed(body: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        BadRequestError: it is not one. Deep nesting, NaN and lone surrogates are no JSON here.
    """
    try:
        resource = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequestError(Finding("structure", "The body is not JSON.")) from None
    if not isinstance(resource, dict):
        raise BadRequestError(Finding("structure", "The body is not a JSON object."))
    if b"\\u0000" in body.replace(b"\\\\", b""):  # an escaped backslash escapes nothing more
        raise _no_null()
    return resource


def _no_null() -> BadRequestError:
    # R4 datatypes, string: not allowed; and PostgreSQL keeps no such text.
    return BadRequestError(Finding("invalid", "The character U+0000 is not allowed."))
