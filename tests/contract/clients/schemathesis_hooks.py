"""Schemathesis signs in as a client does and knows ids of real records.

It is told in its environment: KEYS, TOKEN_URL, and IDS, a file with ids by type.
"""

import json
import os
import sys
import urllib.parse
import urllib.request
import zlib
from pathlib import Path

import schemathesis

sys.path.insert(0, str(Path(__file__).parent))
from signing import assertion

TOLD = {name: os.environ[name] for name in ("IDS", "KEYS", "TOKEN_URL")}  # noqa: TID251 - a program
KNOWN = json.loads(Path(TOLD["IDS"]).read_text(encoding="utf-8"))


@schemathesis.auth(refresh_interval=200)
class BackendService:
    """A token of SMART Backend Services, renewed before its five minutes are over."""

    def get(self, _case: object, _context: object) -> str:
        """Exchange an assertion for a token."""
        place = TOLD["TOKEN_URL"]
        form = {
            "grant_type": "client_credentials",
            "scope": "system/*.cruds",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion("schemathesis", TOLD["KEYS"], place),
        }
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(place, body) as answer:  # noqa: S310 - our own server
            return str(json.load(answer)["access_token"])

    def set(self, case: schemathesis.Case, data: str, _context: object) -> None:
        """Send it."""
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def map_path_parameters(context: schemathesis.HookContext, path_parameters: dict) -> dict:
    """Let half of the ids that are made up be ones that are there (or are withheld)."""
    kind = context.operation.path.strip("/").partition("/")[0]
    known = KNOWN.get(kind)
    if path_parameters and known and isinstance(path_parameters.get("id"), str):
        drawn = zlib.crc32(path_parameters["id"].encode("utf-8", "replace"))
        if drawn % 2:
            path_parameters["id"] = known[drawn // 2 % len(known)]
    return path_parameters
