"""One document of another party: a key set of a client, or what a district's sign-in publishes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bridge.outbound.bodies import Limits
from bridge.outbound.calls import Outgoing, Request
from bridge.outbound.errors import OutboundError

DOCUMENT: Final = Limits()
_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer of status 200: its headers by small names (the last of each), and its body."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Fetching:
    """Fetches documents for one process."""

    def __init__(self, outgoing: Outgoing, limits: Limits = DOCUMENT) -> None:
        self._outgoing = outgoing
        self._limits = limits

    def get(self, url: str) -> Fetched:
        """Fetch a document.

        Raises:
            OutboundError: it cannot be had within the limits; the text names the step, never the
                address.
        """
        return self._fetched(Request("GET", url, {"Accept": "application/json"}))

    def post_form(self, url: str, form: bytes, headers: Mapping[str, str]) -> Fetched:
        """Send a form, with headers of its own, and return the answer.

        Raises:
            OutboundError: as for :meth:`get`.
        """
        told = {"Accept": "application/json", "Content-Type": _FORM, **headers}
        return self._fetched(Request("POST", url, told, form))

    def _fetched(self, request: Request) -> Fetched:
        with self._outgoing.calling(request, self._limits) as answer:
            if answer.status != 200:
                raise OutboundError(f"refused: status {answer.status}")
            return Fetched(answer.headers, b"".join(answer.body))
