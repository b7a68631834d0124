"""When each thing is due: weekends, holidays, recesses, the turn of the year and of the clocks."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mappings.loop import STATES
from mappings.loop.calendar import SchoolCalendar, read_calendar
from mappings.loop.clocks import CLOCK_RULES, Position, due, read_clock_rules
from mappings.loop.tables import LoopTableError

NEW_YORK = "America/New_York"
FILE = """from,to,kind,name
2026-11-26,,holiday,Thanksgiving
2026-11-27,,recess,Day after Thanksgiving
2026-12-24,2027-01-01,recess,Winter recess
2026-12-25,,holiday,Christmas
2027-01-01,,holiday,New Year
"""
CALENDAR = read_calendar(NEW_YORK, FILE)
PLAIN = SchoolCalendar(NEW_YORK)
MONDAY = date(2026, 11, 2)

# rule, a status it is for, the first day it is due when the status was reached on 2 November 2026
FIRST_DAYS = [
    ("signature", "awaiting-signature", date(2026, 11, 9)),
    ("unanswered", "sent", date(2026, 11, 4)),
    ("unanswered", "received", date(2026, 11, 4)),
    ("unanswered-long", "sent", date(2026, 11, 20)),
    ("returned", "returned-incomplete", date(2026, 11, 4)),
    ("no-visit", "accepted", date(2026, 11, 20)),
    ("no-visit", "contacting-family", date(2026, 11, 20)),
    ("no-visit", "intake-scheduled", date(2026, 11, 20)),
    ("no-show", "intake-missed", date(2026, 11, 9)),
    ("not-started", "intake-done", date(2026, 11, 20)),
    ("wait-list-review", "waitlisted", date(2026, 12, 2)),
    ("pause-review", "services-paused", date(2026, 12, 2)),
]


def rules_due(status: str, since: date, today: date, calendar: SchoolCalendar = PLAIN) -> list[str]:
    return [each.rule for each in due(Position(status, since), calendar, today)]


@pytest.mark.parametrize(("rule", "status", "first"), FIRST_DAYS)
def test_each_rule_is_due_from_its_day_on_and_not_a_day_before(
    rule: str, status: str, first: date
) -> None:
    assert rule not in rules_due(status, MONDAY, first - timedelta(days=1))
    assert rule in rules_due(status, MONDAY, first)
    later = rules_due(status, MONDAY, first + timedelta(days=400))
    assert later == [{"unanswered": "unanswered-long"}.get(rule, rule)]


def test_every_rule_is_in_the_table_above_or_goes_by_another_day() -> None:
    others = {"consent-expiring", "held-over"}
    assert {rule for rule, _, _ in FIRST_DAYS} | others == {r.id for r in CLOCK_RULES}


def test_what_is_kept_open_is_told_of_on_the_day_it_was_kept_until() -> None:
    position = Position("waitlisted", MONDAY, follow_up_on=date(2026, 11, 20))
    assert due(position, PLAIN, date(2026, 11, 19)) == []
    (told,) = due(position, PLAIN, date(2026, 11, 20))
    assert (told.rule, told.due_on, told.turn) == ("held-over", date(2026, 11, 20), "school")


def test_a_form_that_ends_is_told_of_thirty_days_before() -> None:
    ends = date(2027, 1, 10)
    position = Position("services-started", MONDAY, ends)
    assert due(position, PLAIN, date(2026, 12, 10)) == []
    (told,) = due(position, PLAIN, date(2026, 12, 11))
    assert (told.rule, told.due_on, told.late) == ("consent-expiring", date(2026, 12, 11), 0)
    assert due(Position("services-started", MONDAY), PLAIN, ends) == []


def test_what_has_ended_is_never_due() -> None:
    for row in STATES.values():
        if row.end:
            position = Position(row.follow_up, MONDAY, MONDAY)
            assert due(position, PLAIN, date(2028, 1, 1)) == []


def test_the_longer_wait_is_said_instead_of_the_shorter() -> None:
    assert rules_due("sent", MONDAY, date(2026, 11, 19)) == ["unanswered"]
    assert rules_due("sent", MONDAY, date(2026, 11, 20)) == ["unanswered-long"]


def test_weekends_do_not_count() -> None:
    friday = date(2026, 11, 6)
    assert rules_due("sent", friday, date(2026, 11, 9)) == []
    assert rules_due("sent", friday, date(2026, 11, 10)) == ["unanswered"]
    saturday = date(2026, 11, 7)
    assert rules_due("sent", saturday, date(2026, 11, 10)) == ["unanswered"]


def test_a_holiday_stops_both_and_a_recess_the_school_alone() -> None:
    wednesday = date(2026, 11, 25)  # the day before Thanksgiving
    assert rules_due("sent", wednesday, date(2026, 11, 27), CALENDAR) == []
    assert rules_due("sent", wednesday, date(2026, 11, 30), CALENDAR) == ["unanswered"]
    assert rules_due("returned-incomplete", wednesday, date(2026, 11, 30), CALENDAR) == []
    assert rules_due("returned-incomplete", wednesday, date(2026, 12, 1), CALENDAR) == ["returned"]


def test_the_turn_of_the_year_is_like_any_other_day() -> None:
    since = date(2026, 12, 23)
    # 24, 28, 29 ... are business days; 25 December and 1 January are not.
    assert CALENDAR.after(since, 2, "business") == date(2026, 12, 28)
    assert CALENDAR.after(since, 6, "business") == date(2027, 1, 4)
    assert CALENDAR.after(since, 1, "school") == date(2027, 1, 4)
    assert CALENDAR.after(since, 14, "calendar") == date(2027, 1, 6)


def test_how_late_it_is_counts_in_the_days_of_the_rule() -> None:
    wednesday = date(2026, 11, 25)
    (told,) = due(Position("returned-incomplete", wednesday), CALENDAR, date(2026, 12, 7))
    assert (told.due_on, told.late) == (date(2026, 12, 1), 4)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 11, 1, 3, 59, tzinfo=UTC), date(2026, 10, 31)),  # 23:59 summer time
        (datetime(2026, 11, 1, 4, 0, tzinfo=UTC), date(2026, 11, 1)),
        (datetime(2026, 11, 2, 4, 59, tzinfo=UTC), date(2026, 11, 1)),  # 23:59 winter time
        (datetime(2026, 11, 2, 5, 0, tzinfo=UTC), date(2026, 11, 2)),
        (datetime(2027, 3, 14, 4, 59, tzinfo=UTC), date(2027, 3, 13)),
        (datetime(2027, 3, 15, 4, 0, tzinfo=UTC), date(2027, 3, 15)),
        (datetime(2027, 1, 1, 4, 59, tzinfo=UTC), date(2026, 12, 31)),
    ],
)
def test_the_day_is_the_districts_on_both_sides_of_a_change_of_the_clocks(
    now: datetime, day: date
) -> None:
    assert PLAIN.today(now) == day


def test_days_over_a_change_of_the_clocks_are_whole_days() -> None:
    friday = date(2026, 10, 30)
    assert PLAIN.after(friday, 2, "business") == date(2026, 11, 3)
    assert PLAIN.between(friday, date(2026, 11, 3), "business") == 2


def test_counting_forward_and_counting_between_agree_for_three_years() -> None:
    for n in range(0, 1100, 7):
        start = date(2026, 1, 1) + timedelta(days=n)
        for unit in ("business", "school", "calendar"):
            end = CALENDAR.after(start, 9, unit)
            assert CALENDAR.between(start, end, unit) == 9
            assert CALENDAR.works(end, unit)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("2026-13-01,,holiday,x", "write a day as 2026-11-26"),
        ("2026-12-02,2026-12-01,recess,x", "a closure ends after it begins"),
        ("2026-12-02,2028-12-01,recess,x", "within a year"),
        ("2026-12-02,,feast,x", "unknown word 'feast'"),
        ("2026-12-02,,holiday", "4 cells are needed"),
    ],
)
def test_a_broken_calendar_is_refused_with_its_line(line: str, what: str) -> None:
    with pytest.raises(LoopTableError, match=rf"calendar\.csv line 2: .*{what}"):
        read_calendar(NEW_YORK, "from,to,kind,name\n" + line + "\n")


HEAD = "rule,statuses,since,days,unit,turn,replaces,says,source\n"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("a,sent,status,two,business,school,,x,y", "days is a number"),
        ("a,discharged,status,2,business,school,,x,y", "unknown word 'discharged'"),
        ("a,sent,status,2,business,school,b,x,y", "unknown word 'b'"),
        ("a,sent,status,2,lunar,school,,x,y", "unknown word 'lunar'"),
    ],
)
def test_a_broken_table_of_rules_is_refused(line: str, what: str) -> None:
    with pytest.raises(LoopTableError, match=rf"clock-rules\.csv line 2: {what}"):
        read_clock_rules(HEAD + line)
