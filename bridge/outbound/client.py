"""A SMART Backend Services client for Bulk Data, as the hub's collector uses it.

No redirects, no proxy variables, a total deadline and a cap on what is read: the other side is not
trusted to end.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from bridge.clock import Clock
from bridge.directories import is_protected
from bridge.identity.signing import SigningKey
from bridge.outbound.errors import OutboundError

DEADLINE_SECONDS = 120.0
MAX_BYTES = 2_000_000_000
MAX_POLLS = 600


@dataclass(frozen=True, slots=True)
class Partner:
    """Another bridge: its FHIR base address and the name we are registered under."""

    fhir_base: str
    client_id: str
    scopes: str


class BackendClient:
    """Calls one partner with our own key.

    Raises:
        OutboundError: the partner's address is neither https nor of this machine: who answers there
            would not be known, and what is sent could be read on the way.
    """

    def __init__(self, partner: Partner, key: SigningKey, clock: Clock) -> None:
        if not is_protected(partner.fhir_base):
            raise OutboundError("an address begins with https://")
        self._partner = partner
        self._key = key
        self._clock = clock
        self._http = httpx.Client(trust_env=False, follow_redirects=False, timeout=10.0)
        self._token = ""
        self._token_until = 0.0

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def export(self, types: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        """Run a Bulk Data export and yield (type, NDJSON line) of every file.

        What the partner says about the export itself (notices) comes as OperationOutcome.

        Raises:
            OutboundError: a step was refused or took too long.
        """
        query = {"_type": ",".join(types), "_outputFormat": "application/fhir+ndjson"}
        headers = {"Prefer": "respond-async", "Accept": "application/fhir+json"}
        kicked = self._get(f"{self._partner.fhir_base}/$export", headers, query)
        if kicked.status_code != 202:
            raise OutboundError(f"export was not accepted: status {kicked.status_code}")
        manifest = self._manifest(kicked.headers["content-location"])
        for file in (*manifest["output"], *manifest.get("error", ())):
            for line in self._lines(file["url"]):
                yield file["type"], line

    def _manifest(self, place: str) -> dict[str, Any]:
        self._same_origin(place)
        for _ in range(MAX_POLLS):
            answer = self._get(place, {"Accept": "application/json"})
            if answer.status_code == 200:
                manifest: dict[str, Any] = answer.json()
                return manifest
            if answer.status_code != 202:
                raise OutboundError(f"export failed: status {answer.status_code}")
            time.sleep(min(float(answer.headers.get("retry-after", "1")), 10.0))
        raise OutboundError("export did not finish in time")

    def _lines(self, url: str) -> Iterator[bytes]:
        self._same_origin(url)
        started, read, rest = time.monotonic(), 0, b""
        headers = {"Authorization": f"Bearer {self._bearer()}"}
        with self._http.stream("GET", url, headers=headers) as answer:
            if answer.status_code != 200:
                raise OutboundError(f"a file was refused: status {answer.status_code}")
            for part in answer.iter_bytes():
                read += len(part)
                if read > MAX_BYTES or time.monotonic() - started > DEADLINE_SECONDS:
                    raise OutboundError("a file is too long or too slow")
                *lines, rest = (rest + part).split(b"\n")
                yield from (line for line in lines if line)
        if rest:
            yield rest

    def _same_origin(self, url: str) -> None:
        """Refuse to carry our token to another host than the one we were told to call."""
        here, there = httpx.URL(self._partner.fhir_base), httpx.URL(url)
        if (here.scheme, here.host, here.port) != (there.scheme, there.host, there.port):
            raise OutboundError("the partner points to another host")

    def _get(
        self, url: str, headers: dict[str, str], query: dict[str, str] | None = None
    ) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {self._bearer()}"}
        try:
            return self._http.get(url, headers={**headers, **bearer}, params=query)
        except httpx.HTTPError as error:
            raise OutboundError(f"no answer: {type(error).__name__}") from None

    def _bearer(self) -> str:
        if self._token and time.monotonic() < self._token_until:
            return self._token
        place = self._discover()
        assertion = self._key.assertion(self._partner.client_id, place, self._clock.real_now())
        form = {
            "grant_type": "client_credentials",
            "scope": self._partner.scopes,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }
        answer = self._http.post(place, data=form)
        if answer.status_code != 200:
            raise OutboundError(f"no token: status {answer.status_code}")
        granted = answer.json()
        self._token = granted["access_token"]
        self._token_until = time.monotonic() + float(granted["expires_in"]) - 30
        return self._token

    def _discover(self) -> str:
        url = f"{self._partner.fhir_base}/.well-known/smart-configuration"
        try:
            answer = self._http.get(url)
        except httpx.HTTPError as error:
            raise OutboundError(f"no answer: {type(error).__name__}") from None
        if answer.status_code != 200:
            raise OutboundError(f"no SMART configuration: status {answer.status_code}")
        place = str(answer.json()["token_endpoint"])
        self._same_origin(place)
        return place
