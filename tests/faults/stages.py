"""Where a kill falls: what somebody is at, since when, and how long that lasted before."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

LONGEST_WAIT = 10.0
"""Seconds after which a kill falls wherever it falls: the machine is busy, or nothing goes on."""
_LOOK = 0.0005
_BEYOND = 1.1
"""A moment of chance may fall just behind a stage, into whatever comes next."""


@dataclass
class Stages:
    """What a client is at; one thread tells, another one asks.

    Attributes:
        now: the stage and when it began (monotonic seconds); no name between two stages.
        lasted: how many seconds each took when it came to its end last.
    """

    now: tuple[str, float] = ("", 0.0)
    lasted: dict[str, float] = field(default_factory=dict)

    def enter(self, stage: str) -> None:
        """End what was, which went well, and begin a stage."""
        at, (was, since) = time.monotonic(), self.now
        if was:
            self.lasted[was] = at - since
        self.now = (stage, at)

    def broken(self) -> None:
        """End what was, of which nothing came: how long it took says nothing."""
        self.now = ("", time.monotonic())


def come_to(
    stages: Stages, wanted: str, dice: random.Random, longest: float = LONGEST_WAIT
) -> None:
    """Wait for a stage, and for a moment of chance within the time it takes."""
    patience, share = time.monotonic() + longest, dice.uniform(0, _BEYOND)
    if not until(lambda: stages.now[0] == wanted, patience):
        return
    since, takes = stages.now[1], stages.lasted.get(wanted, 0.02)
    until(lambda: time.monotonic() >= since + share * takes, patience)


def until(true: Callable[[], bool], patience: float) -> bool:
    """Wait until something is true, at most until an instant; tells whether it is."""
    while time.monotonic() < patience:
        if true():
            return True
        time.sleep(_LOOK)
    return False
