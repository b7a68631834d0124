"""Calls that go out: the one place with an HTTP client."""

from bridge.outbound.client import BackendClient, OutboundError, Partner

__all__ = ["BackendClient", "OutboundError", "Partner"]
