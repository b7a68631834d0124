"""The transactions of IHE 360X (HL7 v2) as events of the machine: ``x360-events.csv``.

Cells are empty where the text at hand (the mapping of an open adapter that cites 360X 1.2) does not
say: the primary text was not read.
"""

from dataclasses import dataclass
from functools import cache

from mappings.loop.machine import TRANSITIONS, Actor, State, next_state
from mappings.loop.tables import LoopTableError, rows_of

_COLUMNS = ("transaction", "message", "order_status", "actor", "event", "about")


@dataclass(frozen=True, slots=True)
class X360Event:
    """What a transaction stands for; ``order_status`` tells two apart that share one."""

    transaction: str
    message: str
    order_status: str
    actor: Actor
    event: str
    about: str


def read_x360_events(text: str | None = None) -> tuple[X360Event, ...]:
    """Read ``x360-events.csv``, or what is given in its place.

    Raises:
        LoopTableError: it is broken, or names an event its actor has not.
    """
    known = {(move.actor, move.event) for move in TRANSITIONS}
    found = []
    for number, row in enumerate(rows_of("x360-events", _COLUMNS, text), 2):
        if (row["actor"], row["event"]) not in known:
            raise LoopTableError("x360-events", number, "its actor has no such event")
        found.append(X360Event(**row))  # type: ignore[arg-type] # the columns are its fields
    return tuple(found)


@cache
def x360_events() -> tuple[X360Event, ...]:
    """Return the shipped table."""
    return read_x360_events()


def after_transaction(before: State, transaction: str, order_status: str = "") -> State | None:
    """Return the state a transaction leads to; None where it may not happen, or is unknown."""
    for known in x360_events():
        if (known.transaction, known.order_status) == (transaction, order_status):
            after = next_state(before, known.event, known.actor)
            if after is not None:
                return after
    return None
