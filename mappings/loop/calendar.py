"""The days of a district: when business days and school days run, and which day it is there.

A district's file has a line for each closure: ``from,to,kind,name``. A ``holiday`` is a day nobody
works; a ``recess`` is one on which the school is closed and others work. Business days leave out
weekends and holidays, school days recesses as well.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

from mappings.loop.tables import LoopTableError, one_of, rows_of

Unit = Literal["business", "school", "calendar"]
Kind = Literal["holiday", "recess"]
_COLUMNS: Final = ("from", "to", "kind", "name")
_DAY: Final = timedelta(days=1)
_LONGEST: Final = 366
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class SchoolCalendar:
    """A district's zone and closures.

    Attributes:
        tz: name of the zone in which days are counted.
        closed: the closed days, and what each is.
    """

    tz: str
    closed: Mapping[date, Kind] = field(default_factory=dict)

    def today(self, now: datetime) -> date:
        """Return which day it is in the district."""
        return now.astimezone(ZoneInfo(self.tz)).date()

    def works(self, day: date, unit: Unit) -> bool:
        """Return whether a day counts."""
        if unit == "calendar":
            return True
        if day.weekday() >= _SATURDAY or self.closed.get(day) == "holiday":
            return False
        return unit == "business" or day not in self.closed

    def after(self, start: date, days: int, unit: Unit) -> date:
        """Return the day on which so many days have passed since ``start``, which is not counted.

        Of no days at all it is the first day from ``start`` on that counts.
        """
        day = start
        while days > 0:
            day += _DAY
            days -= self.works(day, unit)
        return self._from(day, lambda each: self.works(each, unit))

    def between(self, start: date, end: date, unit: Unit) -> int:
        """Return how many days that count have passed from ``start`` to ``end``."""
        total = (end - start).days
        if unit == "calendar" or total <= 0:
            return max(total, 0)
        weeks, rest = divmod(total, 7)
        days = (start + timedelta(days=7 * weeks + n) for n in range(1, rest + 1))
        weekdays = 5 * weeks + sum(day.weekday() < _SATURDAY for day in days)
        closed = (day for day in self.closed if start < day <= end)
        return weekdays - sum(
            day.weekday() < _SATURDAY and not self.works(day, unit) for day in closed
        )

    @staticmethod
    def _from(day: date, counts: Callable[[date], bool]) -> date:
        while not counts(day):
            day += _DAY
        return day


def read_calendar(tz: str, text: str) -> SchoolCalendar:
    """Read a district's file of closures.

    Raises:
        LoopTableError: a line is not as it should be, with its number.
    """
    closed: dict[date, Kind] = {}
    for number, row in enumerate(rows_of("calendar", _COLUMNS, text.removeprefix("\ufeff")), 2):
        place = ("calendar", number)
        kind: Kind = one_of(get_args(Kind), row["kind"], place)
        first = _day(row["from"], place)
        last = _day(row["to"], place) if row["to"] else first
        if not 0 <= (last - first).days < _LONGEST:
            raise LoopTableError(*place, "a closure ends after it begins, within a year")
        for n in range((last - first).days + 1):
            day = first + timedelta(days=n)
            # A holiday within a recess is one: nobody works on it.
            closed[day] = "holiday" if "holiday" in (kind, closed.get(day)) else kind
    return SchoolCalendar(tz, closed)


def _day(written: str, place: tuple[str, int]) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise LoopTableError(*place, "write a day as 2026-11-26") from None
