"""What is counted and timed of the work of a process, where the operator asked for it.

Whatever counts rides on the database's engine, so that the layers below the routes need not be
given it; without one nothing is counted, and that costs a look into a small table.

INVARIANT: no number tells a record that is withheld from one that is not there, and none is told by
who asked or of whom: these figures go to people who may see no record.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from sqlalchemy import Engine

OPTION: Final = "schoolbridge_measures"


class Measures(Protocol):
    """What can be counted."""

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request by the template of its route, and time it."""

    def batched(self, requests: int) -> None:
        """Count the reads and searches that were answered in one transaction."""

    def committed(self, units: int) -> None:
        """Count the units of work that one wait for the disk made durable."""

    def waited(self, seconds: float) -> None:
        """Time a wait for the turn to write (SQLite), or for the disk (PostgreSQL)."""

    def entered(self, disclosures: int) -> None:
        """Count the ledger's entries by which something leaves; some are undone and made again."""

    def looked(self) -> None:
        """Count a look at what is to be sent: a worker that makes none has stopped."""


def measured_by(engine: Engine, measures: Measures) -> None:
    """Let the work on an engine be counted."""
    engine.update_execution_options(**{OPTION: measures})


def measures_of(options: Mapping[str, Any]) -> Measures | None:
    """Return what counts, from the execution options of an engine or a connection."""
    return options.get(OPTION)
