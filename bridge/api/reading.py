"""Parsing what was sent: JSON objects, and references that name this server."""

from contextlib import suppress
from typing import Any, Final

import orjson

from bridge.errors import BadRequestError, Finding

MAX_DEPTH: Final = 64


def parsed(body: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        BadRequestError: it is not one. Deep nesting, NaN and lone surrogates are no JSON here.
    """
    resource = parsed_any(body)
    if not isinstance(resource, dict):
        raise BadRequestError(Finding("structure", "The body is not a JSON object."))
    return resource


def parsed_any(body: bytes) -> object:
    """Parse any JSON.

    Raises:
        BadRequestError: it is none, or holds the character U+0000.
    """
    try:
        found: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequestError(Finding("structure", "The body is not JSON.")) from None
    if b"\\u0000" in body.replace(b"\\\\", b""):  # an escaped backslash escapes nothing more
        raise no_null()
    return found


def relative(resource: dict[str, Any], base: str) -> dict[str, Any]:
    """Return a resource in which references to this server are relative ones.

    Raises:
        BadRequestError: it is nested too deep.
    """
    with suppress(orjson.JSONEncodeError):  # nested so deep that it is refused below
        if f"{base}/".encode() not in orjson.dumps(resource):
            return resource
    found: dict[str, Any] = _relative(resource, f"{base}/", MAX_DEPTH)
    return found


def no_null() -> BadRequestError:
    """Return the refusal of U+0000: not allowed in R4 strings, and PostgreSQL keeps no such."""
    return BadRequestError(Finding("invalid", "The character U+0000 is not allowed."))


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
