"""Errors of calls that go out.

OutboundError              a call did not end well
    └── OutboundBusyError  it was not made: too many are under way
"""


class OutboundError(Exception):
    """A call that did not end well; the text names the step and the status, never an address."""


class OutboundBusyError(OutboundError):
    """A call that was not made because too many are under way."""
