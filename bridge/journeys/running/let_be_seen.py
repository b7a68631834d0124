"""What may be seen from a day on, or after an agreement was amended, is found by who polls by time.

Nobody writes anything when a court order ends by its last day or a student comes of age: this looks
whether there are such days, as long as a bridge serves (:mod:`bridge.gate.newly_seen`). A student
who cannot be looked at, because a kept record cannot be read for one, is set aside and holds up
nobody: it is tried again later, each time later, and ``doctor`` says that it waits.
"""

import traceback
from datetime import timedelta
from time import sleep
from typing import Final

import structlog

from bridge.gate import NotLookedAtError, is_due, let_due_be_seen
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.facts.openings import set_aside

FIRST_RETRY: Final = timedelta(minutes=5)
LAST_RETRY: Final = timedelta(days=1)
_DOUBLED: Final = 9  # five minutes doubled so often are more than a day
_REST: Final = 0.005  # seconds between two transactions: who wants to write has a turn


def let_be_seen(parts: Parts) -> int:
    """Look at everything that is due; returns at how many students' days it looked.

    Can be broken off at any moment: a part that was not committed is done by the next one, and
    several processes may do it at once.

    Raises:
        DBAPIError: the database does not answer; what was looked at before is done.
    """
    done = 0
    while True:
        with read(parts.engine) as connection:
            if not is_due(connection, parts.clock.now()):
                return done
        try:
            with write(parts.engine) as connection:
                done += let_due_be_seen(connection, parts)
        except NotLookedAtError as error:
            _set_aside(parts, error)
        sleep(_REST)


def _set_aside(parts: Parts, error: NotLookedAtError) -> None:
    """Let one wait whom its records keep from being looked at, and say so the first time."""
    opening = error.opening
    wait = min(FIRST_RETRY * 2 ** min(opening.tries, _DOUBLED), LAST_RETRY)
    with write(parts.engine) as connection:
        set_aside(connection, opening, parts.clock.now() + wait)
    if not opening.tries:
        # The type of the error and its place: its text may quote a record.
        frames = traceback.extract_tb(error.__cause__.__traceback__ if error.__cause__ else None)
        place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else ""
        kind = type(error.__cause__).__name__
        structlog.get_logger("bridge.seen").warning("one was set aside", kind=kind, place=place)
