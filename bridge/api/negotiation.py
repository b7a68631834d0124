"""What form a request has and what form its answer is to have (R4 http.html; RFC 9110 12.5.1).

JSON alone is spoken (docs/adr/0011). All of it is decided on the request's own words, before any
data is looked at.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from fastapi import Request

from bridge.errors import BadRequestError, Finding, NotOfferedError

JSON_TYPES: Final = ("application/fhir+json", "application/json", "text/json")
PATCH_TYPE: Final = "application/json-patch+json"
FORM_TYPE: Final = "application/x-www-form-urlencoded"
_ANYTHING: Final = ("*/*", "application/*", "application/fhir+ndjson")
_VERSION: Final = re.compile(r"fhirversion\s*=\s*\"?(?P<version>[0-9.]+)\"?", re.IGNORECASE)
RETURNS: Final = ("minimal", "representation", "OperationOutcome")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a client prefers (header Prefer): what a write returns, how strictly it is read."""

    returns: str = "representation"
    lenient: bool = False


async def negotiated(request: Request) -> None:
    """Refuse a request that takes no JSON in answer, or asks for a part of one.

    It awaits nothing; a plain function would be given a thread of its own for it.

    Raises:
        NotOfferedError: 406 for the header Accept, 416 for Range.
    """
    if "range" in request.headers:
        raise NotOfferedError(416, "Parts of a resource are not offered; leave out Range.")
    accepted = request.headers.get("accept", "*/*")
    if not any(_is_ours(each) for each in accepted.split(",")):
        raise NotOfferedError(406, "Only application/fhir+json (FHIR 4.0) is offered.")


def _is_ours(media_range: str) -> bool:
    kind, _, parameters = media_range.partition(";")
    found = _VERSION.search(parameters)
    fits = found is None or found["version"] in ("4.0", "4.0.1")
    refused = re.search(r"(?:^|;)\s*q\s*=\s*0(?:\.0{0,3})?\s*(?:;|$)", parameters)
    return fits and not refused and kind.strip().lower() in (*JSON_TYPES, *_ANYTHING)


def require_type(content_type: str | None, *allowed: str) -> None:
    """Refuse a body of another media type.

    Raises:
        NotOfferedError: 415.
    """
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind and kind not in allowed:
        raise NotOfferedError(415, f"Send a body of type {allowed[0]}.")


def posted_query(request: Request, body: bytes) -> str:
    """Return the parameters of a search by POST, as they would stand behind ``?``.

    Raises:
        BadRequestError: some stand in the address, where logs would keep them.
        NotOfferedError: the body is no form.
    """
    if request.url.query:
        text = "Send the search parameters in the body, not in the address."
        raise BadRequestError(Finding("invalid", text))
    require_type(request.headers.get("content-type"), FORM_TYPE)
    return body.decode("utf-8", "replace")


@lru_cache(maxsize=64)
def preferences(header: str | None) -> Preferences:
    """Read the header Prefer; what is not understood is left out (RFC 7240 2)."""
    wanted = dict(
        part.strip().split("=", 1) for part in re.split("[;,]", header or "") if "=" in part
    )
    returns = wanted.get("return", "").strip('" ')
    return Preferences(
        returns if returns in RETURNS else "representation",
        wanted.get("handling", "").strip('" ') == "lenient",
    )


@lru_cache(maxsize=1024)
def http_date(instant: datetime) -> str:
    """Write an instant as HTTP does, to the second."""
    return instant.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
