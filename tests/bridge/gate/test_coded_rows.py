"""A hub's rows decided set-wise are those decided one by one, and so are their ledger entries."""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, select, update

from bridge.errors import GateError
from bridge.gate import Query
from bridge.gate.authorise import authorised
from bridge.gate.decisions import decide
from bridge.gate.exports.coded_rows import CodedRows
from bridge.gate.exports.row_coding import Coding
from bridge.gate.exports.row_plans import RowPlan
from bridge.gate.projection import project
from bridge.gate.released import lines_of
from bridge.gate.viewers import viewer_of
from bridge.identity import Caller
from bridge.ledger.lookup import of_request
from bridge.store.database.engine import read, write
from bridge.store.facts.conditions import RECORD
from bridge.store.facts.evidence import EVIDENCE, NewEvidence, evidence_of, record_evidence
from bridge.store.vault import Candidate, FoundRow, candidates, find, whole
from bridge.store.views import keep_view
from tests.bridge.gate.test_filter_and_decision import fill
from tests.support.exports import served
from tests.support.odd_sessions import BODY, bodies, compact, of_one_shape
from tests.support.worlds import LEA, World, caller

STATES = 40
HUB = caller("state-hub")


def told(connection: Connection, request: str) -> list[Any]:
    """Return what the ledger says of a request, but for place and time."""
    found = [replace(each.entry, request="") for each in of_request(connection, request)]
    return sorted(found, key=lambda entry: str(entry.resource))


def both_ways(world: World, who: Caller, query: Query) -> int:
    """Release what a query finds in both ways, compare, and undo both; returns how much it was."""
    connection = world.bridge.engine.connect()
    with connection, connection.begin() as transaction:
        coded = CodedRows(world.parts)
        first = coded.part(connection, who, query, "first")
        # Now it knows which kin are usual, and the layouts of rows.
        set_wise = coded.part(connection, who, query, "set-wise")
        assert first == set_wise
        assert told(connection, "first") == told(connection, "set-wise")
        alone = world.bridge.gate.search_noted(connection, who, query, ((), "one-by-one"))
        assert set_wise is not None
        assert set_wise.body == lines_of(alone).body
        assert set_wise.count == len(alone.matches)
        # What is withheld behind the last that is told is behind the place where the part ends.
        assert set_wise.reached >= alone.last[0]
        assert told(connection, "set-wise") == told(connection, "one-by-one")
        transaction.rollback()
    return len(alone.matches)


def test_rows_and_entries_are_those_of_deciding_one_by_one(world: World) -> None:
    seed = random.SystemRandom().randrange(10**6)
    fill(world, STATES, seed)
    served(world, 2)
    found = 0
    for kind in ("Encounter", "ServiceRequest"):
        for purposes in (("report",), ("report", "bill"), ("refer",)):
            who = Caller("state-hub", replace(HUB.standing, purposes=purposes))
            found += both_ways(world, who, Query(kind, limit=1000, interaction="read"))
    assert found > STATES, seed


def test_parts_follow_each_other_to_the_end(world: World) -> None:
    served(world, 5)
    coded, after, seen = CodedRows(world.parts), 0, list[str]()
    while True:
        query = Query("Encounter", limit=2, after_change=after, interaction="read")
        with write(world.bridge.engine) as connection:
            part = coded.part(connection, HUB, query, "a-request")
        assert part is not None
        if not part.count:
            break
        seen += [orjson.loads(line)["id"] for line in part.body.splitlines()]
        after = part.reached
    whole = world.bridge.gate.search(HUB, Query("Encounter", limit=100, interaction="read"))
    assert seen == [each.id for each in whole.matches]
    assert len(seen) == 5


def test_a_row_stands_where_the_hub_saw_its_last_change(world: World) -> None:
    served(world, 3)
    query = Query("Encounter", limit=10, interaction="read")
    with write(world.bridge.engine) as connection:
        viewer = viewer_of(connection, HUB)
        sight = authorised(viewer, "Encounter", world.clock.now(), connection.dialect.name)
        found, _ = find(connection, query, sight)
        assert len(candidates(connection, query, sight)) == 3
        # The hub saw the first change when all others had.
        place = (found[-1].change + 1, found[-1].last_updated)
        keep_view(connection, sight.standing, ("Encounter", found[0].id), place)
        again = [Candidate._make(row).id for row in candidates(connection, query, sight)]
        assert again == [each.id for each in (*found[1:], found[0])]
    assert both_ways(world, HUB, query) == 3


def test_a_part_of_which_nothing_is_told_is_followed_by_the_next(world: World) -> None:
    served(world, 3)
    with write(world.bridge.engine) as connection:
        record_evidence(connection, [blocked(world, n) for n in (0, 1)])
    coded, after, told, parts = CodedRows(world.parts), 0, 0, 0
    while True:
        query = Query("Encounter", limit=1, after_change=after, interaction="read")
        with write(world.bridge.engine) as connection:
            part = coded.part(connection, HUB, query, "a-request")
        assert part is not None
        if part.reached <= after:
            break
        told += part.count
        after, parts = part.reached, parts + 1
    assert (told, parts) == (1, 3)


def rows_told(world: World, coded: CodedRows) -> int:
    """Make the part of a file that all sessions are in; returns how many rows it has.

    Whoever made it twice asks for the usual kin by their numbers, and has decided on those.
    """
    query = Query("Encounter", interaction="read")
    with write(world.bridge.engine) as connection:
        part = coded.part(connection, HUB, query, "a-request")
    assert part is not None
    return part.count


def test_what_is_remembered_of_a_student_ends_when_a_fact_begins(world: World) -> None:
    served(world, 1)
    coded = CodedRows(world.parts)
    begins = world.clock.now() + timedelta(hours=1)
    with write(world.bridge.engine) as connection:
        record_evidence(connection, [replace(blocked(world, 0), valid_from=begins)])
    assert rows_told(world, coded) == 1
    world.clock.advance(timedelta(minutes=59))
    assert rows_told(world, coded) == 1
    world.clock.advance(timedelta(minutes=1))
    assert rows_told(world, coded) == 0
    with write(world.bridge.engine) as connection:
        connection.execute(
            update(EVIDENCE).where(EVIDENCE.c.id == "block-0").values(valid_to=begins)
        )
    assert rows_told(world, coded) == 1


@pytest.mark.parametrize("admits", [True, False])
def test_a_filter_that_disagrees_with_the_decision_lets_nothing_out(
    lite: World, monkeypatch: pytest.MonkeyPatch, admits: bool
) -> None:
    served(lite, 1)
    query = Query("Encounter", interaction="read")

    def admitted(*asked: Any) -> set[str]:  # noqa: ANN401 - as the vault takes them
        return set(asked[2]) if admits else set()

    monkeypatch.setattr("bridge.gate.exports.row_sets.admitted", admitted)
    with write(lite.bridge.engine) as connection:
        if admits:
            record_evidence(connection, [blocked(lite, 0)])
        with pytest.raises(GateError, match="disagree"):
            CodedRows(lite.parts).part(connection, HUB, query, "a-request")


def test_what_was_decided_for_a_file_ends_when_an_agreement_does(world: World) -> None:
    served(world, 2)
    coded = CodedRows(world.parts)
    assert [rows_told(world, coded) for _ in range(2)] == [2, 2]
    world.clock.advance(timedelta(days=300))
    assert rows_told(world, coded) == 0


def test_what_was_decided_for_a_file_ends_when_something_holds_for_anybody(world: World) -> None:
    served(world, 2)
    coded = CodedRows(world.parts)
    assert [rows_told(world, coded) for _ in range(2)] == [2, 2]
    with write(world.bridge.engine) as connection:
        record_evidence(connection, [replace(blocked(world, 0), student_id="")])
    assert rows_told(world, coded) == 0


def test_the_filter_is_asked_again_in_each_part(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    served(lite, 2)
    coded = CodedRows(lite.parts)
    assert [rows_told(lite, coded) for _ in range(2)] == [2, 2]
    monkeypatch.setattr("bridge.gate.exports.row_sets.admitted", lambda *_: set())
    with pytest.raises(GateError, match="disagree"):
        rows_told(lite, coded)


def test_a_row_too_odd_to_leave_leaves_no_later_part_to_the_other_way(lite: World) -> None:
    served(lite, 4)
    coded, after, made = CodedRows(lite.parts), 0, list[int | None]()
    with write(lite.bridge.engine) as connection:
        ids = connection.scalars(select(RECORD.c.id).where(RECORD.c.type == "Encounter")).all()
        for n, each in enumerate(ids):
            odd = {"body": compact({**BODY, "implicitRules": "http://x"})} if n == 1 else {}
            moved = update(RECORD).where(RECORD.c.type == "Encounter", RECORD.c.id == each)
            connection.execute(moved.values(change=10_000 + n, **odd))
    for n in range(4):
        query = Query("Encounter", limit=1, after_change=after, interaction="read")
        with write(lite.bridge.engine) as connection:
            part = coded.part(connection, HUB, query, "a-request")
        made.append(None if part is None else part.count)
        after = 10_000 + n
    assert made == [1, None, 1, 1]


@pytest.mark.parametrize("who", ["harbor-ehr", "millbrook-sis"])
def test_who_is_no_hub_is_left_to_the_other_way(lite: World, who: str) -> None:
    served(lite, 1)
    with write(lite.bridge.engine) as connection:
        query = Query("Encounter", interaction="read")
        assert CodedRows(lite.parts).part(connection, caller(who), query, "a-request") is None


def test_what_is_known_only_from_a_later_instant_is_left_to_the_other_way(world: World) -> None:
    served(world, 2)
    query = Query("Encounter", interaction="read")
    later = world.clock.now() + timedelta(seconds=2)
    with write(world.bridge.engine) as connection:
        assert CodedRows(world.parts).part(connection, HUB, query, "a-request")
        connection.execute(
            update(EVIDENCE).where(EVIDENCE.c.fact == "enrolled").values(recorded_at=later)
        )
        changed = {EVIDENCE.c.fact: "recipient_blocked", EVIDENCE.c.value: False}
        connection.execute(update(EVIDENCE).where(EVIDENCE.c.fact == "enrolled").values(changed))
        assert CodedRows(world.parts).part(connection, HUB, query, "a-request") is None


def blocked(world: World, number: int) -> NewEvidence:
    student = world.bridge.identifiers.issue("student", LEA, str(1000 + number))
    now = world.clock.now()
    return NewEvidence(f"block-{number}", "recipient_blocked", now, now, "test", student_id=student)


def told_meanwhile(world: World) -> int:
    """Make a part while a student's hub is being blocked; returns how many rows it has."""
    served(world, 2)

    def part() -> int:
        with write(world.bridge.engine) as connection:
            query = Query("Encounter", interaction="read")
            made = CodedRows(world.parts).part(connection, HUB, query, "a-request")
        assert made is not None
        return made.count

    with ThreadPoolExecutor(1) as pool:
        with write(world.bridge.engine) as connection:
            record_evidence(connection, [blocked(world, 1)])
            made = pool.submit(part)
            time.sleep(0.3)
        return made.result(timeout=20)


def test_a_part_waits_for_what_is_being_said_of_a_student_and_counts_it(world: World) -> None:
    assert told_meanwhile(world) == 1


def test_a_part_that_would_not_lock_its_students_is_found_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.gate.exports.coded_rows.lock_students", lambda *_, **__: {})
    on_its_own = world.bridge.engine.dialect.name == "sqlite"  # one writes at a time
    assert told_meanwhile(world) == (1 if on_its_own else 2)


def plan_and_row(world: World) -> tuple[RowPlan, FoundRow, Any]:
    """Return the plan of a session that was served, its row, and what makes it the other way."""
    served(world, 1)
    with read(world.bridge.engine) as connection:
        viewer, now = viewer_of(connection, HUB), world.clock.now()
        sight = authorised(viewer, "Encounter", now, connection.dialect.name)
        (stored,), _ = find(connection, Query("Encounter"), sight)
        (found,) = map(Candidate._make, candidates(connection, Query("Encounter"), sight))
        row = whole(connection, "Encounter", found.id, sight)
        facts = evidence_of(connection, {stored.student_id}, now)
    assert row.stored() == stored
    decided = decide(viewer, stored, facts, now)
    assert decided is not None
    identifiers = world.bridge.identifiers

    def alone(found: FoundRow) -> object:
        made = project(viewer, (found.stored(), decided), (), identifiers)
        return made and (made.id, made.version, made.body)

    return RowPlan("Encounter", decided, Coding.of(viewer, identifiers)), row, alone


def outcome(make: Any, found: FoundRow) -> object:  # noqa: ANN401 - one of two makers
    try:
        return make(found)
    except (TypeError, AttributeError, KeyError) as error:
        return type(error)


def test_a_planned_row_is_the_row_made_alone_whatever_is_stored(lite: World) -> None:
    seed = random.SystemRandom().randrange(10**6)
    plan, row, alone = plan_and_row(lite)
    left, dice = 0, random.Random(seed)  # noqa: S311 - repeatable, not secret
    for body in (*of_one_shape(dice), *bodies(dice), *of_one_shape(dice)):
        found = row._replace(body=body)
        expected = outcome(alone, found)
        assert outcome(plan.row, found) == expected, (seed, body)
        left += expected is not None
    assert left > 200


def test_a_row_of_a_known_shape_is_not_taken_apart(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, row, alone = plan_and_row(lite)
    first = {**BODY, "length": {"value": 45, "unit": "min"}}
    assert plan.row(row._replace(body=compact(first)))
    other = {"id": "another", "subject": {"reference": "Patient/another"}}
    found = row._replace(body=compact({**first, **other, "length": {"value": 60, "unit": "é"}}))
    expected = alone(found)
    monkeypatch.setattr("bridge.gate.exports.row_plans._MEMBERS", None)
    assert plan.row(found) == expected


def test_a_row_that_comes_out_otherwise_is_noticed_before_it_leaves(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, row, _ = plan_and_row(lite)
    monkeypatch.setattr(
        "bridge.gate.exports.row_plans.minimise_member", lambda member, *_: member[2]
    )
    body = json.dumps({**BODY, "type": [{"text": "x", "extension": [{"url": "http://x"}]}]})
    with pytest.raises(GateError, match="disagree"):
        plan.row(row._replace(body=body))
