"""Where time comes from: the only module that asks the machine what time it is.

Two times, because a demonstration may run on another day than today's:

* *business time* (``now``): what rules and stamps go by;
* *real time* (``real_now``): what the life of a token or a session is measured in. A demonstration
  that starts in 2025 must not make a token of today look fresh or stale.

Every instant is aware and in UTC.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the rest of the bridge knows of time."""

    def now(self) -> datetime:
        """Return business time, aware, in UTC."""
        ...

    def real_now(self) -> datetime:
        """Return the machine's time, aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock: business time is real time."""

    def now(self) -> datetime:
        """Return the machine's time."""
        return self.real_now()

    def real_now(self) -> datetime:
        """Return the machine's time."""
        return datetime.now(UTC)  # noqa: TID251 - the one place that may


@dataclass(frozen=True, slots=True)
class ShiftedClock:
    """Business time begins at ``start`` and runs at the machine's pace.

    Raises:
        ValueError: if ``start`` has no time zone.
    """

    start: datetime
    # Not the wall clock: a correction of the machine's time must not move business time.
    _begun: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        _aware(self.start)

    def now(self) -> datetime:
        """Return the start plus the time that has passed since the clock was made."""
        passed = timedelta(seconds=time.monotonic() - self._begun)
        return self.start.astimezone(UTC) + passed

    def real_now(self) -> datetime:
        """Return the machine's time."""
        return SystemClock().real_now()


@dataclass(slots=True)
class FixedClock:
    """A clock that stands until it is moved by hand.

    Attributes:
        instant: business time.
        real: real time; business time when left out.

    Raises:
        ValueError: if an instant has no time zone.
    """

    instant: datetime
    real: datetime | None = None

    def __post_init__(self) -> None:
        _aware(self.instant)
        if self.real is not None:
            _aware(self.real)

    def now(self) -> datetime:
        """Return the instant the clock stands at."""
        return self.instant.astimezone(UTC)

    def real_now(self) -> datetime:
        """Return the real instant the clock stands at."""
        return (self.real or self.instant).astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        """Move both times on (or, with a negative step, back)."""
        self.instant += by
        if self.real is not None:
            self.real += by


def _aware(instant: datetime) -> None:
    if instant.utcoffset() is None:
        raise ValueError("an instant needs a time zone")
