"""Errors of calls that go out.

OutboundError                   a call did not end well
    ├── OutboundBusyError       it was not made: too many are under way
    └── OutboundUnreachedError  nothing of the request was sent
"""


class OutboundError(Exception):
    """A call that did not end well; the text names the step and the status, never an address."""


class OutboundBusyError(OutboundError):
    """A call that was not made because too many are under way."""


class OutboundUnreachedError(OutboundError):
    """A call of which nothing was sent: no name, no address that may be called, no connection."""
