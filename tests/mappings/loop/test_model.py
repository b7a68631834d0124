"""The machine searched whole: from anywhere a referral can be brought to an end that is told."""

from collections.abc import Iterable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mappings.fhir.task_moves import moved_task
from mappings.fhir.task_states import FOLLOW_UP, follow_up_code, state_of
from mappings.loop import NEW, STATES, TRANSITIONS, State, legal_moves, next_state

ENDS = {state for state, row in STATES.items() if row.end}
OPEN = {state for state, row in STATES.items() if not row.end}


def reached(starts: Iterable[State], *, without: str = "", requested: bool = False) -> set[State]:
    """Every state that can follow some states, by everybody's moves but some."""
    found, waiting = set(starts), list(starts)
    while waiting:
        state = waiting.pop()
        for move in TRANSITIONS:
            free = requested or "request" not in move.needs
            if move.before == state and move.actor != without and free and move.after not in found:
                found.add(move.after)
                waiting.append(move.after)
    return found


def test_every_state_is_reached_from_the_beginning() -> None:
    assert reached([NEW], requested=True) == {NEW, *STATES}


def test_only_an_end_has_no_way_on() -> None:
    for state in STATES:
        ways = {
            move.after
            for move in TRANSITIONS
            if move.before == state and move.after not in (state, State("entered-in-error"))
        }
        assert ways or state in ENDS, state


def test_from_every_open_state_every_kind_of_end_is_reached() -> None:
    for state in OPEN - {State("draft")}:
        after = reached([state])
        assert {STATES[s].end for s in after if s in ENDS} == {"served", "dead-end"}, state


def test_a_provider_that_accepted_can_end_it_alone_and_the_school_can_too() -> None:
    accepted = {s for s in OPEN if s.status in ("accepted", "in-progress", "on-hold")}
    for state in accepted:
        assert reached([state], without="requester") & ENDS, state
        assert reached([state], without="target", requested=True) & ENDS, state


def test_an_end_is_left_only_to_be_corrected() -> None:
    for move in TRANSITIONS:
        if move.before in ENDS:
            assert move.event == "enter-in-error" or move.event.startswith("restate-"), move
            assert move.after in ENDS


def test_every_end_is_a_status_the_school_reads_and_every_dead_end_has_a_name() -> None:
    for state in ENDS:
        row = STATES[state]
        assert row.follow_up in FOLLOW_UP.rows
        assert row.meaning
        told = follow_up_code(task(state))
        assert told == row.follow_up, state


def test_every_open_state_is_somebodys_turn_and_whose_turn_it_is_has_a_move() -> None:
    actors = {"school": "requester", "provider": "target"}
    for state in OPEN:
        moves = legal_moves(state, actors[STATES[state].turn])  # type: ignore[arg-type] # an open state has an actor
        assert [move for move in moves if move.event != "enter-in-error"], state


def task(state: State) -> dict[str, object]:
    made: dict[str, object] = {"resourceType": "Task", "status": state.status}
    if state.business:
        made["businessStatus"] = {"coding": [FOLLOW_UP.codings[state.business]]}
    return made


class Referral(RuleBasedStateMachine):
    """One referral moved by anybody: what the code keeps is what the table says."""

    def __init__(self) -> None:
        super().__init__()
        self.model = State("requested", "sent")
        self.kept = task(self.model)
        self.past = [self.kept]

    @rule(draw=st.data(), requested=st.booleans())
    def move(self, draw: st.DataObject, requested: bool) -> None:
        moves = [
            move
            for actor in ("target", "requester")
            for move in legal_moves(self.model, actor, requested=requested)
        ]
        if not moves:
            return
        move = draw.draw(st.sampled_from(moves))
        moved = moved_task(self.kept, task(move.after), move.actor, requested=requested)
        assert moved.issues == (), move
        self._keep(moved.status, moved.business)
        after = next_state(self.model, move.event, move.actor, requested=requested)
        assert after is not None
        self.model = after

    @rule(state=st.sampled_from(sorted(STATES)))
    def ask_for_any_state(self, state: State) -> None:
        moved = moved_task(self.kept, task(state), "target")
        legal = state == self.model or state in {
            move.after for move in legal_moves(self.model, "target")
        }
        assert (moved.issues == ()) is legal
        if legal:
            self._keep(moved.status, moved.business)
            self.model = state

    @precondition(lambda self: len(self.past) > 1)
    @rule()
    def repeat_what_stands(self) -> None:
        moved = moved_task(self.kept, dict(self.kept), "target")
        assert moved.issues == ()
        assert state_of({"status": moved.status, "businessStatus": moved.business or {}}) == (
            self.model
        )

    @invariant()
    def what_is_kept_is_the_models(self) -> None:
        assert state_of(self.kept) == self.model
        assert follow_up_code(self.kept) == STATES[self.model].follow_up

    def _keep(self, status: str, business: object) -> None:
        self.kept = {"resourceType": "Task", "status": status}
        if business is not None:
            self.kept["businessStatus"] = business
        self.past.append(self.kept)


TestReferral = Referral.TestCase
TestReferral.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
