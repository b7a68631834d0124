"""What a recipient says with the business statuses of BSeR 2.0.0 (TaskBusinessStatusCS).

``bser-events.csv`` turns a code into an event of our machine. A move of BSeR that the edges of SDOH
Clinical Care do not have is thereby mapped: a decline after acceptance becomes ``failed``. Where
BSeR has a dead end (after 5.1.3, 5.1.2 and 5.2) our machine has its own moves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mappings.loop.machine import STATES, TRANSITIONS, State
from mappings.loop.tables import one_of, rows_of, unique

SYSTEM: Final = "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS"


@dataclass(frozen=True, slots=True)
class BserEvent:
    """The event a code stands for, and the Task.status BSeR gives it."""

    code: str
    status: str
    event: str
    display: str


def read_bser_events(text: str | None = None) -> dict[str, BserEvent]:
    """Read ``bser-events.csv``, or what is given in its place.

    Raises:
        LoopTableError: it is broken, or names an event the recipient has not.
    """
    events = {move.event for move in TRANSITIONS if move.actor == "target"}
    found: dict[str, BserEvent] = {}
    lines: dict[object, int] = {}
    rows = rows_of("bser-events", ("code", "status", "event", "display"), text)
    for number, row in enumerate(rows, 2):
        unique(lines, row["code"], ("bser-events", number))
        lines[row["code"]] = number
        one_of(events, row["event"], ("bser-events", number))
        found[row["code"]] = BserEvent(row["code"], row["status"], row["event"], row["display"])
    return found


BSER_EVENTS: Final[Mapping[str, BserEvent]] = read_bser_events()


def bser_code(state: State) -> str:
    """Return the code of BSeR for a state; "" for one BSeR does not have."""
    row = STATES.get(state)
    return row.bser[0] if row and row.bser else ""
