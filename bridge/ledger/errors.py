"""Errors of the ledger.

LedgerError
    UnknownEntry
        there is no such entry, or a proof was asked for a size the log never had.
    LedgerDamaged
        rows that must be there are missing or cannot be read: run the check.
    LedgerHalted
        the log is shorter than others know it to be: nothing leaves until it is caught up.
        ClockDoubted
            the machine's time cannot be right: nothing leaves until it is.
    NothingToRepeat
        what an entry was to repeat is not there as it was written: decide anew.
    ForkDetected
        a head does not extend the one remembered: the log was cut or rewritten.
"""


class LedgerError(Exception):
    """Anything wrong with the ledger. Texts name a log and an index, never what an entry says."""


class UnknownEntry(LedgerError):  # noqa: N818 - reads as what happened
    """There is no such entry, or the log never had that size."""


class LedgerDamaged(LedgerError):  # noqa: N818 - reads as what happened
    """Rows that must be there are missing or unreadable."""


class LedgerHalted(LedgerError):  # noqa: N818 - reads as what happened
    """The log is shorter than, or another than, others know it to be. Nothing was released."""


class ClockDoubted(LedgerHalted):
    """The machine's time is far behind the ledger's, or was set. Nothing was released."""


class NothingToRepeat(LedgerError):  # noqa: N818 - says what is so
    """What an entry was to repeat was erased, or is of another copy of the database."""


class ForkDetected(LedgerError):  # noqa: N818 - reads as what happened
    """A head does not extend the one remembered."""
