"""The digest of a document: of what it says, not of how it is laid out."""

import json
from hashlib import sha256

from documents import Located


def canonical(value: object) -> bytes:
    """Return canonical JSON: keys sorted, no white space, UTF-8."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest_of(located: Located) -> str:
    """Return ``sha256:<hex>`` of the parsed document, the same on every machine.

    Comments, quoting, order of keys and line ends do not count; every scalar is the text written.
    """
    return "sha256:" + sha256(canonical(located.plain())).hexdigest()
