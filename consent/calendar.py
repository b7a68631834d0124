"""Days of a district as instants. Rules speak of days; decisions are made at instants."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

FOREVER = datetime(9999, 12, 31, tzinfo=UTC)
_LAST_DAY = FOREVER.date()


def start_of(day: date, tz: str) -> datetime:
    """Return the first instant of a day in a zone, in UTC."""
    if day >= _LAST_DAY:
        return FOREVER
    return datetime.combine(day, time.min, ZoneInfo(tz)).astimezone(UTC)


def end_of(day: date, tz: str) -> datetime:
    """Return the first instant after a day in a zone, in UTC."""
    return FOREVER if day >= _LAST_DAY else start_of(day + timedelta(days=1), tz)


@lru_cache(maxsize=8192)  # a page asks it of the same birth date several times for each referral
def eighteenth_birthday(born: date) -> date:
    """Return the day a person turns 18 (34 CFR 99.3, 99.5).

    Someone born on 29 February comes of age on 1 March: no 18th year has that day.
    """
    try:
        return born.replace(year=born.year + 18)
    except ValueError:
        return date(born.year + 18, 3, 1)
