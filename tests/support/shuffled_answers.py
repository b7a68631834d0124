"""Answers of a provider that arrive late, twice and in any order, and a model of what is kept.

The provider's system reads the Task now and then and makes an answer from what it read; each answer
is delivered one to three times, at any later time. The model keeps the state and counts changes: an
answer counts if nothing has changed since it was made, and is legal.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from sqlalchemy import Connection

from bridge.errors import ConflictError, UnprocessableError
from bridge.journeys.answer_referral import TaskAnswer, answer_within
from bridge.store.engine import write
from mappings.fhir.task_states import FOLLOW_UP, state_of
from mappings.loop import STATES, State, legal_moves
from tests.support.worlds import Json, World, caller, moved, referral

SENT = State("requested", "sent")
EHR = caller("harbor-ehr")
_REACHED = [state for state in STATES if state.status != "draft"]


@dataclass
class Model:
    """What should be kept of one referral."""

    state: State = SENT
    changes: int = 0

    def deliver(self, made_at: int, after: State) -> str:
        """Return what becomes of an answer made after so many changes."""
        if made_at != self.changes:
            return "late"
        if after == self.state:
            return "kept"
        if not any(move.after == after for move in legal_moves(self.state, "target")):
            return "illegal"
        self.state, self.changes = after, self.changes + 1
        return "kept"


@dataclass
class Tally:
    """How many sequences were run, and what became of how many answers."""

    sequences: int = 0
    answers: dict[str, int] = field(default_factory=dict)


@dataclass
class _Loop:
    """One referral, its model, and the answers under way."""

    task_id: str
    model: Model = field(default_factory=Model)
    under_way: list[tuple[int, State, TaskAnswer]] = field(default_factory=list)


def run_sequences(world: World, first: int, count: int, seed: int) -> Tally:
    """Run one sequence on each of some new referrals; what is kept must be what the model has."""
    world.refer(referral(n) for n in range(first, first + count))
    tally, dice = Tally(), Random(seed)  # noqa: S311 - to be had again
    loops = [_Loop(world.id_of("Task", f"R-{n}")) for n in range(first, first + count)]
    with write(world.bridge.engine) as connection:
        for loop in loops:
            for _ in range(dice.randint(2, 5)):
                _step(world, connection, loop, dice, tally)
            dice.shuffle(loop.under_way)
            for sent in loop.under_way:
                _deliver(world, connection, loop, sent, tally)
            tally.sequences += 1
    for loop in loops:
        assert state_of(world.stored("Task", loop.task_id)) == loop.model.state, (seed, loop)
    return tally


def _step(world: World, connection: Connection, loop: _Loop, dice: Random, tally: Tally) -> None:
    """Make an answer from what is read now; deliver it, or an earlier one, or none yet."""
    seen = world.bridge.gate.see(connection, EHR, "Task", loop.task_id)
    assert seen is not None
    assert state_of(dict(seen.content)) == loop.model.state
    after = _wanted(loop.model.state, dice)
    body = _as_sent(dict(seen.content), after)
    answer = TaskAnswer(loop.task_id, body, f'W/"{seen.version}"')
    made = (loop.model.changes, after, answer)
    loop.under_way += [made] * dice.randint(1, 3)
    for _ in range(dice.randint(0, 2)):
        _deliver(world, connection, loop, dice.choice(loop.under_way), tally)


def _wanted(state: State, dice: Random) -> State:
    """Return the state an answer asks for: mostly one that may follow."""
    legal = sorted({move.after for move in legal_moves(state, "target")})
    return dice.choice(legal if legal and dice.random() < 0.9 else _REACHED)


def _as_sent(task: Json, after: State) -> Json:
    answers = ("statusReason", "output", "businessStatus")
    kept = {name: value for name, value in task.items() if name not in answers}
    if not after.business:
        return moved(kept, after.status)
    concept = {"coding": [FOLLOW_UP.codings[after.business]]}
    return moved(kept, after.status, businessStatus=concept)


def _deliver(
    world: World,
    connection: Connection,
    loop: _Loop,
    sent: tuple[int, State, TaskAnswer],
    tally: Tally,
) -> None:
    made_at, after, answer = sent
    expected = loop.model.deliver(made_at, after)
    world.clock.advance(timedelta(seconds=1))
    try:
        answer_within(connection, (world.parts, world.bridge.gate), EHR, answer)
        became = "kept"
    except ConflictError:
        became = "late"
    except UnprocessableError:
        became = "illegal"
    assert became == expected, (loop.task_id, loop.model, after)
    tally.answers[became] = tally.answers.get(became, 0) + 1
