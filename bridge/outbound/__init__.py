"""Calls that go out: the one place with an HTTP client."""

from bridge.outbound.client import BackendClient, Partner
from bridge.outbound.errors import OutboundBusyError, OutboundError
from bridge.outbound.fetching import Fetched, Fetching, check_protected

__all__ = [
    "BackendClient",
    "Fetched",
    "Fetching",
    "OutboundBusyError",
    "OutboundError",
    "Partner",
    "check_protected",
]
