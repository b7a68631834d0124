"""Erasing a student has that student's lines forgotten and counted out, and no other made anew."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
from sqlalchemy import text

from bridge.gate import Wanted
from bridge.gate.people import kept_lines
from bridge.gate.people.follow_pages import Board
from bridge.gate.people.sent_pages import Desk, Sent
from bridge.journeys.referrals.work_list import page_of
from bridge.journeys.running.erase_student import Because, Erasing, erase_student
from bridge.store.database.engine import read, write
from bridge.store.facts.evidence import lock_students
from bridge.store.people import follow_lines
from tests.bridge.gate.desks import desk, page
from tests.bridge.gate.test_follow_pages import SIS, agree, answer, erase_a_visit, refer, visit
from tests.support.worlds import LEA, World

STUDENTS = 7
ASKED = Erasing(LEA, "1004", "records-office", Because.ORDER)


def decided(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that every student is written down in whose lines are made anew from now on."""
    heard: list[str] = []
    for kind in (Board, Desk):
        made = kind._made_anew

        def hears(self: Board, students: Sequence[str], made: object = made) -> dict[str, int]:
            heard.extend(students)
            return made(self, students)  # type: ignore[operator,no-any-return] # the method that was there

        monkeypatch.setattr(kind, "_made_anew", hears)
    monkeypatch.setattr(kept_lines, "SPARE", 0)
    return heard


@pytest.fixture
def looked(world: World) -> World:
    """A district some of whose referrals are over, looked at from both sides."""
    for n in range(STUDENTS):
        refer(world, n)
    for n, status in ((0, "accepted"), (4, "rejected"), (2, "on-hold")):
        answer(world, n, status)
    visit(world, 0, "finished")
    agree(world, world.bridge.settings.home)
    return world


def look(world: World) -> None:
    page_of(world.bridge, world.bridge.settings.home, SIS, Wanted())
    page(world, desk(), Sent())


def test_nobody_elses_lines_are_made_anew(looked: World, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = decided(monkeypatch)
    erase_student(looked.parts, ASKED)
    look(looked)
    assert heard == []
    agree(looked, looked.bridge.settings.home)


def test_a_student_of_whom_one_record_went_is_decided_anew_alone(
    looked: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = decided(monkeypatch)
    erase_a_visit(looked, 0)
    look(looked)
    assert set(heard) == {looked.bridge.identifiers.issue("student", LEA, "1000")}
    agree(looked, looked.bridge.settings.home)


def test_of_the_erased_no_line_stays_though_nobody_looks(looked: World) -> None:
    gone = looked.bridge.identifiers.issue("student", LEA, "1004")
    erase_student(looked.parts, ASKED)
    with read(looked.bridge.engine) as connection:
        for table in ("follow_line", "follow_due"):
            count = text(f"SELECT count(*) FROM {table} WHERE student_id = :gone")  # noqa: S608 - names of ours
            assert connection.scalar(count, {"gone": gone}) == 0, table


def test_counts_are_those_of_the_lines_where_nobody_knows_them(looked: World) -> None:
    before = page_of(looked.bridge, looked.bridge.settings.home, SIS, Wanted()).counts
    with write(looked.bridge.engine) as connection:
        connection.execute(text("UPDATE follow_head SET counts = ''"))
    assert page_of(looked.bridge, looked.bridge.settings.home, SIS, Wanted()).counts == before


def test_who_erases_and_who_makes_a_page_do_not_wait_for_each_other(looked: World) -> None:
    gone, engine = looked.bridge.identifiers.issue("student", LEA, "1004"), looked.bridge.engine
    with ThreadPoolExecutor(1) as threads:
        with write(engine) as page_of_somebody:
            whose = page_of_somebody.scalars(text("SELECT whose FROM follow_head")).all()
            heads = [follow_lines.head_of(page_of_somebody, each) for each in sorted(whose)]
            erased = threads.submit(erase_student, looked.parts, ASKED)
            sleep(0.5)  # it has taken what it takes before it waits
            lock_students(page_of_somebody, [gone], share=True)
        assert erased.result(30)["student"] == 1
    assert all(heads)
    agree(looked, looked.bridge.settings.home)
