"""The closed loop of a referral: one table of its states, one of its moves, and what follows.

Words only: no FHIR, no clock, no database. :mod:`mappings.fhir.task_states` reads a Task into a
:class:`State` and back.
"""

from mappings.loop.machine import (
    NEW,
    STATES,
    TRANSITIONS,
    Actor,
    End,
    State,
    StateRow,
    Transition,
    fits,
    legal_moves,
    moves_between,
    next_state,
)

__all__ = [
    "NEW",
    "STATES",
    "TRANSITIONS",
    "Actor",
    "End",
    "State",
    "StateRow",
    "Transition",
    "fits",
    "legal_moves",
    "moves_between",
    "next_state",
]
