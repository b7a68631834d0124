"""What a route may answer with.

INVARIANT: a person's data gets into a reply only as something the gate released; the other
constructors take documents about the bridge itself or fixed texts.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

import orjson
from fastapi import Response
from fastapi.responses import StreamingResponse

from bridge.api.negotiation import http_date
from bridge.api.turns import next_in_turn
from bridge.errors import Finding, NotOfferedError, RefusedError, TooManyError
from bridge.gate import Released, ReleasedLines, ReleasedResource, Shape, shaped
from bridge.gate.duties.riding import outcome_of

FHIR_JSON = "application/fhir+json"
WHOLE = Shape()
BLOCK = 262_144
"""So many bytes of a file are sent at once; a quarter of it took a twentieth more CPU a row."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and body of one interaction, alone or as an entry of a batch.

    Attributes:
        notices: ids of the notices that ride with the resource in the body. Alone they are linked
            in a header, in a batch they stand in the entry's ``response.outcome``.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def response(self) -> Response:
        """Return the reply as an HTTP response."""
        headers = {"Content-Type": f"{FHIR_JSON}; charset=utf-8", **self.headers}
        return Response(self.body, self.status, headers)


def resource_reply(released: ReleasedResource, base: str, status: int = 200) -> Reply:
    """Answer with one released resource (FHIR R4 http.html: ETag, Last-Modified, Location).

    Its Meta says each notice in one sentence; the whole text is linked (RFC 4946, ``license``).
    """
    headers = _of_view(released.etag, released.last_updated, released.notices, base)
    if status == 201:
        place = f"{base}/{released.type}/{released.id}/_history/{released.version}"
        first = {name: headers[name] for name in ("ETag", "Last-Modified")}
        headers = {**first, "Location": place, **headers}
    return Reply(status, released.body, headers, released.notices)


@lru_cache(maxsize=4096)
def _of_view(etag: str, moved: datetime, notices: tuple[str, ...], base: str) -> Mapping[str, str]:
    """Return the headers of a view of a resource; to be read only, since others are given it."""
    headers = {"ETag": etag, "Last-Modified": http_date(moved)}
    if notices:
        links = (f'<{base}/notices/{each}>; rel="license"' for each in notices)
        headers["Link"] = ", ".join(links)
    return headers


def written_reply(released: ReleasedResource, base: str, status: int, returns: str) -> Reply:
    """Answer a write with as much as the client prefers (R4 http.html#ops)."""
    whole = resource_reply(released, base, status)
    match returns:
        case "minimal":
            return replace(whole, body=b"", notices=())
        case "OperationOutcome":
            text = "Kept." if status == 201 else "Kept as it now is."
            finding = Finding("informational", text)
            return replace(whole, body=outcome([finding], "information"), notices=())
        case _:
            return whole


def bundle_reply(
    released: Released, base: str, links: Mapping[str, str], shape: Shape = WHOLE
) -> Reply:
    """Answer with a searchset Bundle, joined from the released bytes.

    The notices that ride with what is in it follow once, whole, as an entry of mode ``outcome``.
    ``meta.lastUpdated`` is where a poller's next ``_lastUpdated=gt`` begins: nothing that changed
    before it comes later.
    """
    entries = released.written.get((base, shape))
    if entries is None:
        entries = released.written[base, shape] = b",".join(_entries(released, base, shape))
    head: dict[str, object] = {"resourceType": "Bundle"}
    if released.as_of is not None:
        head["meta"] = {"lastUpdated": released.as_of.isoformat(timespec="milliseconds")}
    head["type"] = "searchset"
    if released.total is not None:
        head["total"] = released.total
    head["link"] = [{"relation": name, "url": url} for name, url in links.items()]
    return Reply(200, _filled(head, entries))


def _entries(released: Released, base: str, shape: Shape) -> Iterator[bytes]:
    for each in released.matches:
        yield _entry(base, shaped(each, shape), "match")
    for each in released.included:
        yield _entry(base, each, "include")
    if released.notices:
        told = outcome_of(released.notices)
        yield b'{"resource":' + told + b',"search":{"mode":"outcome"}}'


def count_reply(total: int, link: str) -> Reply:
    """Answer with how many match among what the caller may see, and with none of them."""
    head = {"resourceType": "Bundle", "type": "searchset", "total": total}
    return Reply(200, orjson.dumps({**head, "link": [{"relation": "self", "url": link}]}))


def history_reply(released: Sequence[ReleasedResource], base: str, of: tuple[str, int]) -> Reply:
    """Answer with a history Bundle: the versions of one resource, the latest first."""
    place, total = of
    head = {
        "resourceType": "Bundle",
        "type": "history",
        "total": total,
        "link": [{"relation": "self", "url": place}],
    }
    return Reply(200, _filled(head, b",".join(_version(base, each) for each in released)))


def _version(base: str, released: ReleasedResource) -> bytes:
    # Whether the first version was a POST here or came with an import is nobody's business.
    url = f"{released.type}/{released.id}"
    request = {"method": "PUT", "url": url}
    response = {
        "status": "200",
        "etag": released.etag,
        "lastModified": released.last_updated.isoformat(timespec="milliseconds"),
    }
    tail = orjson.dumps({"request": request, "response": response})
    parts = (b'{"fullUrl":', orjson.dumps(f"{base}/{url}"), b',"resource":', released.body)
    return b"".join((*parts, b",", tail[1:]))


def _filled(head: Mapping[str, object], entries: bytes) -> bytes:
    body = orjson.dumps(head)
    return b"".join((body[:-1], b',"entry":[', entries, b"]}")) if entries else body


def _entry(base: str, released: ReleasedResource, mode: str) -> bytes:
    url = orjson.dumps(f"{base}/{released.type}/{released.id}")
    parts = (b'{"fullUrl":', url, b',"resource":', released.body)
    return b"".join((*parts, b',"search":{"mode":"', mode.encode(), b'"}}'))


def outcome_reply(error: RefusedError) -> Reply:
    """Answer with an OperationOutcome: codes, places and fixed texts, never a record's value."""
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if isinstance(error, NotOfferedError) and error.allow:
        headers["Allow"] = ", ".join(error.allow)
    if isinstance(error, TooManyError):
        headers["Retry-After"] = str(error.after)
    return Reply(error.status, outcome(error.findings), headers)


def outcome(findings: Sequence[Finding], severity: str = "error") -> bytes:
    """Return an OperationOutcome as bytes."""
    issues = []
    for finding in findings:
        issue: dict[str, object] = {
            "severity": severity,
            "code": finding.code,
            "diagnostics": finding.text,
        }
        if finding.expression:
            issue["expression"] = [finding.expression]
        issues.append(issue)
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": issues})


def document_reply(document: Mapping[str, object], media_type: str = FHIR_JSON) -> Reply:
    """Answer with a document about the bridge itself (capabilities, configuration, a manifest)."""
    return Reply(200, orjson.dumps(document), {"Content-Type": media_type})


def ndjson_response(parts: Iterator[ReleasedLines], partner: str) -> StreamingResponse:
    """Stream released resources one per line, each part made when it is the partner's turn."""
    return StreamingResponse(_lines(parts, partner), media_type="application/fhir+ndjson")


async def _lines(parts: Iterator[ReleasedLines], partner: str) -> AsyncIterator[bytes]:
    # In blocks of one size: where a part ended depends on what is stored, and would tell of it.
    rest = b""
    while (part := await next_in_turn(partner, parts)) is not None:
        rest += part.body
        whole = len(rest) - len(rest) % BLOCK
        for start in range(0, whole, BLOCK):
            yield rest[start : start + BLOCK]
        rest = rest[whole:]
    if rest:
        yield rest
