"""Calls that go out: the one place with an HTTP client.

Every call is made by :class:`bridge.outbound.calls.Outgoing`; who is asked what stands beside it.
"""

from bridge.outbound.calls import Outgoing
from bridge.outbound.client import BackendClient, File, Manifest, Partner
from bridge.outbound.errors import OutboundBusyError, OutboundError, OutboundUnreachedError
from bridge.outbound.fetching import Fetched, Fetching

__all__ = [
    "BackendClient",
    "Fetched",
    "Fetching",
    "File",
    "Manifest",
    "OutboundBusyError",
    "OutboundError",
    "OutboundUnreachedError",
    "Outgoing",
    "Partner",
]
