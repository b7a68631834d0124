"""A SMART Backend Services client for Bulk Data, as the hub's collector uses it."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from bridge.clock import Clock
from bridge.directories import is_loopback, is_protected
from bridge.identity.signing import SigningKey
from bridge.outbound.bodies import Limits
from bridge.outbound.calls import Outgoing, Request
from bridge.outbound.errors import OutboundError
from bridge.outbound.signatures import signer_of

MAX_POLLS: Final = 600
LONGEST_PAUSE: Final = 10.0
FIRST_PAUSE: Final = 0.25
ATTEMPTS: Final = 5
LATER: Final = frozenset({429, 502, 503, 504})
"""Answers that say: ask again later."""
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
class File:
    """One file that a manifest names.

    Attributes:
        count: how many rows it has; None where it is not said.
        sent: of one that was sent whole, how many rows it had then and its SHA-256, as a bridge
            says; None where it is not said.
    """

    type: str
    url: str
    count: int | None = None
    sent: tuple[int, str] | None = None

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "File":
        """Read what a manifest says of a file."""
        count, sent = said.get("count"), said.get("extension", {}).get("sent")
        return cls(
            str(said["type"]),
            str(said["url"]),
            count if isinstance(count, int) else None,
            (int(sent["count"]), str(sent["sha256"])) if sent else None,
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an export came to.

    Attributes:
        transaction_time: as of when it is, as the partner writes it.
        files: what was asked for, then messages about it.
        deleted: what is not there any more since the instant asked for.
    """

    transaction_time: str
    files: tuple[File, ...]
    deleted: tuple[File, ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Manifest":
        """Read a manifest.

        Raises:
            OutboundError: it cannot be read.
        """
        try:
            told = (*document["output"], *document.get("error", ()))
            files = tuple(File.of(each) for each in told)
            deleted = tuple(File.of(each) for each in document.get("deleted", ()))
            time = datetime.fromisoformat(document["transactionTime"])
            return cls(time.isoformat(timespec="milliseconds"), files, deleted)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            raise OutboundError("the partner's manifest cannot be read") from None


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
        self._renewing = Lock()

    def kick_off(self, types: Sequence[str], since: str = "", group: str = "") -> str:
        """Begin a Bulk Data export; returns where its manifest will be.

        Args:
            types: resource types.
            since: an instant; only what changed since; "" for everything.
            group: id of a Group; "" for the whole system.

        Raises:
            OutboundError: it was refused or took too long.
        """
        asked = {"_type": ",".join(types), "_outputFormat": "application/fhir+ndjson"}
        query = urlencode(asked | ({"_since": since} if since else {}))
        level = f"/Group/{quote(group, safe='')}" if group else ""
        headers = {"Prefer": "respond-async", "Accept": "application/fhir+json"}
        kicked = self._get(f"{self._partner.fhir_base}{level}/$export?{query}", headers)
        if kicked.status != 202 or "content-location" not in kicked.headers:
            raise OutboundError(f"export was not accepted: status {kicked.status}")
        place = kicked.headers["content-location"]
        self._same_origin(place)
        return place

    def manifest(self, place: str) -> Manifest | None:
        """Wait for an export and return what it came to; None: there is no such export (more).

        Raises:
            OutboundError: it failed, or did not finish in time.
        """
        self._same_origin(place)
        for _ in range(MAX_POLLS):
            answer = self._get(place, {"Accept": "application/json"})
            if answer.status == 200:
                return Manifest.of(answer.document())
            if answer.status in (404, 410):
                return None
            if answer.status != 202:
                raise OutboundError(f"export failed: status {answer.status}")
            time.sleep(_pause(answer.headers.get("retry-after", "1")))
        raise OutboundError("export did not finish in time")

    def lines(self, url: str) -> Iterator[bytes]:
        """Yield the lines of one file of an export.

        Raises:
            OutboundError: it was refused, or broke off; what came before is then not all of it.
        """
        self._same_origin(url)
        request = Request("GET", url, self._authorised({}))
        with self._outgoing.calling(request, FILE, self._signer) as answer:
            if answer.status != 200:
                raise OutboundError(f"a file was refused: status {answer.status}")
            yield from lines_of(answer.body)

    def drop(self, place: str) -> None:
        """Tell the partner that an export is not needed any more; whether it hears does not matter.

        Raises:
            OutboundError: the place is of another host.
        """
        self._same_origin(place)
        with suppress(OutboundError):
            self._asked(Request("DELETE", place, self._authorised({})))

    def _same_origin(self, url: str) -> None:
        """Refuse to carry our token to another host than the one we were told to call."""
        if _origin(self._partner.fhir_base) != _origin(url):
            raise OutboundError("the partner points to another host")

    def _get(self, url: str, headers: Mapping[str, str]) -> _Step:
        """Ask, and ask again where the other side is busy or away: after as long as it says."""
        for attempt in range(ATTEMPTS):
            last = attempt == ATTEMPTS - 1
            pause = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)
            try:
                answer = self._asked(Request("GET", url, self._authorised(headers)))
            except OutboundError:
                if last:
                    raise
            else:
                if last or answer.status not in LATER:
                    return answer
                said = answer.headers.get("retry-after")
                pause = _pause(said) if said else pause
            time.sleep(pause)
        raise OutboundError("no answer")  # not reached: the last attempt returns or raises

    def _authorised(self, headers: Mapping[str, str]) -> dict[str, str]:
        with self._renewing:  # files are fetched at the same time
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
        except (KeyError, TypeError, ValueError, OverflowError):
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


def lines_of(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a text that comes in parts, without empty ones.

    A part may be a single byte: what has come of a line grows in place and is not copied for each.

    Raises:
        OutboundError: a line is too long.
    """
    begun = bytearray()
    for part in parts:
        first, *rest = part.split(b"\n")
        begun += first
        if rest:
            yield from (line for line in (bytes(begun), *rest[:-1]) if line)
            begun = bytearray(rest[-1])
        if len(begun) > LONGEST_LINE:
            raise OutboundError("a line of a file is too long")
    if begun:
        yield bytes(begun)


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
