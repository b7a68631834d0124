"""What a board decided is known again while all it rests on stands, and decided anew where not."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import func, select, text

from bridge.errors import GateError
from bridge.gate import Gate, ReleasedPage, Wanted
from bridge.gate.duties.carried import ABLE
from bridge.gate.duties.riding import Riding, notices_among
from bridge.gate.people import follow_pages, follow_up, kept_lines, told_again
from bridge.gate.people.follow_pages import Board
from bridge.gate.people.told_again import MOST_CHANGES, Row, Stands, ToldRow, ToldRows
from bridge.journeys.referrals.work_list import page_of
from bridge.ledger.tables import ENTRY
from bridge.store.database.engine import read, write
from bridge.store.facts.evidence import NewEvidence, record_evidence
from bridge.store.intake import next_changes
from bridge.store.people.follow_lines import Place
from tests.bridge.gate.test_follow_pages import (
    SIS,
    answer,
    erase_a_visit,
    refer,
    revoke,
    visit,
    whole,
)
from tests.leaks.work import counted
from tests.support.worlds import LEA, World

REFERRED = 6
SECOND = timedelta(seconds=1)
WHOLE = (0, 4)  # of them, those with both forms (:func:`refer`)


@pytest.fixture
def decided(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A board that was looked at; whatever is decided for a page from now on is written down."""
    monkeypatch.setattr(told_again, "ANEW", 0)
    monkeypatch.setattr(kept_lines, "SPARE", 0)
    for n in range(REFERRED):
        refer(world, n)
    for n in WHOLE:
        answer(world, n, "accepted")
    look(world)
    return written_down(monkeypatch)


def written_down(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that every referral is written down in that a page decides from now on."""
    heard: list[str] = []
    decides = Board._decided

    def hears(self: Board, places: Sequence[Place]) -> list[Row] | None:
        heard.extend(request for request, _ in places)
        return decides(self, places)

    monkeypatch.setattr(Board, "_decided", hears)
    return heard


def look(world: World) -> ReleasedPage:
    return page_of(world.bridge, world.bridge.settings.home, SIS, Wanted())


def told(world: World) -> dict[str, str]:
    return {one.row.referral: one.row.status for one in look(world).rows}


def requests(world: World, *which: int) -> list[str]:
    return sorted(world.id_of("ServiceRequest", f"R-{n}") for n in which or range(REFERRED))


def elsewhere(world: World) -> World:
    """Return the same world as another process has it, which remembers for itself."""
    parts = world.bridge
    return replace(
        world, bridge=replace(parts, gate=Gate(parts.engine, parts.clock, parts.identifiers))
    )


def entries(world: World) -> int:
    with read(world.bridge.engine) as connection:
        kept = select(func.count()).select_from(ENTRY).where(ENTRY.c.kind == "release")
        return int(connection.scalar(kept) or 0)


def test_what_stands_is_decided_once_and_entered_each_time(
    world: World, decided: list[str]
) -> None:
    before = entries(world)
    first = look(world)
    between = entries(world)
    assert look(world) == first
    assert decided == []
    assert entries(world) - between == between - before == len(WHOLE)
    assert list(first.rows) == whole(world, world.bridge.settings.home)


def say_of_one(world: World) -> None:
    now = world.clock.now()
    student = world.bridge.identifiers.issue("student", LEA, "1000")
    said = NewEvidence("one", "third_party_present", now, now, "test", student_id=student)
    with write(world.bridge.engine) as connection:
        record_evidence(connection, [said])


def change_a_record_alone(world: World) -> None:
    """Let a Task say something else, as an answer does of which no fact is recorded."""
    with write(world.bridge.engine) as connection:
        change, _ = next_changes(connection, 1, world.clock.now())
        said = "replace(body, '\"accepted\"', '\"in-progress\"')"
        moved = (
            f"UPDATE record SET body = {said}, change = :change WHERE id = :id AND type = 'Task'"  # noqa: S608 - words of ours
        )
        connection.execute(text(moved), {"change": change, "id": world.id_of("Task", "R-0")})


MOVES: dict[str, tuple[Callable[[World], None], tuple[int, ...]]] = {
    "an answer": (lambda world: answer(world, 0, "in-progress"), (0,)),
    "a record alone": (change_a_record_alone, (0,)),
    "a session": (lambda world: visit(world, 4, "finished"), (4,)),
    "a session of a minor treated alone": (
        lambda world: visit(world, 4, "finished", "minor"),
        (4,),
    ),
    "a form taken back": (lambda world: revoke(world, 0), (0,)),
    "a fact": (say_of_one, (0,)),
    "nothing": (lambda world: world.clock.advance(timedelta(seconds=5)), ()),
}


@pytest.mark.parametrize("name", MOVES)
def test_whose_records_or_facts_moved_is_decided_anew_and_nobody_else(
    name: str, world: World, decided: list[str]
) -> None:
    move, moved = MOVES[name]
    other = elsewhere(world)
    look(other)
    decided.clear()
    move(world)
    for each in (world, other):
        assert list(look(each).rows) == whole(each, each.bridge.settings.home)
        assert sorted(decided) == (requests(world, *moved) if moved else [])
        decided.clear()


def test_a_form_taken_back_counts_at_once_in_every_process(
    world: World, decided: list[str]
) -> None:
    other = elsewhere(world)
    assert told(world)["R-0"] == told(other)["R-0"] == "accepted"
    for _ in range(2):  # the form for each direction
        revoke(world, 0)
    assert told(other)["R-0"] == told(world)["R-0"] == "sent"
    assert decided


def test_what_is_said_of_everybody_ends_for_what_is_remembered_too(
    world: World, decided: list[str]
) -> None:
    now, minutes = world.clock.now(), timedelta(minutes=10)
    said = NewEvidence("all", "third_party_present", now, now, "test", valid_to=now + minutes)
    with write(world.bridge.engine) as connection:
        record_evidence(connection, [said])
    during = look(world)
    assert during.rows != ()
    decided.clear()
    world.clock.advance(minutes)
    assert list(look(world).rows) == whole(world, world.bridge.settings.home)
    assert sorted(decided) == requests(world)


def test_a_school_that_is_renamed_is_called_by_its_new_name(
    world: World, decided: list[str]
) -> None:
    school = look(world).rows[0].row.school
    renamed = text("UPDATE organization SET name = 'Renamed School' WHERE name = :name")
    with write(world.bridge.engine) as connection:
        connection.execute(renamed, {"name": school})
    assert look(world).rows[0].row.school == "Renamed School"
    assert decided


def test_nothing_is_remembered_once_a_record_was_erased(world: World, decided: list[str]) -> None:
    visit(world, 4, "finished")
    look(world)
    decided.clear()
    erase_a_visit(world, 0)
    page_of(world.bridge, world.bridge.settings.home, SIS, Wanted(most=0))
    assert not world.bridge.gate._told_rows._rows._held
    look(world)
    assert sorted(decided) == requests(world)


def test_a_page_that_was_undone_is_not_remembered(
    world: World, decided: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other, stands = elsewhere(world), Board.stands
    tries: list[int] = []

    def first_fails(self: Board) -> bool:
        tries.append(0)
        return len(tries) > 1 and stands(self)

    monkeypatch.setattr(Board, "stands", first_fails)
    look(other)
    assert (len(tries), sorted(decided)) == (2, sorted(2 * requests(world)))


def test_as_many_rows_are_decided_anew_whatever_moved_those_held_longest_first(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider treats a minor on the minor's own consent while the school looks."""
    monkeypatch.setattr(told_again, "ANEW", 2)
    monkeypatch.setattr(kept_lines, "SPARE", 1)
    for n in range(0, 24, 4):
        refer(lite, n)
    heard = written_down(monkeypatch)
    look(lite)
    everybody = sorted(heard)
    heard.clear()
    for _ in range(3):
        lite.clock.advance(SECOND)
        look(lite)
    assert len(heard) == 6
    assert sorted(set(heard)) == everybody
    with counted(lite.bridge.engine, every=True) as before:
        page = look(lite)
    answer(lite, 8, "accepted", care="minor")
    with counted(lite.bridge.engine, every=True) as after:
        assert look(lite) == page
    assert after.statements == before.statements


@pytest.fixture
def row(world: World, decided: list[str]) -> tuple[ToldRow, Stands]:
    """A row that is remembered, and what stands."""
    kept = world.bridge.gate._told_rows._rows._held
    row = next(iter(kept.values()))
    whose = row.followed.task.student_id
    return row, Stands(row.everybody, row.change, {whose: row.version}, row.made)


MOVED: dict[str, Callable[[Stands, ToldRow], Stands]] = {
    "everybody": lambda stands, _: stands._replace(everybody="else"),
    "the student": lambda stands, row: stands._replace(
        versions={row.followed.task.student_id: row.version + 1}
    ),
    "no student": lambda stands, _: stands._replace(versions={}),
    "too much": lambda stands, row: stands._replace(change=row.change + MOST_CHANGES + 1),
    "a backup": lambda stands, row: stands._replace(change=row.change - 1),
    "the clock, back": lambda stands, row: stands._replace(now=row.made - SECOND),
    "time": lambda stands, row: stands._replace(now=row.until),
}


def test_a_row_holds_as_long_as_nothing_moved(row: tuple[ToldRow, Stands]) -> None:
    remembered, stands = row
    assert remembered.holds(stands)
    assert remembered.holds(stands._replace(change=remembered.change + MOST_CHANGES))
    assert remembered.holds(stands._replace(now=remembered.until - SECOND))
    for what, moved in MOVED.items():
        assert not remembered.holds(moved(stands, remembered)), what


def test_a_process_remembers_no_more_than_it_may(row: tuple[ToldRow, Stands]) -> None:
    remembered, _ = row
    rows = ToldRows(most_bytes=2 * remembered.size)
    rows.keep([(("somebody", str(n)), remembered) for n in range(5)])
    assert len(rows._rows._held) == 2


def test_no_row_keeps_what_the_record_says_beyond_what_is_told(
    row: tuple[ToldRow, Stands],
) -> None:
    assert row[0].followed.task.body == ""


def test_the_rows_shown_are_entered_and_no_other(lite: World) -> None:
    for n in range(3):
        refer(lite, 4 * n)
        answer(lite, 4 * n, "accepted")
    calendars = lite.bridge.settings.home
    look(lite)
    before = entries(lite)
    assert len(page_of(lite.bridge, calendars, SIS, Wanted("all", 1, 1)).rows) == 1
    assert entries(lite) == before + 1
    assert page_of(lite.bridge, calendars, SIS, Wanted("no_show")).rows == ()
    assert entries(lite) == before + 1


def test_what_is_entered_of_a_row_known_again_is_what_a_decision_enters(
    world: World, decided: list[str]
) -> None:
    look(world)
    assert decided == []
    with read(world.bridge.engine) as connection:
        kept = select(ENTRY.c.body).where(ENTRY.c.kind == "release").order_by(ENTRY.c.position)
        bodies = [orjson.loads(body) for body in connection.scalars(kept)][-2 * len(WHOLE) :]
    own = {"index": 0, "request": "", "time": ""}
    first, second = bodies[: len(WHOLE)], bodies[len(WHOLE) :]
    assert [each | own for each in first] == [each | own for each in second]
    assert all(own.keys() <= each.keys() for each in bodies)


def test_what_rides_along_is_looked_up_each_time(
    world: World, decided: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = look(world)
    notices = notices_among(ABLE)[:1]
    monkeypatch.setattr(follow_up, "riding", lambda _: Riding(notices=notices))
    told = [one.row for one in look(world).rows if one.row.status == "accepted"]
    assert [row.notices for row in told] == len(WHOLE) * [notices]
    assert [row.notices for row in (one.row for one in first.rows)] == REFERRED * [()]
    assert decided == []


def _for_good(self: ToldRow, stands: Stands) -> bool:
    return stands.change >= self.change


def _by_its_counter_alone(rows: Sequence[ToldRow], _moved: object, shown: int) -> dict[str, Row]:
    return told_again.again(rows, set(), shown)


@pytest.mark.parametrize("fault", ["for good", "by its counter alone"])
def test_rows_that_are_remembered_whatever_moved_are_noticed(
    fault: str, world: World, decided: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault == "for good":
        monkeypatch.setattr(ToldRow, "holds", _for_good)
        noticing = test_a_form_taken_back_counts_at_once_in_every_process
        with pytest.raises((AssertionError, GateError)):
            noticing(world, decided)
        return
    monkeypatch.setattr(follow_pages, "again", _by_its_counter_alone)
    with pytest.raises(AssertionError):
        test_whose_records_or_facts_moved_is_decided_anew_and_nobody_else(
            "a record alone", world, decided
        )
