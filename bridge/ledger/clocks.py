"""Whether the machine's time can be trusted to decide by.

A form that has ended still holds for a clock that is behind, and one that has not begun holds
already for a clock that is ahead. So nothing leaves while the clock cannot be right: it is behind
what the ledger recorded, was set while the bridge ran, or is not the database's. Revocations are
still taken.

What nobody can notice: a clock that was wrong before the bridge started, and agrees with its
database and its ledger.
"""

from datetime import datetime, timedelta
from typing import Final

from bridge.clock import Clock
from bridge.ledger.errors import ClockDoubted

# More than two machines that keep time differ by.
MOST_OFF: Final = timedelta(seconds=60)


def doubt(last: datetime | None, clock: Clock) -> str:
    """Say what cannot be right about a clock beside the time of the last entry, or nothing."""
    if last is not None and clock.behind(last) > MOST_OFF:
        return f"the clock is {clock.behind(last).total_seconds():.0f} s behind the ledger"
    if abs(clock.skew()) > MOST_OFF:
        off = clock.skew().total_seconds()
        return f"the machine's time was set, or is not the database's: {off:+.0f} s"
    return ""


def require_time(last: datetime | None, clock: Clock) -> None:
    """Refuse to let anything leave by a clock that cannot be right.

    Raises:
        ClockDoubted: says by how much it is off.
    """
    if said := doubt(last, clock):
        raise ClockDoubted(f"{said}; nothing was released: set the time right, then start again")
