"""The machine against the two published ones: every state, event and actor."""

import csv
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from mappings.fhir.terminology import table
from mappings.loop import (
    NEW,
    STATES,
    TRANSITIONS,
    Actor,
    State,
    legal_moves,
    moves_between,
    next_state,
)
from mappings.loop.bser import BSER_EVENTS, bser_code
from mappings.loop.machine import read_states, read_transitions
from mappings.loop.tables import LoopTableError

IG = Path(__file__).parents[2] / "data" / "ig"
ACTORS: tuple[Actor, ...] = get_args(Actor)
EVENTS = sorted({move.event for move in TRANSITIONS})
STATUSES = sorted({state.status for state in STATES})
# BSeR's initiator asks; ours cancels directly before the start (COW), and asks after it.
CONFLICTS = {"04", "05", "10", "17", "25", "33"}
# No edge of the guide is crossed, but it lets the recipient alone set in-progress.
NOT_THE_INITIATORS = {"07"}
# A further visit of a child who is seen: the phase stays, the Appointment tells of it.
PHASE_STAYS = {"26", "27"}
COARSE = {"31", "32"}


def rows(name: str) -> list[dict[str, str]]:
    with (IG / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def guides_edges() -> set[tuple[str, str, str]]:
    edges = set()
    for row in rows("sdohcc_task_transitions.csv"):
        starts = STATUSES if row["from_status"] == "*" else [row["from_status"]]
        for start, who in product(starts, row["may_set_to_status"].split(" or ")):
            edges.add((start, row["to_status"], who))
    return edges


def test_every_state_event_and_actor_moves_along_an_edge_of_the_guide_or_stays() -> None:
    edges, crossed, asked = guides_edges(), set(), 0
    for state, event, actor in product((NEW, *STATES), EVENTS, ACTORS):
        asked += 1
        after = next_state(state, event, actor, requested=True)
        if after is None:
            continue
        if after.status != state.status or after.status == "entered-in-error":
            assert (state.status, after.status, actor) in edges, (state, event, actor)
            crossed.add((state.status, after.status, actor))
    assert asked == 28 * len(EVENTS) * 2
    assert crossed == edges


def test_between_any_two_states_an_actor_moves_only_as_the_guide_draws_it() -> None:
    edges = guides_edges()
    for before, after, actor in product((NEW, *STATES), STATES, ACTORS):
        if moves_between(before, after, actor, requested=True) and before.status != after.status:
            assert (before.status, after.status, actor) in edges, (before, after, actor)


def places(status: str, sub: str) -> list[State]:
    """Our states that are BSeR's: its ``received`` is what SDOHCC calls ``requested``."""
    if status == "received":
        return [s for s in STATES if s.status == "requested"]
    if status == "accepted":
        return [s for s, row in STATES.items() if s.status == "accepted" and row.bser == ("3.0",)]
    if sub == "5.2":  # asked to cancel: the state stays, the request is a Task of its own
        return [s for s in STATES if s.status == "in-progress"]
    return [s for s, row in STATES.items() if s.status == "in-progress" and sub in row.bser]


@pytest.mark.parametrize("row", rows("bser_harmonized_transitions.csv"), ids=lambda row: row["tid"])
def test_each_transition_of_bser_is_made_or_mapped(row: dict[str, str]) -> None:
    tid, code = row["tid"], row["business_status_code"]
    if tid == "01":
        assert next_state(NEW, "send", "requester") == State("requested", "sent")
        return
    starts = places(row["from_status"], row["from_sub"])
    assert starts
    for start in starts:
        if row["actor"] == "initiator":
            event = (
                "cancel" if start.status in ("requested", "accepted") else "request-cancellation"
            )
            after = next_state(start, event, "requester")
        else:
            after = next_state(start, BSER_EVENTS[code].event, "target", requested=True)
        assert after is not None, (tid, start)
        same = after.status == {"received": "requested"}.get(row["to_status"], row["to_status"])
        assert same is (tid not in CONFLICTS | NOT_THE_INITIATORS), (tid, after)
        if same and row["actor"] == "recipient" and tid not in PHASE_STAYS | COARSE:
            assert code in STATES[after].bser, (tid, after)


def test_the_six_conflicts_end_where_the_guide_lets_them() -> None:
    ends = {}
    for row in rows("bser_harmonized_transitions.csv"):
        if row["tid"] not in CONFLICTS:
            continue
        event, actor = ("cancel", "requester") if row["tid"] == "04" else ("decline", "target")
        starts = places(row["from_status"], row["from_sub"])
        ends[row["tid"]] = {next_state(s, event, actor) for s in starts}  # type: ignore[arg-type] # the table's words are checked
    given_back = {State("failed", "declined-by-provider")}
    assert ends.pop("04") == {State("cancelled", "withdrawn-by-school")}
    assert ends == dict.fromkeys(CONFLICTS - {"04"}, given_back)


def test_the_dead_ends_of_bser_have_a_way_out_here() -> None:
    missed, cancelled = (State("in-progress", c) for c in ("intake-missed", "contacting-family"))
    for state, event in product((missed, cancelled), ("decline", "complete", "visit-held")):
        assert next_state(state, event, "target") is not None
    assert next_state(missed, "refuse-cancellation", "target", requested=True) == missed
    assert next_state(missed, "wait-list", "target") == State("on-hold", "waitlisted")


def test_every_follow_up_code_is_a_state_and_every_state_is_a_follow_up_code() -> None:
    codes = table("follow-up").rows
    assert {row.follow_up for row in STATES.values()} == set(codes)
    assert {state.business for state in STATES} - {""} == set(codes)
    for code, row in codes.items():
        assert State(row["task_status"], code) in STATES


def test_only_the_school_says_that_it_withdrew() -> None:
    for state in STATES:
        ends = {move.after.business for move in legal_moves(state, "target")}
        assert "withdrawn-by-school" not in ends


def test_what_a_state_is_in_bser_is_the_code_it_was_reached_with() -> None:
    assert bser_code(State("in-progress", "intake-missed")) == "5.1.2"
    assert bser_code(State("on-hold", "waitlisted")) == "5.1"
    assert bser_code(State("draft")) == ""


HEAD = "event,actor,from_status,from_business,to_status,to_business,needs,source\n"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("accept,target,requested,*,accepted,accepted,", "8 cells are needed"),
        ("accept,somebody,requested,*,accepted,accepted,,x", "unknown word 'somebody'"),
        ("accept,target,requested,nowhere,accepted,accepted,,x", "no state requested (nowhere)"),
        ("accept,target,requested,*,accepted,waitlisted,,x", "no state accepted (waitlisted)"),
        ("accept,target,requested,*,accepted,accepted,luck,x", "unknown word 'luck'"),
        ("accept, target,requested,*,accepted,accepted,,x", "no spaces"),
        ("a,target,requested,*,accepted,accepted,,x\na,target,requested,sent,accepted,accepted,,x",
         "the same as line 2"),
    ],
)  # fmt: skip
def test_a_broken_table_is_refused_with_its_line(line: str, what: str) -> None:
    with pytest.raises(LoopTableError, match=r"transitions\.csv line [23]") as told:
        read_transitions(HEAD + line)
    assert what in str(told.value)


def test_a_state_that_is_nobodys_turn_and_no_end_is_refused() -> None:
    text = "status,business,follow_up,turn,end,bser,meaning\non-hold,lost,sent,,,,Lost\n"
    with pytest.raises(LoopTableError, match="an open state is somebody's turn"):
        read_states(text)


def test_a_table_with_another_heading_is_refused() -> None:
    with pytest.raises(LoopTableError, match="line 1: the heading must be event"):
        read_transitions("event,actor\n")
