"""Telling a database that cannot answer now from a mistake of ours."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError

from bridge.store.database.group_commit import NotAcknowledged

T = TypeVar("T")

# SQLite calls a wrong statement an operational error too (sqlite.org/rescode: SQLITE_ERROR).
_SQLITE_ERROR: Final = 1
OUTAGES: Final = (DBAPIError, NoConnectionFreeError, NotAcknowledged)
PAUSE_SECONDS: Final = 0.25


def is_outage(error: BaseException | None) -> bool:
    """Tell whether an error says that the database cannot answer now and may do so later.

    Down, starting, recovering, full, locked for too long, a deadlock resolved against us: what was
    asked for was not done, and doing it again is safe where it was safe the first time.
    """
    match error:
        case NoConnectionFreeError():
            return True
        case NotAcknowledged():
            return is_outage(error.__cause__)
        case OperationalError():
            return getattr(error.orig, "sqlite_errorcode", None) != _SQLITE_ERROR
        case InterfaceError() | DBAPIError():
            return error.connection_invalidated
    return False


def once_up(work: Callable[[], T], seconds: float) -> T:
    """Do what needs the database, waiting up to ``seconds`` for one that starts or recovers.

    Raises:
        DBAPIError: it did not come up in time, or the error is another one.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            return work()
        except OUTAGES as error:
            if not is_outage(error) or time.monotonic() > until:
                raise
            time.sleep(PAUSE_SECONDS)
