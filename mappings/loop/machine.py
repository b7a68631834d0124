"""The state machine of a referral: Task.status, businessStatus, who and what happens.

``states.csv`` names every state, whose turn it is and what the school sees; ``transitions.csv``
every move. Seen through Task.status alone the moves are the edges of SDOH Clinical Care 3.0.0,
with who may make each; businessStatus holds the follow-up codes. Nothing else decides a move.

A Task may leave businessStatus unsaid: it is then in any of the states of its status, and a move is
legal if one of those has it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, get_args

from mappings.loop.tables import LoopTableError, one_of, rows_of, unique

Actor = Literal["requester", "target"]
Need = Literal["reason", "output", "request"]
End = Literal["", "served", "dead-end"]
Turn = Literal["", "school", "provider"]

_STATE_COLUMNS: Final = ("status", "business", "follow_up", "turn", "end", "bser", "meaning")
MOVE_COLUMNS: Final = (
    *("event", "actor", "from_status", "from_business", "to_status", "to_business"),
    *("needs", "source"),
)


@dataclass(frozen=True, slots=True, order=True)
class State:
    """Task.status and the code of Task.businessStatus; "" where it says none."""

    status: str
    business: str = ""

    def __str__(self) -> str:
        """Return the state in words: ``on-hold (waitlisted)``."""
        return f"{self.status} ({self.business})" if self.business else self.status


NEW: Final = State("(new)")
"""Before there is a Task."""


@dataclass(frozen=True, slots=True)
class StateRow:
    """What ``states.csv`` says of a state.

    Attributes:
        follow_up: the follow-up code a school reads, where it may learn of it.
        turn: who is to do something next.
        end: ``served`` or ``dead-end`` (somebody should think of what comes next); "" while open.
        bser: the codes of BSeR's TaskBusinessStatusCS it answers to, the one we give first.
    """

    state: State
    follow_up: str
    turn: Turn
    end: End
    bser: tuple[str, ...]
    meaning: str


@dataclass(frozen=True, slots=True)
class Transition:
    """One move from one state to one state.

    Attributes:
        needs: ``reason`` (statusReason.text), ``output`` (Task.output), ``request`` (the school's
            request to cancel stands).
    """

    event: str
    actor: Actor
    before: State
    after: State
    needs: frozenset[str]
    source: str


def read_states(text: str | None = None) -> dict[State, StateRow]:
    """Read ``states.csv``, or what is given in its place.

    Raises:
        LoopTableError: it is broken.
    """
    found: dict[State, StateRow] = {}
    lines: dict[object, int] = {}
    for number, row in enumerate(rows_of("states", _STATE_COLUMNS, text), 2):
        place = ("states", number)
        state = State(row["status"], _said(row["business"]))
        unique(lines, state, place)
        lines[state] = number
        turn = one_of(get_args(Turn), row["turn"], place)
        end = one_of(get_args(End), row["end"], place)
        if bool(turn) == bool(end):
            raise LoopTableError(*place, "an open state is somebody's turn, an end is nobody's")
        codes = tuple(row["bser"].split())
        found[state] = StateRow(state, row["follow_up"], turn, end, codes, row["meaning"])
    return found


def _said(cell: str) -> str:
    return "" if cell == "-" else cell


STATES: Final[Mapping[State, StateRow]] = read_states()


def read_transitions(text: str | None = None) -> tuple[Transition, ...]:
    """Read ``transitions.csv``, or what is given in its place.

    Raises:
        LoopTableError: it is broken, names a state there is none of, or two moves of one event.
    """
    found: list[Transition] = []
    lines: dict[object, int] = {}
    for number, row in enumerate(rows_of("transitions", MOVE_COLUMNS, text), 2):
        place = ("transitions", number)
        actor: Actor = one_of(get_args(Actor), row["actor"], place)
        needs = frozenset(one_of(get_args(Need), n, place) for n in row["needs"].split())
        for before in _befores(row, place):
            unique(lines, (row["event"], row["actor"], before), place)
            lines[row["event"], row["actor"], before] = number
            after = _after(row, before)
            if after not in STATES:
                raise LoopTableError(*place, f"there is no state {after}")
            found.append(Transition(row["event"], actor, before, after, needs, row["source"]))
    return tuple(found)


def _befores(row: Mapping[str, str], place: tuple[str, int]) -> Iterator[State]:
    statuses, codes = row["from_status"].split(), row["from_business"].split()
    if statuses == [NEW.status]:
        yield NEW
        return
    if statuses == ["*"]:
        statuses = list(dict.fromkeys(state.status for state in STATES))
    for status in statuses:
        known = [state for state in STATES if state.status == status]
        named = known if codes == ["*"] else [State(status, _said(code)) for code in codes]
        for state in named or [State(status)]:
            if state not in STATES:
                raise LoopTableError(*place, f"there is no state {state}")
            yield state


def _after(row: Mapping[str, str], before: State) -> State:
    status, code = row["to_status"], row["to_business"]
    return State(
        before.status if status == "=" else status,
        before.business if code == "=" else _said(code),
    )


TRANSITIONS: Final[Sequence[Transition]] = read_transitions()


@cache
def _edges() -> Mapping[tuple[str, str, Actor], tuple[Transition, ...]]:
    found: dict[tuple[str, str, Actor], list[Transition]] = {}
    for move in TRANSITIONS:
        found.setdefault((move.before.status, move.after.status, move.actor), []).append(move)
    return {key: tuple(moves) for key, moves in found.items()}


def fits(stated: State, state: State) -> bool:
    """Return whether a Task that says ``stated`` may be in ``state``."""
    return stated.status == state.status and stated.business in ("", state.business)


def legal_moves(before: State, actor: Actor, *, requested: bool = False) -> tuple[Transition, ...]:
    """Return the moves an actor has from what a Task says.

    Args:
        before: what the Task says.
        actor: who wants to move it.
        requested: whether a request of the school to cancel stands.
    """
    moves = (move for move in TRANSITIONS if move.actor == actor and fits(before, move.before))
    return tuple(move for move in moves if requested or "request" not in move.needs)


def moves_between(
    before: State, after: State, actor: Actor, *, requested: bool = False
) -> tuple[Transition, ...]:
    """Return the moves of an actor that lead from what a Task says to what it is to say."""
    moves = _edges().get((before.status, after.status, actor), ())
    return tuple(
        move
        for move in moves
        if fits(before, move.before)
        and fits(after, move.after)
        and (requested or "request" not in move.needs)
    )


def next_state(before: State, event: str, actor: Actor, *, requested: bool = False) -> State | None:
    """Return the state an event leads to, or None where it may not happen.

    A Task that leaves its businessStatus unsaid is moved where all its possible states agree; of
    two different ends it says what they have in common, the status.
    """
    moves = legal_moves(before, actor, requested=requested)
    ends = {move.after for move in moves if move.event == event}
    if not ends:
        return None
    if len(ends) == 1:
        return next(iter(ends))
    statuses = {end.status for end in ends}
    return State(next(iter(statuses))) if len(statuses) == 1 else None
