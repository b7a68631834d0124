"""What may be seen from a day on, or after an agreement was amended, is found by who polls by time.

Nobody writes anything when a court order ends by its last day or a student comes of age: this looks
whether there are such days, as long as a bridge serves (:mod:`bridge.gate.newly_seen`).
"""

from time import sleep
from typing import Final

from bridge.gate import is_due, let_due_be_seen
from bridge.parts import Parts
from bridge.store.database.engine import read, write

_REST: Final = 0.005  # seconds between two transactions: who wants to write has a turn


def let_be_seen(parts: Parts) -> int:
    """Look at everything that is due; returns at how many students' days it looked.

    Can be broken off at any moment: a part that was not committed is done by the next one, and
    several processes may do it at once.

    Raises:
        GateError: a decision could not be taken; what was looked at before is done.
    """
    done = 0
    while True:
        with read(parts.engine) as connection:
            if not is_due(connection, parts.clock.now()):
                return done
        with write(parts.engine) as connection:
            done += let_due_be_seen(connection, parts)
        sleep(_REST)
