"""Answers of a provider that arrive late, twice and in any order, and a model of what is kept.

The provider's system reads the Task now and then and makes an answer from what it read; each answer
is delivered one to three times, at any later time. The model keeps the state and counts changes: an
answer counts if nothing has changed since it was made, and is legal.

They come in by one of two doors: the journey with the gate, as a server has it; or its rules and
the store alone, without the decisions on consent, the ledger and the views, which take nine tenths
of the time and do not depend on the order of answers.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Protocol

import orjson
from sqlalchemy import Connection

from bridge.driver import cursor_of, read_instant
from bridge.errors import ConflictError, UnprocessableError
from bridge.gate import Seen
from bridge.journeys.answers.answer_referral import (
    TaskAnswer,
    answer_within,
    judged,
    keep_changes,
    not_late,
)
from bridge.store.database.engine import write
from bridge.store.intake import NewRecord, put_records
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


class Door(Protocol):
    """Where a provider reads Tasks, and its answers come in."""

    def see(self, connection: Connection, task_id: str) -> Seen:
        """Return a Task as the provider reads it."""

    def answer(self, connection: Connection, answer: TaskAnswer) -> None:
        """Take an answer."""


@dataclass
class Whole:
    """The journey with the gate, as a server has it."""

    world: World

    def see(self, connection: Connection, task_id: str) -> Seen:
        seen = self.world.bridge.gate.see(connection, EHR, "Task", task_id)
        assert seen is not None
        return seen

    def answer(self, connection: Connection, answer: TaskAnswer) -> None:
        answer_within(connection, (self.world.parts, self.world.bridge.gate), EHR, answer)


@dataclass
class RulesAndStore:
    """The journey's rules on what the store holds."""

    world: World

    def see(self, connection: Connection, task_id: str) -> Seen:
        with cursor_of(connection) as cursor:
            asked = "SELECT body, last_updated FROM record WHERE type = 'Task' AND id = ?"
            body, moved_at = cursor.execute(asked, (task_id,)).fetchone()
        content = orjson.loads(body)
        dated = {k: v for k, v in content.items() if k == "lastModified"}
        content = {k: v for k, v in content.items() if k not in dated}
        # As the gate does it: a version of what is seen, which does not tell the time.
        sorted_text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
        version = self.world.bridge.identifiers.seal(sorted_text)
        at = read_instant(moved_at)
        assert at is not None
        told = {"versionId": version, "lastUpdated": at.isoformat(timespec="milliseconds")}
        whole = {**content, **dated, "meta": {**content["meta"], **told}}
        return Seen("Task", task_id, version, "", "", "", whole)

    def answer(self, connection: Connection, answer: TaskAnswer) -> None:
        seen = self.see(connection, answer.task_id)
        not_late(seen, answer)
        _, changes = judged(seen, answer.sent)
        # Who sees nothing new is told of no change: the gate dates a view by what it shows.
        if any(seen.content.get(name) != value for name, value in changes.items()):
            keep_changes(connection, self.world.parts, seen.id, changes)


@dataclass
class _Loop:
    """One referral, its model, and the answers under way."""

    task_id: str
    model: Model = field(default_factory=Model)
    under_way: list[tuple[int, State, TaskAnswer]] = field(default_factory=list)


def run_sequences(world: World, first: int, count: int, seed: int) -> Tally:
    """Run one sequence on each of some new referrals; what is kept must be what the model has."""
    world.refer(referral(n) for n in range(first, first + count))
    loops = [_Loop(world.id_of("Task", f"R-{n}")) for n in range(first, first + count)]
    return _run(Whole(world), world, loops, seed)


def run_on_the_store(world: World, first: int, count: int, seed: int) -> Tally:
    """Run as many sequences on copies of one referral's Task, by the rules and the store alone."""
    if not first:
        world.refer([referral(0)])
    task = world.stored("Task", world.id_of("Task", "R-0"))
    ids = [world.bridge.identifiers.issue("copy", str(n)) for n in range(first, first + count)]
    owned = {"custodian": "millbrook", "sender_role": "lea", "audience": "harbor"}
    copies = [
        NewRecord({**task, "id": i}, **owned, agreement_id=world.agreement, source_key=i)
        for i in ids
    ]
    with write(world.bridge.engine) as connection:
        assert len(put_records(connection, copies, world.clock.now()).new) == count
    return _run(RulesAndStore(world), world, [_Loop(i) for i in ids], seed)


def _run(door: Door, world: World, loops: list[_Loop], seed: int) -> Tally:
    tally, dice = Tally(), Random(seed)  # noqa: S311 - to be had again
    with write(world.bridge.engine) as connection:
        for loop in loops:
            of = (door, world, connection)
            for _ in range(dice.randint(2, 5)):
                _step(of, loop, dice, tally)
            dice.shuffle(loop.under_way)
            for sent in loop.under_way:
                _deliver(of, loop, sent, tally)
            tally.sequences += 1
            kept = door.see(connection, loop.task_id).content
            assert state_of(dict(kept)) == loop.model.state, (seed, loop)
    return tally


_Of = tuple[Door, World, Connection]


def _step(of: _Of, loop: _Loop, dice: Random, tally: Tally) -> None:
    """Make an answer from what is read now; deliver it, or an earlier one, or none yet."""
    door, _, connection = of
    seen = door.see(connection, loop.task_id)
    assert state_of(dict(seen.content)) == loop.model.state
    after = _wanted(loop.model.state, dice)
    body = _as_sent(dict(seen.content), after)
    answer = TaskAnswer(loop.task_id, body, f'W/"{seen.version}"')
    made = (loop.model.changes, after, answer)
    loop.under_way += [made] * dice.randint(1, 3)
    for _ in range(dice.randint(0, 2)):
        _deliver(of, loop, dice.choice(loop.under_way), tally)


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


def _deliver(of: _Of, loop: _Loop, sent: tuple[int, State, TaskAnswer], tally: Tally) -> None:
    (door, world, connection), (made_at, after, answer) = of, sent
    expected = loop.model.deliver(made_at, after)
    world.clock.advance(timedelta(seconds=1))
    try:
        door.answer(connection, answer)
        became = "kept"
    except ConflictError:
        became = "late"
    except UnprocessableError:
        became = "illegal"
    assert became == expected, (became, expected, loop.task_id, loop.model, after)
    tally.answers[became] = tally.answers.get(became, 0) + 1
