"""A SMART Backend Services client for Bulk Data, as the hub's collector uses it."""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from bridge.clock import Clock
from bridge.directories import is_loopback, is_protected
from bridge.identity.signing import SigningKey
from bridge.outbound.bodies import Limits
from bridge.outbound.calls import Outgoing, Request
from bridge.outbound.errors import OutboundError
from bridge.outbound.signatures import signer_of

MAX_POLLS: Final = 600
LONGEST_PAUSE: Final = 10.0
LONGEST_LINE: Final = 4_000_000
STEP: Final = Limits(seconds=9.0, max_bytes=1_000_000)
# A whole file of rows: long, but never a drip; unpacked it is as long again.
FILE: Final = Limits(
    seconds=600.0,
    patience=8.0,
    least_rate=4_096,
    max_bytes=2_000_000_000,
    max_unpacked=8_000_000_000,
)
_FORM: Final = "application/x-www-form-urlencoded"
_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Partner:
    """Another bridge: its FHIR base address and the name we are registered under."""

    fhir_base: str
    client_id: str
    scopes: str


@dataclass(frozen=True, slots=True)
class _Step:
    """The answer to one step of the conversation, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> dict[str, Any]:
        try:
            read = json.loads(self.body)
        except (ValueError, RecursionError):
            read = None
        if not isinstance(read, dict):
            raise OutboundError("the partner's answer is no JSON object")
        return read


class BackendClient:
    """Calls one partner with our own key.

    Args:
        outgoing: what makes the calls; by default this machine may be called if, and only if, the
            partner's address, which the operator gave, is one of it.

    Raises:
        OutboundError: the partner's address is neither https nor of this machine: who answers there
            would not be known, and what is sent could be read on the way.
    """

    def __init__(
        self, partner: Partner, key: SigningKey, clock: Clock, outgoing: Outgoing | None = None
    ) -> None:
        if not is_protected(partner.fhir_base):
            raise OutboundError("an address begins with https://")
        self._partner = partner
        self._key = key
        self._clock = clock
        self._signer = signer_of(key, clock)
        self._outgoing = outgoing or Outgoing(loopback=is_loopback(partner.fhir_base))
        self._token = ""
        self._token_until = 0.0

    def export(self, types: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        """Run a Bulk Data export and yield (type, NDJSON line) of every file.

        What the partner says about the export itself (notices) comes as OperationOutcome.

        Raises:
            OutboundError: a step was refused or took too long.
        """
        query = urlencode({"_type": ",".join(types), "_outputFormat": "application/fhir+ndjson"})
        headers = {"Prefer": "respond-async", "Accept": "application/fhir+json"}
        kicked = self._get(f"{self._partner.fhir_base}/$export?{query}", headers)
        if kicked.status != 202 or "content-location" not in kicked.headers:
            raise OutboundError(f"export was not accepted: status {kicked.status}")
        manifest = self._manifest(kicked.headers["content-location"])
        for kind, url in _files(manifest):
            for line in self._lines(url):
                yield kind, line

    def _manifest(self, place: str) -> dict[str, Any]:
        self._same_origin(place)
        for _ in range(MAX_POLLS):
            answer = self._get(place, {"Accept": "application/json"})
            if answer.status == 200:
                return answer.document()
            if answer.status != 202:
                raise OutboundError(f"export failed: status {answer.status}")
            time.sleep(_pause(answer.headers.get("retry-after", "1")))
        raise OutboundError("export did not finish in time")

    def _lines(self, url: str) -> Iterator[bytes]:
        self._same_origin(url)
        request, rest = Request("GET", url, self._authorised({})), b""
        with self._outgoing.calling(request, FILE, self._signer) as answer:
            if answer.status != 200:
                raise OutboundError(f"a file was refused: status {answer.status}")
            for part in answer.body:
                *lines, rest = (rest + part).split(b"\n")
                if len(rest) > LONGEST_LINE:
                    raise OutboundError("a line of a file is too long")
                yield from (line for line in lines if line)
        if rest:
            yield rest

    def _same_origin(self, url: str) -> None:
        """Refuse to carry our token to another host than the one we were told to call."""
        if _origin(self._partner.fhir_base) != _origin(url):
            raise OutboundError("the partner points to another host")

    def _get(self, url: str, headers: Mapping[str, str]) -> _Step:
        return self._asked(Request("GET", url, self._authorised(headers)))

    def _authorised(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {**headers, "Authorization": f"Bearer {self._bearer()}"}

    def _asked(self, request: Request) -> _Step:
        with self._outgoing.calling(request, STEP, self._signer) as answer:
            return _Step(answer.status, answer.headers, b"".join(answer.body))

    def _bearer(self) -> str:
        if self._token and time.monotonic() < self._token_until:
            return self._token
        place = self._discover()
        assertion = self._key.assertion(self._partner.client_id, place, self._clock.real_now())
        form = {
            "grant_type": "client_credentials",
            "scope": self._partner.scopes,
            "client_assertion_type": _BEARER,
            "client_assertion": assertion,
        }
        headers = {"Content-Type": _FORM, "Accept": "application/json"}
        answer = self._asked(Request("POST", place, headers, urlencode(form).encode()))
        if answer.status != 200:
            raise OutboundError(f"no token: status {answer.status}")
        granted = answer.document()
        try:
            self._token = str(granted["access_token"])
            self._token_until = time.monotonic() + float(granted["expires_in"]) - 30
        except (KeyError, TypeError, ValueError):
            raise OutboundError("the partner's token cannot be read") from None
        return self._token

    def _discover(self) -> str:
        url = f"{self._partner.fhir_base}/.well-known/smart-configuration"
        answer = self._asked(Request("GET", url, {"Accept": "application/json"}))
        if answer.status != 200:
            raise OutboundError(f"no SMART configuration: status {answer.status}")
        place = str(answer.document().get("token_endpoint", ""))
        self._same_origin(place)
        return place


def _files(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return type and address of each file a manifest names."""
    try:
        named = (*manifest["output"], *manifest.get("error", ()))
        return [(str(file["type"]), str(file["url"])) for file in named]
    except (KeyError, TypeError):
        raise OutboundError("the partner's manifest cannot be read") from None


def _origin(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        raise OutboundError("not an address") from None
    return parts.scheme, parts.hostname or "", port


def _pause(said: str) -> float:
    """Return the seconds to wait before the next poll; a date (RFC 9110 10.2.3) is not counted."""
    return min(float(said), LONGEST_PAUSE) if said.isascii() and said.isdecimal() else LONGEST_PAUSE
