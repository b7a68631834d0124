"""A page of a district's follow-up works for its own rows: counted, with few and with many."""

from datetime import date

import pytest
from sqlalchemy import text

from bridge.gate import Wanted
from bridge.gate.people import kept_lines
from bridge.gate.people.places import page_key
from bridge.journeys.referrals.work_list import page_of
from bridge.schema import table_of
from bridge.store.database.engine import write
from bridge.store.people.follow_tables import FollowLineRow
from tests.bridge.gate.test_follow_pages import SIS, answer, refer, whole
from tests.leaks.work import Work, counted
from tests.support.worlds import LEA, World, referral

LINE = table_of(FollowLineRow)


def work_of(world: World, wanted: Wanted) -> Work:
    """Return the work of a page that was shown before."""
    page_of(world.bridge, world.bridge.settings.home, SIS, wanted)
    with counted(world.bridge.engine) as work:
        page_of(world.bridge, world.bridge.settings.home, SIS, wanted)
    return work


def test_the_work_of_a_page_is_the_same_in_a_district_of_many_referrals(lite: World) -> None:
    for n in range(12):
        refer(lite, n)
    key = page_key(lite.bridge.identifiers, LEA, whole(lite, lite.bridge.settings.home)[0].row)
    asked = (Wanted("all", most=4), Wanted("open-unanswered", most=4), Wanted(keys=(key,)))
    few = [work_of(lite, wanted) for wanted in asked]
    lite.refer([referral(n, authored_on=date(2026, 10, 15)) for n in range(12, 72)])
    many = [work_of(lite, wanted) for wanted in asked]

    for before, after in zip(few, many, strict=True):
        assert after.statements == before.statements
        assert after.rows <= before.rows + 8
        assert after.steps <= before.steps * 1.15


def crowd(world: World, count: int) -> None:
    """Keep lines of referrals that nobody asks for: sent long ago, last in the order."""
    columns = [each.name for each in LINE.columns]
    said = dict.fromkeys(("request_id", "student_id", "key"), "'x-' || n")
    said |= {"rest": "1", "since": "'9999-01-01'", "sent_on": "'2020-01-01'", "status_on": "''"}
    numbers = f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})"  # noqa: S608 - numbers
    copied = f"SELECT {', '.join(said.get(each, each) for each in columns)}"
    one = "(SELECT * FROM follow_line LIMIT 1)"
    sql = f"INSERT INTO follow_line ({', '.join(columns)}) {numbers} {copied} FROM {one}, s"
    with write(world.bridge.engine) as connection:
        connection.execute(text(sql))


def test_a_page_reads_no_line_that_it_does_not_show(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_lines, "SPARE", 0)
    refer(lite, 0)
    answer(lite, 0, "accepted")
    key = page_key(lite.bridge.identifiers, LEA, whole(lite, lite.bridge.settings.home)[0].row)
    asked = (Wanted("all", most=1), Wanted("act", most=1), Wanted(most=0), Wanted(keys=(key,)))
    asked += (Wanted("act", most=1, since=7), Wanted("open-arranged", most=1))
    few = [work_of(lite, wanted).steps for wanted in asked]
    crowd(lite, 3000)
    many = [work_of(lite, wanted).steps for wanted in asked]
    assert [after <= before + 200 for before, after in zip(few, many, strict=True)] == [True] * 6


def test_what_changed_unseen_takes_no_more_statements(lite: World) -> None:
    """A provider treats a minor on the minor's own consent while the school looks."""
    for n in (0, 4, 8, 12):
        refer(lite, n)
    before = work_of(lite, Wanted())
    page = page_of(lite.bridge, lite.bridge.settings.home, SIS, Wanted())
    answer(lite, 4, "accepted", care="minor")
    with counted(lite.bridge.engine) as after:
        again = page_of(lite.bridge, lite.bridge.settings.home, SIS, Wanted())

    assert again == page
    assert after.statements == before.statements
