"""Entries of a batch or transaction: from JSON to interactions, and back."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import orjson

from bridge.api.interactions import Interaction
from bridge.api.negotiation import PATCH_TYPE
from bridge.api.reading import parsed
from bridge.api.replies import Reply
from bridge.context import Call
from bridge.errors import BadRequestError, Finding
from bridge.gate.duties.riding import outcome_of

MAX_ENTRIES: Final = 100
_HEADERS: Final = (
    ("ifMatch", "if-match"),
    ("ifNoneExist", "if-none-exist"),
    ("ifNoneMatch", "if-none-match"),
    ("ifModifiedSince", "if-modified-since"),
)
_HISTORY: Final = re.compile(r"_history(/[A-Za-z0-9.\-]{1,64})?")


def entries_of(body: bytes) -> tuple[str, list[object]]:
    """Return whether it is a batch or a transaction, and its entries.

    Raises:
        BadRequestError: it is neither, or has more than :data:`MAX_ENTRIES` entries.
    """
    bundle = parsed(body)
    entries = bundle.get("entry", [])
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") not in ("batch", "transaction"):
        text = "Send a Bundle of type batch or transaction."
        raise BadRequestError(Finding("not-supported", text, "Bundle.type"))
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        text = f"A Bundle holds at most {MAX_ENTRIES} entries."
        raise BadRequestError(Finding("too-long", text, "Bundle.entry"))
    return str(bundle["type"]), entries


def interaction_of(call: Call, entry: object) -> Interaction:
    """Read one entry.

    Raises:
        BadRequestError: it has no request, or one that cannot be understood.
    """
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict) or not isinstance(entry, dict):
        raise BadRequestError(Finding("required", "The entry has no request.", "Bundle.entry"))
    method, url = str(request.get("method", "")), str(request.get("url", ""))
    resource, headers = entry.get("resource"), _headers_of(request)
    if url.isalpha() and url.isascii() and method == "POST":  # nothing but a type, as most are
        return Interaction(method, url, headers=headers, resource=resource)
    try:
        split = urlsplit(url.removeprefix(f"{call.bridge.settings.fhir_base}/"))
    except ValueError:
        text = "The entry's url cannot be read."
        raise BadRequestError(Finding("invalid", text, "Bundle.entry.request.url")) from None
    kind, _, rest = split.path.strip("/").partition("/")
    record_id, _, history = rest.partition("/")
    return Interaction(
        method=method,
        kind=kind if not history or _HISTORY.fullmatch(history) else "",
        record_id=record_id,
        parameters=parse_qsl(split.query, keep_blank_values=True),
        headers=headers,
        body=_patch(resource) if method == "PATCH" else b"",
        resource=resource,
        history=history,
    )


def _headers_of(request: Mapping[str, object]) -> dict[str, str]:
    return {name: str(request[key]) for key, name in _HEADERS if key in request}


def _patch(resource: object) -> bytes:
    # R4 http.html#patch: in a Bundle a JSON Patch is the data of a Binary.
    if not isinstance(resource, Mapping):
        return b"" if resource is None else orjson.dumps(resource)
    if resource.get("resourceType") != "Binary" or resource.get("contentType") != PATCH_TYPE:
        text = f"Send a patch as a Binary of type {PATCH_TYPE}."
        raise BadRequestError(Finding("invalid", text, "Bundle.entry.resource"))
    try:
        return base64.b64decode(str(resource.get("data", "")), validate=True)
    except (binascii.Error, ValueError):
        text = "The data of the patch is not base64."
        raise BadRequestError(Finding("invalid", text, "Bundle.entry.resource.data")) from None


def answer_of(reply: Reply) -> bytes:
    """Write one interaction's reply as an entry of the answer."""
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
