"""Pages are made ready before somebody looks: the first look makes no more anew than the next."""

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from bridge.directories import Directory
from bridge.errors import SettingsError
from bridge.gate import Wanted
from bridge.gate.people.sent_pages import Sent
from bridge.journeys.referrals.work_list import page_of
from bridge.journeys.running import make_ready as making_ready
from bridge.journeys.running.erase_student import erase_student
from bridge.journeys.running.make_ready import make_ready
from bridge.store.database.engine import read
from bridge.store.people.follow_work import how_far
from tests.bridge.gate.desks import desk, page
from tests.bridge.gate.test_follow_pages import (
    SIS,
    agree,
    answer,
    refer,
    revoke,
    say_of_everybody,
    visit,
)
from tests.bridge.gate.test_lines_of_the_erased import ASKED, decided, look
from tests.support.worlds import COVE, HARBOR, LEA, World, referral

SIGN_IN = Directory(
    *(LEA, "https://login.millbrook.example", "schoolbridge", "", "roles"),
    (("Coordinator", SIS.role),),
    tuple(SIS.purposes),
)
STUDENTS = 11  # more than a page makes anew by itself


def ready(world: World) -> int:
    return make_ready(world.bridge, world.bridge.settings.home, (SIGN_IN,))


@pytest.fixture
def imported(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A district whose referrals have just come; of its provider somebody has looked before."""
    monkeypatch.setattr(making_ready, "READY_AT_ONCE", 4)
    page(world, desk(), Sent())
    for n in range(STUDENTS):
        refer(world, n)
    answer(world, 0, "accepted")
    answer(world, 4, "rejected")
    visit(world, 0, "finished")
    return world


def test_the_first_page_after_an_import_makes_nothing_anew(
    imported: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ready(imported) == 2 * STUDENTS  # for the school, and for the provider
    heard = decided(monkeypatch)
    look(imported)
    assert heard == []
    agree(imported, imported.bridge.settings.home)


CHANGES: dict[str, Callable[[World], object]] = {
    "everybody": lambda world: say_of_everybody(world, 3),
    "a day comes": lambda world: world.clock.advance(timedelta(days=30)),
    "another file": lambda world: world.refer([referral(n) for n in range(20, 40)]),
    "forms are revoked": lambda world: [revoke(world, n) for n in range(STUDENTS)],
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_for_many_is_made_ready_again(
    imported: World, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    heard = decided(monkeypatch)  # of none is it left to the page
    ready(imported)
    CHANGES[change](imported)
    assert ready(imported) > 0
    heard.clear()
    look(imported)
    assert heard == []
    agree(imported, imported.bridge.settings.home)


def test_where_nobody_would_wait_nothing_is_done(imported: World) -> None:
    ready(imported)
    with read(imported.bridge.engine) as connection:
        before = connection.execute(text("SELECT * FROM follow_head")).all()
    assert ready(imported) == 0
    refer(imported, 12)  # a page makes one anew itself
    assert ready(imported) == 0
    with read(imported.bridge.engine) as connection:
        after = connection.execute(text("SELECT whose, seen, at FROM follow_head")).all()
    assert {tuple(row) for row in after} == {(row.whose, row.seen, row.at) for row in before}
    agree(imported, imported.bridge.settings.home)


def test_whoever_looks_after_a_student_was_erased_has_nothing_counted(imported: World) -> None:
    ready(imported)
    erase_student(imported.parts, ASKED)
    assert ready(imported) == 0
    with read(imported.bridge.engine) as connection:
        assert "" not in connection.scalars(text("SELECT counts FROM follow_head")).all()
    agree(imported, imported.bridge.settings.home)


def test_where_people_are_served_little_is_done_at_once_and_as_long_nothing(
    imported: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []
    steps: list[int] = []
    monkeypatch.setattr(making_ready, "FEW_AT_ONCE", 3)
    monkeypatch.setattr(making_ready, "sleep", rests.append)
    monkeypatch.setattr(making_ready, "monotonic", iter(range(0, 9000, 7)).__next__)
    home = imported.bridge.settings.home

    def told(_whose: str, done: int, _left: int) -> None:
        steps.append(done)

    assert make_ready(imported.bridge, home, (SIGN_IN,), told, beside=True) == 2 * STUDENTS
    assert steps == 2 * [3, 6, 9, STUDENTS]
    assert rests == 8 * [7]
    agree(imported, home)
    assert ready(imported) == 0


@pytest.mark.parametrize(("many", "rests"), [(1000, [7, 70, 70, 70]), (5, [7, 7, 70, 70])])
def test_while_others_write_it_rests_longer_unless_many_are_left(
    imported: World, monkeypatch: pytest.MonkeyPatch, many: int, rests: list[float]
) -> None:
    rested: list[float] = []
    numbers = itertools.count(100)

    def rest(seconds: float) -> None:
        rested.append(seconds)
        if len(rested) < len(rests):
            imported.refer([referral(next(numbers))], provider=COVE)

    monkeypatch.setattr(making_ready, "FEW_AT_ONCE", 3)
    monkeypatch.setattr(making_ready, "_MANY", many)
    monkeypatch.setattr(making_ready, "sleep", rest)
    monkeypatch.setattr(making_ready, "monotonic", iter(range(0, 9000, 7)).__next__)
    home = imported.bridge.settings.home

    make_ready(imported.bridge, home, (SIGN_IN,), beside=True)
    assert rested[: len(rests)] == rests
    agree(imported, home)


class BrokenOffError(Exception):
    """Work was broken off."""


def test_work_that_is_broken_off_goes_on_where_it_was(imported: World) -> None:
    def broken(_whose: str, done: int, left: int) -> None:
        if done >= 8:
            raise BrokenOffError(left)

    with pytest.raises(BrokenOffError, match="3"):
        make_ready(imported.bridge, imported.bridge.settings.home, (SIGN_IN,), broken)
    with read(imported.bridge.engine) as connection:
        kept = {each.whose.split("|")[1]: each for each in how_far(connection)}
    assert (kept[LEA].due, kept[HARBOR].lines) == (3, 0)
    agree(imported, imported.bridge.settings.home)  # whoever looks now has the rest done
    assert ready(imported) == 0


def test_a_calendar_that_cannot_be_read_keeps_nobody_else_from_being_ready(
    imported: World,
) -> None:
    (imported.bridge.settings.home / f"{LEA}.csv").write_text("no,calendar\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=LEA):
        ready(imported)
    with read(imported.bridge.engine) as connection:
        assert [each.lines for each in how_far(connection)] == [STUDENTS]


def test_a_district_without_an_agreement_has_nothing_to_be_made_ready(lite: World) -> None:
    stranger = Directory("elsewhere", "https://x.example", "x", "", "roles", (("a", "b"),), ("c",))
    assert make_ready(lite.bridge, lite.bridge.settings.home, (stranger,)) == 0
    assert page_of(lite.bridge, lite.bridge.settings.home, SIS, Wanted()).rows == ()
