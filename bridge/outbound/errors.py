"""Errors of calls that go out.

OutboundError                   a call did not end well
    ├── MessageRefusedError     a mail or a text message was not taken
    ├── OutboundBusyError       it was not made: too many are under way
    └── OutboundUnreachedError  nothing of the request was sent
"""


class OutboundError(Exception):
    """A call that did not end well; the text names the step and the status, never an address."""


class OutboundBusyError(OutboundError):
    """A call that was not made because too many are under way."""


class OutboundUnreachedError(OutboundError):
    """A call of which nothing was sent: no name, no address that may be called, no connection."""


class MessageRefusedError(OutboundError):
    """A few words for one person that were not taken.

    Attributes:
        code: what the other side said, as a number; 0 if it said nothing.
        final: whether it makes no sense to try again.
        of_us: whether the other side did not take the bridge itself (its login, its own address,
            TLS), which says nothing of the person.
    """

    of_us = False

    def __init__(self, what: str, code: int, *, final: bool) -> None:
        super().__init__(f"{what} was not taken: {code or 'no answer, or no TLS'}")
        self.code, self.final = code, final
