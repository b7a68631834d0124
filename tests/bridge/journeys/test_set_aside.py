"""A student who cannot be looked at is set aside, and holds up nobody else. All people made up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from bridge.gate import newly_seen
from bridge.journeys.running.let_be_seen import FIRST_RETRY, LAST_RETRY, let_be_seen
from bridge.journeys.running.look_at_queues import look_at_queues
from bridge.journeys.running.look_for_faults import faults_of
from bridge.store.database.engine import read, write
from bridge.store.facts.openings import all_set_aside, look_at_students
from tests.support.worlds import LEA, World, referral

OF_SEVEN = 7
"""More than one transaction looks at."""


@pytest.fixture
def due(world: World) -> World:
    """A world in which there is something to look at of each of some students."""
    world.refer([referral(n) for n in range(1, OF_SEVEN + 1)])
    let_be_seen(world.parts)
    with write(world.bridge.engine) as connection:
        students = [student(world, n) for n in range(1, OF_SEVEN + 1)]
        look_at_students(connection, students, world.clock.now())
    return world


def student(world: World, number: int) -> str:
    return world.bridge.identifiers.issue("student", LEA, f"{1000 + number}")


def waiting(world: World) -> list[str]:
    """Return the students that are still to be looked at."""
    with read(world.bridge.engine) as connection:
        asked = text("SELECT student_id FROM opening WHERE student_id <> ''")
        return sorted(connection.scalars(asked))


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception, *whose: str) -> None:
    """Let a look at some students raise, as one at a record that cannot be read does."""
    reads: Callable[..., Any] = newly_seen.of_students

    def broken(connection: object, kinds: object, students: frozenset[str]) -> object:
        if students & set(whose):
            raise error
        return reads(connection, kinds, students)

    monkeypatch.setattr(newly_seen, "of_students", broken)


def faults(world: World) -> list[str]:
    with read(world.bridge.engine) as connection:
        return faults_of(connection)


def test_who_cannot_be_looked_at_holds_up_nobody_and_is_tried_again(
    due: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = [student(due, 1), student(due, 6)]
    with monkeypatch.context() as broken:
        failing(broken, ValueError("a record of Child1 Winterbourne"), *odd)
        with capture_logs() as said:
            assert let_be_seen(due.parts) == OF_SEVEN - 2
            assert waiting(due) == sorted(odd)
            assert let_be_seen(due.parts) == 0
            due.clock.advance(FIRST_RETRY)
            assert let_be_seen(due.parts) == 0
    assert [each["log_level"] for each in said] == ["warning"] * 2
    assert {each["kind"] for each in said} == {"ValueError"}
    assert "Winterbourne" not in str(said)
    (told,) = faults(due)
    assert told.startswith("2 students could not be looked at")
    assert "tried 2 times" in told

    due.clock.advance(FIRST_RETRY)
    assert let_be_seen(due.parts) == 0
    due.clock.advance(FIRST_RETRY)
    assert let_be_seen(due.parts) == 2
    assert (waiting(due), faults(due)) == ([], [])


def test_who_stays_odd_is_tried_once_a_day_in_the_end(
    due: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, KeyError("x"), student(due, 3))
    waits = []
    for _ in range(12):
        let_be_seen(due.parts)
        with read(due.bridge.engine) as connection:
            next_at = all_set_aside(connection).next_at
        assert next_at is not None
        assert look_at_queues(due.parts).aside == 1
        waits.append(next_at - due.clock.now())
        due.clock.instant = next_at
    assert waits[:3] == [FIRST_RETRY, FIRST_RETRY * 2, FIRST_RETRY * 4]
    assert waits[-1] == LAST_RETRY
    assert waits == sorted(waits)


def test_a_database_that_does_not_answer_is_no_students_fault(
    due: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = OperationalError("SELECT", None, Exception("it is away"))
    failing(monkeypatch, away, student(due, 1))
    with pytest.raises(OperationalError):
        let_be_seen(due.parts)
    assert len(waiting(due)) == OF_SEVEN
    assert faults(due) == []


def test_a_queue_that_is_held_up_is_noticed(due: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.journeys.running.let_be_seen.set_aside", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        test_who_cannot_be_looked_at_holds_up_nobody_and_is_tried_again(due, monkeypatch)
    assert due.clock.now() < due.clock.now() + timedelta(seconds=1)
    assert student(due, 1) in waiting(due)
