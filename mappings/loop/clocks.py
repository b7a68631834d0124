"""What is due for a referral: its status and since when, a calendar, and today. Pure.

``clock-rules.csv`` has the rules. It is computed from what one side may know and nothing else: a
status that is withheld reads ``sent``, and so is due like one that was not answered yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, get_args

from mappings.loop.calendar import SchoolCalendar, Unit
from mappings.loop.machine import STATES, Turn
from mappings.loop.tables import LoopTableError, one_of, rows_of, unique

AWAITING_SIGNATURE: Final = "awaiting-signature"
"""What a school reads of a referral that no signed form lets out (Task.status ``draft``)."""
_COLUMNS: Final = (
    *("rule", "statuses", "since", "days", "unit", "turn", "replaces", "says", "source"),
)
_OPEN: Final = frozenset({row.follow_up for row in STATES.values() if not row.end}) | {
    AWAITING_SIGNATURE
}

Since = Literal["status", "expiry", "plan"]
# Something is due of somebody.
_TURNS: Final[tuple[Turn, ...]] = ("school", "provider")


@dataclass(frozen=True, slots=True)
class ClockRule:
    """One rule.

    Attributes:
        statuses: the follow-up codes it is for.
        since: ``status``: so many days after the status was reached; ``expiry``: so many before
            the signed form ends; ``plan``: so many after the day on which the school said it would
            follow up.
        turn: who is to do something.
        replaces: the rule that says less about the same.
    """

    id: str
    statuses: frozenset[str]
    since: Since
    days: int
    unit: Unit
    turn: Turn
    replaces: str
    says: str
    source: str


@dataclass(frozen=True, slots=True)
class Position:
    """How a referral stands for who asks.

    Attributes:
        status: the follow-up code told, or :data:`AWAITING_SIGNATURE`.
        since: the day it was reached.
        expires_on: the last day of the signed form it rests on; None for none.
        follow_up_on: the day on which the school said it would follow up; None for none.
    """

    status: str
    since: date
    expires_on: date | None = None
    follow_up_on: date | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """What is due: under which rule, since which day, and how many days ago that was.

    Attributes:
        late: days over, in the rule's own unit; 0 on the day itself.
    """

    rule: str
    due_on: date
    late: int
    turn: Turn
    says: str


def read_clock_rules(text: str | None = None) -> tuple[ClockRule, ...]:
    """Read ``clock-rules.csv``, or what is given in its place.

    Raises:
        LoopTableError: it is broken.
    """
    found: list[ClockRule] = []
    lines: dict[object, int] = {}
    for number, row in enumerate(rows_of("clock-rules", _COLUMNS, text), 2):
        place = ("clock-rules", number)
        unique(lines, row["rule"], place)
        one_of(("", *(str(known) for known in lines)), row["replaces"], place)
        lines[row["rule"]] = number
        found.append(_rule(row, place))
    return tuple(found)


def _rule(row: Mapping[str, str], place: tuple[str, int]) -> ClockRule:
    statuses = _OPEN if row["statuses"] == "*" else frozenset(row["statuses"].split())
    for status in statuses:
        one_of(_OPEN, status, place)
    if not row["days"].isdecimal():
        raise LoopTableError(*place, "days is a number")
    return ClockRule(
        row["rule"],
        statuses,
        one_of(get_args(Since), row["since"], place),
        int(row["days"]),
        one_of(get_args(Unit), row["unit"], place),
        one_of(_TURNS, row["turn"], place),
        row["replaces"],
        row["says"],
        row["source"],
    )


CLOCK_RULES: Final[Sequence[ClockRule]] = read_clock_rules()


def due(
    position: Position,
    calendar: SchoolCalendar,
    today: date,
    rules: Sequence[ClockRule] = CLOCK_RULES,
) -> list[Due]:
    """Return what is due today for a referral, the longest due first; nothing for one that ended.

    Args:
        position: how the referral stands for who asks.
        calendar: of its district.
        today: the day in the district (:meth:`SchoolCalendar.today`).
        rules: the rules that apply.
    """
    found: dict[str, Due] = {}
    for rule in rules:
        day = _due_on(rule, position, calendar)
        if day is None or day > today:
            continue
        found.pop(rule.replaces, None)
        late = calendar.between(day, today, rule.unit)
        found[rule.id] = Due(rule.id, day, late, rule.turn, rule.says)
    return sorted(found.values(), key=lambda each: (each.due_on, each.rule))


def next_due(
    position: Position,
    calendar: SchoolCalendar,
    today: date,
    rules: Sequence[ClockRule] = CLOCK_RULES,
) -> date | None:
    """Return the next day on which something more becomes due by itself; None if nothing does."""
    days = (_due_on(rule, position, calendar) for rule in rules)
    return min((day for day in days if day is not None and day > today), default=None)


def _due_on(rule: ClockRule, position: Position, calendar: SchoolCalendar) -> date | None:
    if position.status not in rule.statuses:
        return None
    if rule.since == "expiry":
        ends = position.expires_on
        return None if ends is None else ends - timedelta(days=rule.days)
    if rule.since == "plan":
        plan = position.follow_up_on
        return None if plan is None else plan + timedelta(days=rule.days)
    return calendar.after(position.since, rule.days, rule.unit)
