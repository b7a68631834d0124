"""The digest of a document: of what it says, not of how it is laid out."""

import json
from dataclasses import fields
from hashlib import sha256
from typing import Any

from documents import Located


def canonical(value: object) -> bytes:
    """Return canonical JSON: keys sorted, no white space, UTF-8; a dataclass is its fields."""
    return json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
        default=_fields,
    ).encode()


def _fields(node: Any) -> dict[str, object]:  # noqa: ANN401 - what JSON has no form for
    return {each.name: getattr(node, each.name) for each in fields(node)}


def digest_of(located: Located) -> str:
    """Return ``sha256:<hex>`` of the parsed document, the same on every machine.

    Comments, quoting, order of keys and line ends do not count; every scalar is the text written.
    """
    return "sha256:" + sha256(canonical(located.plain())).hexdigest()
