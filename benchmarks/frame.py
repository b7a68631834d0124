"""Rows, rounds and medians.

A figure alone says more about the machine than about the program. Each row therefore names a
reference that does the same work another way, and both run in turn (ours, reference, ours,
reference ...), so that a busy minute hits both. What is counted is CPU time, not time on the wall:
it stays the same when the machine is shared.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Better(StrEnum):
    """Which way a row's ratio should go."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Sample:
    """What one round of one arm measured; time on the wall only where waiting is the point."""

    units: int
    cpu_seconds: float
    seconds: float = 0.0


Arm = Callable[[], Sample]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is measured.

    Attributes:
        name: ``area.what_vs_reference``; the ratio's sense stands in it.
        unit: of both figures, such as ``rows per CPU-second``.
        better: whether a higher or a lower ratio is better.
        goal: the ratio to reach.
        meaning: one sentence for readers of the report: what is compared with what.
        value: turns a sample into a figure in the row's unit.
        open: prepares both arms and proves that they give the same output; returns the arms.
        figure: what our own figure must reach besides, whatever the reference does; None if only
            the ratio counts.
    """

    name: str
    unit: str
    better: Better
    goal: float
    meaning: str
    value: Callable[[Sample], float]
    open: Callable[[], "Arms"]
    figure: float | None = None


@dataclass(frozen=True, slots=True)
class Arms:
    """Both arms, ready to run any number of rounds, and what to do at the end."""

    ours: Arm
    reference: Arm
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Result:
    """The medians of a row, and each round behind them."""

    row: Row
    ours: tuple[float, ...]
    reference: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Return the median of ours by the median of the reference."""
        return statistics.median(self.ours) / statistics.median(self.reference)

    @property
    def reached(self) -> bool:
        """Whether the goal is reached, and the figure of our own if the row asks for one."""
        wanted = [(self.ratio, self.row.goal)]
        if self.row.figure is not None:
            wanted.append((statistics.median(self.ours), self.row.figure))
        if self.row.better is Better.HIGHER:
            return all(found >= least for found, least in wanted)
        return all(found <= most for found, most in wanted)


class UnequalOutputError(Exception):
    """Two arms do not do the same work, so their times cannot be compared."""


def per_cpu_second(sample: Sample) -> float:
    """Return units per second of CPU."""
    return sample.units / sample.cpu_seconds


def per_second(sample: Sample) -> float:
    """Return units per second on the wall."""
    return sample.units / sample.seconds


def cpu_milliseconds(sample: Sample) -> float:
    """Return milliseconds of CPU per unit."""
    return 1000 * sample.cpu_seconds / sample.units


def measure(row: Row, rounds: int, tell: Callable[[str], None]) -> Result:
    """Run both arms of a row in turn.

    Raises:
        UnequalOutputError: the arms' outputs differ; nothing was measured.
    """
    arms = row.open()
    ours: list[float] = []
    reference: list[float] = []
    try:
        for number in range(1, rounds + 1):
            ours.append(row.value(arms.ours()))
            reference.append(row.value(arms.reference()))
            tell(f"{row.name} {number}/{rounds}: {ours[-1]:.4g} against {reference[-1]:.4g}")
    finally:
        arms.close()
    return Result(row, tuple(ours), tuple(reference))


def chosen(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """Return the rows asked for by name, or all of them.

    Raises:
        KeyError: there is no row of that name.
    """
    known = {row.name: row for row in rows}
    return [known[name] for name in names] if names else list(rows)
