"""A Task as sent, judged: every state against every state, and what is said in BSeR's words."""

from itertools import product
from typing import Any

import pytest

from mappings.fhir.task_moves import Moved, moved_task
from mappings.fhir.task_states import FOLLOW_UP, state_of
from mappings.loop import STATES, Actor, State, legal_moves, moves_between
from mappings.loop.bser import SYSTEM

Json = dict[str, Any]


def task(state: State, **more: object) -> Json:
    made: Json = {"resourceType": "Task", "status": state.status}
    if state.business:
        made["businessStatus"] = {"coding": [FOLLOW_UP.codings[state.business]]}
    return made | more


def bser(status: str, code: str) -> Json:
    coding = {"system": SYSTEM, "code": code}
    return {"resourceType": "Task", "status": status, "businessStatus": {"coding": [coding]}}


@pytest.mark.parametrize("actor", ["target", "requester"])
@pytest.mark.parametrize("requested", [False, True])
def test_every_state_moves_to_every_other_exactly_as_the_table_has_it(
    actor: Actor, requested: bool
) -> None:
    for before, after in product(STATES, STATES):
        moved = moved_task(task(before), task(after), actor, requested=requested)
        legal = before == after or moves_between(before, after, actor, requested=requested)
        assert (moved.issues == ()) is bool(legal), (before, after)


def test_a_status_alone_moves_as_the_edges_of_the_guide() -> None:
    for before, after in product(STATES, STATES):
        if after.status != before.status:
            moved = moved_task(task(before), {"status": after.status}, "target")
            edge = moves_between(before, State(after.status), "target")
            assert (moved.issues == ()) is bool(edge)
            assert moved.business is None


def test_a_refusal_names_the_moves_there_are() -> None:
    before = State("requested", "sent")
    moved = moved_task(task(before), task(State("completed", "discharged")), "target")
    (issue,) = moved.issues
    assert (issue.path, issue.code) == ("Task.status", "business-rule")
    for move in legal_moves(before, "target"):
        assert move.after.status in issue.text
        assert move.after.business in issue.text
    ended = State("rejected", "declined-by-provider")
    (last,) = moved_task(task(ended), task(before), "target").issues
    assert last.text.endswith("to: nothing else.")


def test_a_business_status_that_does_not_follow_is_refused_where_it_stands() -> None:
    before, after = State("accepted", "accepted"), State("in-progress", "intake-missed")
    (issue,) = moved_task(task(before), task(after), "target").issues
    assert issue.path == "Task.businessStatus"


def test_a_business_status_as_it_was_read_is_left_behind_by_a_new_status() -> None:
    before = task(State("requested", "sent"))
    assert moved_task(before, {**before, "status": "accepted"}, "target") == Moved("accepted")
    progress = task(State("accepted", "intake-scheduled"))
    started = moved_task(progress, {**progress, "status": "in-progress"}, "target")
    assert started.business == progress["businessStatus"]


def test_words_that_are_no_code_of_ours_are_kept_and_move_nothing() -> None:
    words = {"text": "in our words", "coding": [{"system": "https://other.example", "code": "x"}]}
    before = task(State("accepted", "accepted"))
    moved = moved_task(before, {"status": "accepted", "businessStatus": words}, "target")
    assert moved == Moved("accepted", words)


def test_a_code_that_is_none_of_ours_is_named_a_mistake() -> None:
    wrong = {"coding": [{"system": FOLLOW_UP.system, "code": "seen"}]}
    sent = {"status": "accepted", "businessStatus": wrong}
    (issue,) = moved_task(task(State("requested", "sent")), sent, "target").issues
    assert (issue.code, issue.path) == ("code-invalid", "Task.businessStatus")
    both = {"coding": [FOLLOW_UP.codings["accepted"], FOLLOW_UP.codings["intake-done"]]}
    sent = {"status": "accepted", "businessStatus": both}
    assert moved_task(task(State("requested", "sent")), sent, "target").issues[0].code == "invalid"


BSER = [
    (State("requested", "sent"), ("accepted", "3.0"), State("accepted", "accepted")),
    (State("requested", "sent"), ("rejected", "4.0"), State("rejected", "declined-by-provider")),
    (State("accepted", "accepted"), ("rejected", "4.0"), State("failed", "declined-by-provider")),
    (State("in-progress", "intake-missed"), ("rejected", "4.0"),
     State("failed", "declined-by-provider")),
    (State("accepted", "accepted"), ("in-progress", "5.1.1"),
     State("in-progress", "intake-scheduled")),
    (State("in-progress", "intake-scheduled"), ("in-progress", "5.1.2"),
     State("in-progress", "intake-missed")),
    (State("in-progress", "intake-scheduled"), ("completed", "7.0"),
     State("completed", "discharged")),
]  # fmt: skip


@pytest.mark.parametrize(("before", "said", "after"), BSER)
def test_a_code_of_bser_is_taken_and_kept_beside_ours(
    before: State, said: tuple[str, str], after: State
) -> None:
    moved = moved_task(task(before), bser(*said), "target")
    assert moved.issues == ()
    assert state_of({"status": moved.status, "businessStatus": moved.business}) == after
    assert moved.business is not None
    codings = moved.business["coding"]
    assert [c["system"] for c in codings] == [FOLLOW_UP.system, SYSTEM]


def test_the_next_code_of_bser_counts_although_ours_is_still_beside_it() -> None:
    first = moved_task(task(State("accepted", "accepted")), bser("in-progress", "5.1.1"), "target")
    assert first.business is not None
    ours, _ = first.business["coding"]
    before = {"status": first.status, "businessStatus": first.business}
    missed = {"coding": [ours, {"system": SYSTEM, "code": "5.1.2"}]}
    moved = moved_task(before, {"status": "in-progress", "businessStatus": missed}, "target")
    assert state_of({"status": moved.status, "businessStatus": moved.business}) == State(
        "in-progress", "intake-missed"
    )


def test_a_code_of_bser_that_contradicts_its_status_is_refused() -> None:
    before = task(State("requested", "sent"))
    assert moved_task(before, bser("rejected", "3.0"), "target").issues[0].path == "Task.status"
    unknown = moved_task(before, bser("accepted", "9.9"), "target").issues[0]
    assert unknown.code == "code-invalid"
    asked = task(State("in-progress", "contacting-family"))
    assert moved_task(asked, bser("cancelled", "6.0"), "target").issues
    assert not moved_task(asked, bser("cancelled", "6.0"), "target", requested=True).issues
