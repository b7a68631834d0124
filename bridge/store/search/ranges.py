"""FHIR dates as ranges of instants: what a search by date compares (R4 search.html#date).

A date says as much as it was written with: ``2026-10`` is the whole month, ``2026-10-15T14:00Z``
the whole minute. Ranges are half open and counted in microseconds since 1970 in UTC, so that both
databases compare them as whole numbers. A date without a zone is taken in UTC.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

_FORM: Final = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:T(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<part>\d{1,9}))?)?"
    r"(?P<zone>Z|[+-]\d{2}:\d{2})?)?)?)?",
    re.ASCII,
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TICK: Final = timedelta(microseconds=1)
OPEN_START: Final = -(2**62)
OPEN_END: Final = 2**62
"""The ends of a period that says only one of its two."""


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """From ``low`` up to, not including, ``high``; microseconds since 1970."""

    low: int
    high: int


def ticks(instant: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    return (instant - _EPOCH) // _TICK


def instant_of(moment: int) -> datetime:
    """Return the instant of so many microseconds since 1970, within the years 1 to 9999."""
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    return _EPOCH + timedelta(microseconds=max(ticks(first), min(moment, ticks(last))))


@lru_cache(maxsize=4096)  # sessions of a week share their days and hours
def read_range(text: str) -> Range | None:
    """Return the range a FHIR date, dateTime or instant stands for; None if it is none."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    try:
        return _range(found)
    except (ValueError, OverflowError):
        return None


def _range(found: re.Match[str]) -> Range:
    year, month = int(found["year"]), int(found["month"] or 1)
    if found["month"] is None:
        end = datetime(year + 1, 1, 1, tzinfo=UTC)
        return Range(ticks(datetime(year, 1, 1, tzinfo=UTC)), ticks(end))
    if found["day"] is None:
        after = (year + 1, 1) if month == 12 else (year, month + 1)
        start = datetime(year, month, 1, tzinfo=UTC)
        return Range(ticks(start), ticks(datetime(*after, 1, tzinfo=UTC)))
    if found["hour"] is None:
        start = datetime(year, month, int(found["day"]), tzinfo=UTC)
        return Range(ticks(start), ticks(start + timedelta(days=1)))
    return _of_time(found)


def _of_time(found: re.Match[str]) -> Range:
    second, part = found["second"], (found["part"] or "")[:6]
    start = datetime.fromisoformat(
        f"{found['year']}-{found['month']}-{found['day']}T{found['hour']}:{found['minute']}:"
        f"{second or '00'}.{part.ljust(6, '0')}{found['zone'] or 'Z'}"
    )
    if second is None:
        return Range(ticks(start), ticks(start + timedelta(minutes=1)))
    return Range(ticks(start), ticks(start) + 10 ** (6 - len(part)))
