"""A client of an Ed-Fi ODS: the associations of one program, read, kept and taken out.

OAuth 2.0 client credentials (RFC 6749 4.4). A POST keeps by the natural key: new (201) or as it was
there (200), so it may be repeated. Where the other side is busy or away it is asked again, later
each time.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from bridge.directories import is_loopback
from bridge.information_systems import InformationSystem
from bridge.outbound.bodies import Limits
from bridge.outbound.calls import Outgoing, Request
from bridge.outbound.errors import OutboundError

KIND: Final = "studentProgramAssociations"
ATTEMPTS: Final = 5
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
PAGE: Final = 500
"""Ed-Fi's own limit for a page."""
_LATER: Final = frozenset({408, 429, 500, 502, 503, 504})
_STEP: Final = Limits(seconds=30.0, patience=20.0, max_bytes=4_000_000)
_FORM: Final = "application/x-www-form-urlencoded"

Json = dict[str, Any]


class OdsClient:
    """Calls one district's ODS.

    Args:
        system: where it is and what of it is ours.
        outgoing: what makes the calls; by default this machine may be called if, and only if, the
            address given is one of it.
        pause: waits for some seconds.
    """

    def __init__(
        self,
        system: InformationSystem,
        outgoing: Outgoing | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._system = system
        self._outgoing = outgoing or Outgoing(loopback=is_loopback(system.resources))
        self._pause = pause
        self._token = ""

    def associations(self) -> Iterator[Json]:
        """Yield the associations of the program, as they stand there.

        Raises:
            OutboundError: they cannot be had.
        """
        system, offset = self._system, 0
        asked = {
            "programName": system.program,
            "programTypeDescriptor": system.program_type,
            "programEducationOrganizationId": system.education_organization,
        }
        while True:
            query = urlencode({**asked, "offset": offset, "limit": PAGE})
            page = self._said("GET", f"{KIND}?{query}", (200,))
            if not isinstance(page, list):
                raise OutboundError("the information system's answer is no list")
            yield from page
            if len(page) < PAGE:
                return
            offset += PAGE

    def keep(self, association: Mapping[str, Any]) -> None:
        """Keep an association; again, it changes nothing.

        Raises:
            OutboundError: it was not taken.
        """
        self._said("POST", KIND, (200, 201), json.dumps(association).encode())

    def take_out(self, resource_id: str) -> None:
        """Take an association out; one that is gone is no error.

        Raises:
            OutboundError: it is still there.
        """
        if not resource_id.isalnum():
            raise OutboundError("the information system's answer has no id")
        self._said("DELETE", f"{KIND}/{resource_id}", (204, 404, 410))

    def _said(self, method: str, path: str, wanted: tuple[int, ...], body: bytes = b"") -> Any:  # noqa: ANN401 - JSON
        for attempt in range(ATTEMPTS):
            last = attempt == ATTEMPTS - 1
            try:
                status, answer = self._asked(method, path, body)
            except OutboundError:
                if last:
                    raise
            else:
                if status in wanted:
                    return answer
                if status == 401:
                    self._token = ""
                elif last or status not in _LATER:
                    raise OutboundError(f"the information system refused: status {status}")
            self._pause(min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE))
        raise OutboundError("the information system did not take our token")

    def _asked(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._bearer()}", "Accept": "application/json"}
        headers |= {"Content-Type": "application/json"} if body else {}
        return self._called(Request(method, f"{self._system.resources}/{path}", headers, body))

    def _called(self, request: Request) -> tuple[int, Any]:
        with self._outgoing.calling(request, _STEP) as answer:
            read = b"".join(answer.body)
        try:
            return answer.status, json.loads(read) if read else None
        except (ValueError, RecursionError):
            return answer.status, None

    def _bearer(self) -> str:
        if not self._token:
            login = f"{self._system.client_id}:{self._system.client_secret}".encode()
            headers = {
                "Authorization": f"Basic {base64.b64encode(login).decode()}",
                "Content-Type": _FORM,
                "Accept": "application/json",
            }
            form = urlencode({"grant_type": "client_credentials"}).encode()
            status, said = self._called(Request("POST", self._system.token, headers, form))
            token = said.get("access_token") if isinstance(said, dict) else None
            if status != 200 or not isinstance(token, str):
                raise OutboundError(f"no token of the information system: status {status}")
            self._token = token
        return self._token
