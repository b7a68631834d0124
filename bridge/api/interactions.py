"""The FHIR interactions, one function each; a batch entry runs the same function as a request.

Source: FHIR R4 http.html; SDOHCC 3.0.0 Coordination Platform; US Core 6.1 server.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from bridge.api.negotiation import http_date, preferences
from bridge.api.offered import CODES_OF_METHODS, ELSEWHERE, methods_of, offers
from bridge.api.reading import no_null
from bridge.api.replies import (
    WHOLE,
    Reply,
    bundle_reply,
    count_reply,
    history_reply,
    resource_reply,
)
from bridge.api.search import SearchReader, SearchRequest
from bridge.api.search_values import refused
from bridge.api.writing import Sent, create, create_sessions, update, writing
from bridge.context import Call
from bridge.errors import BadRequestError, Finding, NotFoundError, NotOfferedError
from bridge.gate import Gate, Released, ReleasedResource, Shape, shaped
from bridge.journeys.answers.record_sessions import refused_at
from bridge.store.search.index import PARAMETERS

_READ_PARAMETERS: Final = ("_elements", "_summary", "_format")


@dataclass(frozen=True, slots=True)
class Interaction:
    """One interaction asked for, as a request or as an entry of a batch.

    Attributes:
        body: as it was sent; empty for an entry of a batch.
        resource: what the entry holds, parsed; None for a request.
        history: ``_history`` for the versions of a resource; with a slash and an id, for one.
    """

    method: str
    kind: str
    record_id: str = ""
    parameters: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    history: str = ""
    resource: object = field(default=None, repr=False)


@lru_cache(maxsize=512)
def offered(kind: str, code: str) -> bool:
    """Tell whether an interaction is offered for a type."""
    return kind in PARAMETERS and offers(kind, code)


def perform(call: Call, asked: Interaction) -> Reply:
    """Carry out one interaction.

    Raises:
        RefusedError: in any of its kinds; the caller turns it into an OperationOutcome.
    """
    if asked.kind not in PARAMETERS and asked.kind not in ELSEWHERE:
        raise NotFoundError
    if any("\0" in name or "\0" in value for name, value in asked.parameters):
        raise no_null()
    code = CODES_OF_METHODS.get((asked.method, bool(asked.record_id)), "")
    if (
        asked.kind in ELSEWHERE
        or not offers(asked.kind, code)
        or (asked.history and code != "read")
    ):
        allow = methods_of(asked.kind, one=bool(asked.record_id))
        raise NotOfferedError(405, "This method is not offered here.", allow)
    match code:
        case "read":
            return _history(call, asked) if asked.history else _read(call, asked)
        case "search-type":
            return _search(call, asked)
        case "create":
            return create(call, _sent(asked))
        case _:
            return update(call, _sent(asked), patch=code == "patch")


def perform_new(call: Call, asked: Sequence[Interaction]) -> list[Reply]:
    """Carry out several creates of sessions of one type, as :func:`perform` does each.

    Raises:
        SessionRefused: the first that is refused, and why.
    """
    return create_sessions(call, all_sent(asked))


def all_sent(asked: Sequence[Interaction]) -> list[Sent]:
    """Return what several writes send.

    Raises:
        SessionRefused: the first that asks for what a write does not do.
    """
    sent = []
    for n, each in enumerate(asked):
        with refused_at(n):
            sent.append(_sent(each))
    return sent


def _sent(asked: Interaction) -> Sent:
    if asked.parameters or asked.history:
        raise BadRequestError(Finding("not-supported", "A write takes no parameters."))
    return Sent(asked.kind, asked.record_id, asked.headers, asked.body, asked.resource)


def _reader(call: Call, asked: Interaction) -> SearchReader:
    caller, bridge = call.caller, call.bridge
    client = (caller.client_id, bridge.settings.fhir_base, bridge.identifiers, caller.party)
    lenient = preferences(asked.headers.get("prefer")).lenient
    return SearchReader(asked.kind, *client, bridge.clock.now(), lenient=lenient)


def _read(call: Call, asked: Interaction) -> Reply:
    call.require(asked.kind, "read")
    if any(name not in _READ_PARAMETERS for name, _ in asked.parameters):
        raise BadRequestError(Finding("not-supported", "A read takes no such parameters."))
    shape = _reader(call, asked).read(asked.parameters).shape
    if shape.counts_only:
        raise refused("_summary", "counts what a search finds")
    gate: Gate = call.bridge.gate
    key = (asked.kind, asked.record_id)
    if call.within is None:
        found = gate.read(call.caller, *key, call.request_id)
    else:
        found = gate.read_noted(call.within, call.caller, key, call.request_id)
    if found is None:
        raise NotFoundError
    return read_reply(found, asked.headers, call.bridge.settings.fhir_base, shape)


def read_reply(
    found: ReleasedResource, headers: Mapping[str, str], base: str, shape: Shape = WHOLE
) -> Reply:
    """Answer a read with what was found, unless the client has this version already."""
    if _unchanged(found, headers):
        validators = {"ETag": found.etag, "Last-Modified": http_date(found.last_updated)}
        return Reply(304, b"", validators)
    return resource_reply(shaped(found, shape), base)


def _unchanged(found: ReleasedResource, headers: Mapping[str, str]) -> bool:
    """Return whether a client has this version already.

    Only its tag tells: what a caller may see can become less or more on a day on which the record
    does not change, so If-Modified-Since is left aside (RFC 9110 13.1.3 lets a server do so).
    """
    tags = headers.get("if-none-match")
    if tags is None:
        return False
    plain = found.etag.removeprefix("W/")
    return any(tag.strip().removeprefix("W/") == plain for tag in tags.split(","))


def _history(call: Call, asked: Interaction) -> Reply:
    version = asked.history.partition("/")[2]
    call.require(asked.kind, "vread" if version else "history-instance")
    count, since = _history_parameters(asked, single=bool(version))
    gate: Gate = call.bridge.gate
    key, of = (asked.kind, asked.record_id), (version, call.request_id)
    if call.within is None:
        found = gate.history(call.caller, key, *of)
    else:
        found = gate.history_within(call.within, call.caller, key, of)
    if not found:
        raise NotFoundError
    base = call.bridge.settings.fhir_base
    if version:
        return resource_reply(found[0], base)
    newer = [each for each in found if since is None or each.last_updated >= since]
    place = f"{base}/{asked.kind}/{asked.record_id}/_history"
    return history_reply(newer[:count], base, (place, len(newer)))


def _history_parameters(asked: Interaction, *, single: bool) -> tuple[int, datetime | None]:
    """Read ``_count`` and ``_since`` of an instance history."""
    count, since = 1000, None
    for name, value in asked.parameters:
        match name:
            case "_format":
                continue
            case "_count" if not single and re.fullmatch("[0-9]{1,4}", value):
                count = int(value)
            case "_since" if not single:
                since = _instant(value)
            case _:
                raise refused(name, "is not understood here")
    return count, since


def _instant(value: str) -> datetime:
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise refused("_since", "needs an instant with seconds and zone")
    return instant


Understood = tuple[SearchReader, SearchRequest]


def understood(call: Call, asked: Interaction) -> Understood:
    """Understand the parameters of a search.

    Raises:
        BadRequestError: it is not understood.
    """
    reader = _reader(call, asked)
    return reader, reader.read(asked.parameters)


def require_search(call: Call, kind: str, asked: Callable[[], Understood]) -> Understood:
    """Understand a search where the token's scopes cover all that it reaches.

    Raises:
        ForbiddenError: no scope allows it.
        BadRequestError: it is not understood.
    """
    call.require(kind, "search-type")
    reader, request = asked()
    for source in reader.types_reached(request):
        call.require_all(source, "search-type")
    return reader, request


def search_reply(released: Released, base: str, asked: tuple[SearchReader, SearchRequest]) -> Reply:
    """Answer a search with what was found."""
    reader, request = asked
    return bundle_reply(released, base, reader.links(request, released), request.shape)


def _search(call: Call, asked: Interaction) -> Reply:
    gate: Gate = call.bridge.gate
    reader, request = require_search(call, asked.kind, lambda: understood(call, asked))
    if request.shape.counts_only:
        with writing(call) as connection:
            total = gate.now_visible(connection, call.caller, request.query)
        return count_reply(total, reader.self_link(request))
    if call.within is None:
        released = gate.search(call.caller, request.query, request.includes, call.request_id)
    else:
        of = (request.includes, call.request_id)
        released = gate.search_noted(call.within, call.caller, request.query, of)
    return search_reply(released, call.bridge.settings.fhir_base, (reader, request))
