"""Batch: several interactions in one request, each answered as if it had come alone (R4 http)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from bridge.api.interactions import Interaction, parsed, perform
from bridge.api.replies import Reply, outcome
from bridge.context import Call
from bridge.errors import BadRequestError, Finding, RefusedError
from bridge.gate.riding import outcome_of

MAX_ENTRIES = 100


def run_batch(call: Call, body: bytes) -> Reply:
    """Carry out every entry in order; one that is refused does not stop the others.

    Raises:
        BadRequestError: it is no batch Bundle, or has more than :data:`MAX_ENTRIES` entries.
    """
    bundle = parsed(body)
    entries = bundle.get("entry", [])
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "batch":
        text = "Send a Bundle of type batch; transactions are not offered."
        raise BadRequestError(Finding("not-supported", text, "Bundle.type"))
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        text = f"A batch holds at most {MAX_ENTRIES} entries."
        raise BadRequestError(Finding("too-long", text, "Bundle.entry"))
    answers = [_answer(call, entry) for entry in entries]
    head = b'{"resourceType":"Bundle","type":"batch-response","entry":['
    return Reply(200, head + b",".join(answers) + b"]}")


def _answer(call: Call, entry: object) -> bytes:
    try:
        reply = perform(call, _interaction(call, entry))
    except RefusedError as error:
        reply = Reply(error.status, outcome(error.findings))
    response: dict[str, Any] = {"status": str(reply.status)}
    if "ETag" in reply.headers:
        response["etag"] = reply.headers["ETag"]
    if "Location" in reply.headers:
        response["location"] = reply.headers["Location"]
    described = orjson.dumps(response)
    if reply.status >= 400:
        return b'{"response":' + described[:-1] + b',"outcome":' + reply.body + b"}}"
    if reply.notices:
        described = described[:-1] + b',"outcome":' + outcome_of(reply.notices) + b"}"
    resource = b'"resource":' + reply.body + b"," if reply.body else b""
    return b"{" + resource + b'"response":' + described + b"}"


def _interaction(call: Call, entry: object) -> Interaction:
    request = entry.get("request") if isinstance(entry, Mapping) else None
    if not isinstance(request, Mapping) or not isinstance(entry, Mapping):
        raise BadRequestError(Finding("required", "The entry has no request.", "Bundle.entry"))
    method, url = str(request.get("method", "")), str(request.get("url", ""))
    split = urlsplit(url.removeprefix(f"{call.bridge.settings.fhir_base}/"))
    kind, _, record_id = split.path.strip("/").partition("/")
    headers = {
        header: str(request[name])
        for name, header in (
            ("ifMatch", "if-match"),
            ("ifNoneExist", "if-none-exist"),
            ("ifNoneMatch", "if-none-match"),
        )
        if name in request
    }
    return Interaction(
        method=method,
        kind=kind,
        record_id=record_id,
        parameters=parse_qsl(split.query, keep_blank_values=True),
        headers=headers,
        body=orjson.dumps(entry.get("resource")) if "resource" in entry else b"",
    )
