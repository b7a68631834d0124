"""Where time comes from: the only module that asks the machine what time it is.

Two times, because a demonstration may run on another day than today's:

* *business time* (``now``): what rules and stamps go by;
* *real time* (``real_now``): what the life of a token or a session is measured in. A demonstration
  that starts in 2025 must not make a token of today look fresh or stale.

Every instant is aware and in UTC.

A clock can be wrong. It says so itself where it can know (:meth:`Clock.skew`): the machine's time
was set while it ran, or a database on another machine has another time.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the rest of the bridge knows of time."""

    def behind(self, recorded: datetime) -> timedelta:
        """Return how long before a recorded business time it is by this clock; negative: after."""
        ...

    def skew(self) -> timedelta:
        """Return by how much the machine's time is off, as far as this clock can know."""
        ...

    def hear(self, elsewhere: datetime) -> None:
        """Note what time it is just now on another machine."""
        ...

    def now(self) -> datetime:
        """Return business time, aware, in UTC."""
        ...

    def real_now(self) -> datetime:
        """Return the machine's time, aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock: business time is real time."""

    # What the machine's time was, and how long the machine had run, when this clock was made.
    _begun: tuple[float, float] = field(default_factory=lambda: (_set(), _ran()), compare=False)
    _heard: list[timedelta] = field(default_factory=list, compare=False)

    def behind(self, recorded: datetime) -> timedelta:
        """Return how long before a recorded time it is."""
        return recorded - self.now()

    def skew(self) -> timedelta:
        """Return what the time was set by since the clock was made, or is off from elsewhere's."""
        was, had_run = self._begun
        set_by = timedelta(seconds=(_set() - was) - (_ran() - had_run))
        return max((set_by, *self._heard), key=abs)

    def hear(self, elsewhere: datetime) -> None:
        """Keep how far the machine's time is from another machine's."""
        self._heard[:] = [self.real_now() - elsewhere]

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
    _machine: SystemClock = field(default_factory=SystemClock, compare=False)

    def __post_init__(self) -> None:
        _aware(self.start)

    def behind(self, recorded: datetime) -> timedelta:
        """Return how long before a recorded time it is."""
        return recorded - self.now()

    def skew(self) -> timedelta:
        """Return by how much the machine's time is off."""
        return self._machine.skew()

    def hear(self, elsewhere: datetime) -> None:
        """Note what time it is on another machine."""
        self._machine.hear(elsewhere)

    def now(self) -> datetime:
        """Return the start plus the time that has passed since the clock was made."""
        passed = timedelta(seconds=time.monotonic() - self._begun)
        return self.start.astimezone(UTC) + passed

    def real_now(self) -> datetime:
        """Return the machine's time."""
        return self._machine.real_now()


@dataclass(slots=True)
class FixedClock:
    """A clock that stands until it is moved by hand.

    Attributes:
        instant: business time.
        real: real time; business time when left out.
        off: what it says it is off by.

    Raises:
        ValueError: if an instant has no time zone.
    """

    instant: datetime
    real: datetime | None = None
    off: timedelta = timedelta()

    def __post_init__(self) -> None:
        _aware(self.instant)
        if self.real is not None:
            _aware(self.real)

    def behind(self, recorded: datetime) -> timedelta:
        """Return how long before a recorded time it stands."""
        return recorded - self.now()

    def skew(self) -> timedelta:
        """Return what it was told to say."""
        return self.off

    def hear(self, elsewhere: datetime) -> None:
        """Do nothing: no machine's time is asked."""

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


def _set() -> float:
    """Return what the machine's time is set to, in seconds."""
    return time.time()


def _ran() -> float:
    """Return how long the machine has run, its sleep included where the system can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _aware(instant: datetime) -> None:
    if instant.utcoffset() is None:
        raise ValueError("an instant needs a time zone")
