"""``read-as``: how a date or time is written, without any guessing.

A format is made of ``YYYY M MM D DD MMM h hh mm ss AM`` and the characters between them; ``M``
takes one or two digits, ``MM`` exactly two. ``hl7-timestamp`` is HL7 v2's
``YYYYMMDD[hhmm[ss[.s]]][+-zzzz]``, ``fhir-datetime`` FHIR's ``YYYY-MM-DD[Thh:mm:ss[.s]zone]``
(a year or a month alone is no day). Two-digit years do not exist here.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from mappings.language.outcome import HoldCode, Unreadable

HL7_TIMESTAMP: Final = "hl7-timestamp"
FHIR_DATE_TIME: Final = "fhir-datetime"
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TOKENS: Final = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "MMM": r"(?P<name>[A-Za-z]{3})",
    "MM": r"(?P<month>[0-9]{2})",
    "M": r"(?P<month>[0-9]{1,2})",
    "DD": r"(?P<day>[0-9]{2})",
    "D": r"(?P<day>[0-9]{1,2})",
    "hh": r"(?P<hour>[0-9]{2})",
    "h": r"(?P<hour>[0-9]{1,2})",
    "mm": r"(?P<minute>[0-9]{2})",
    "ss": r"(?P<second>[0-9]{2})",
    "AM": r"(?P<half>[AaPp][Mm])",
}
_TOKEN = re.compile("|".join(_TOKENS))
_HL7 = re.compile(
    r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
    r"(?:(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})?(?:\.[0-9]{1,4})?)?"
    r"(?P<zone>[+-][0-9]{4})?\Z"
)
_FHIR = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?:T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:\.[0-9]{1,9})?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2}))?\Z"
)
_NAMED: Final = {HL7_TIMESTAMP: _HL7, FHIR_DATE_TIME: _FHIR}
_YEARS: Final = range(1900, 2200)


@dataclass(frozen=True, slots=True)
class DateFormat:
    """One format of a date or time, compiled."""

    text: str
    pattern: re.Pattern[str]

    @property
    def has_time(self) -> bool:
        """Whether a time of day belongs to it."""
        return "hour" in self.pattern.groupindex

    def read(self, text: str) -> date | datetime | None:
        """Return the day or time, or None when the text is not written so or does not exist."""
        found = self.pattern.match(text)
        if found is None:
            return None
        try:
            return _made(found.groupdict())
        except ValueError:
            return None


def date_format(text: str) -> DateFormat:
    """Compile a format.

    Raises:
        ValueError: it lacks year, month or day, has one twice, or holds letters that mean nothing.
    """
    if text in _NAMED:
        return DateFormat(text, _NAMED[text])
    if letters := re.findall("[A-Za-z]+", _TOKEN.sub("", text).replace("T", "")):
        raise ValueError(f'"{letters[0]}" means nothing in a format; write YYYY M D h mm ss AM')
    parts = [_TOKENS.get(part, re.escape(part)) for part in re.split(f"({_TOKEN.pattern})", text)]
    try:
        pattern = re.compile("".join(parts) + r"\Z")
    except re.error:
        raise ValueError("the same part stands twice in this format") from None
    named = set(pattern.groupindex)
    if not {"year", "day"} <= named or not named & {"month", "name"}:
        raise ValueError("a format needs a year (YYYY), a month (M) and a day (D)")
    if "hour" in named and "minute" not in named:
        raise ValueError("a time needs hours (h) and minutes (mm)")
    return DateFormat(text, pattern)


def _made(parts: dict[str, str | None]) -> date | datetime | None:
    year, day = int(parts["year"] or 0), int(parts["day"] or 0)
    month = _month(parts)
    if year not in _YEARS:
        return None
    if parts.get("hour") is None:
        return date(year, month, day)
    hour = _hour(int(parts["hour"] or 0), parts.get("half"))
    minute, second = int(parts["minute"] or 0), int(parts.get("second") or 0)
    return datetime(year, month, day, hour, minute, second, tzinfo=_zone(parts.get("zone")))


def _month(parts: dict[str, str | None]) -> int:
    if name := parts.get("name"):
        return MONTHS.index(name.casefold()) + 1
    return int(parts["month"] or 0)


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("no hour of a half day")
    return hour % 12 + (12 if half.casefold() == "pm" else 0)


def _zone(offset: str | None) -> timezone | None:
    if offset is None:
        return None
    if offset == "Z":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


@lru_cache(maxsize=256)
def same_text_two_days(formats: tuple[DateFormat, ...]) -> tuple[DateFormat, DateFormat] | None:
    """Return two formats that would read one text as two different days, or None.

    Found by trying: every day of a year is written in each format and read in the others.
    """
    days = [datetime(2026, 1, 1) + timedelta(days=n, hours=13) for n in range(365)]  # noqa: DTZ001 - days of a source, which have no zone
    for one in formats:
        for other in formats:
            if one is other:
                continue
            for day in days:
                read = other.read(written(day, one))
                if read is not None and (read.year, read.month, read.day) != day.timetuple()[:3]:
                    return one, other
    return None


def written(day: datetime, form: DateFormat) -> str:
    """Return a moment as a file of that format would write it; minutes and seconds included."""
    if form.text == HL7_TIMESTAMP:
        return f"{day:%Y%m%d%H%M%S}"
    if form.text == FHIR_DATE_TIME:
        return f"{day:%Y-%m-%dT%H:%M:%S}Z"
    half = "AM" in form.text
    hour = (day.hour - 1) % 12 + 1 if half else day.hour
    words = {
        "YYYY": str(day.year),
        "MMM": MONTHS[day.month - 1],
        "MM": f"{day.month:02}",
        "M": str(day.month),
        "DD": f"{day.day:02}",
        "D": str(day.day),
        "hh": f"{hour:02}",
        "h": str(hour),
        "mm": f"{day.minute:02}",
        "ss": f"{day.second:02}",
        "AM": "AM" if day.hour < 12 else "PM",
    }
    return _TOKEN.sub(lambda token: words[token.group()], form.text)


def instant(when: datetime, zone: ZoneInfo) -> datetime:
    """Return a time of a source as an instant in UTC; a time without offset is in ``zone``.

    Raises:
        Unreadable: the clocks of the zone showed this time twice or never (daylight saving).
    """
    if when.tzinfo is not None:
        return when.astimezone(UTC)
    local = when.replace(tzinfo=zone)
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise Unreadable(
            HoldCode.UNREADABLE,
            "holds a time in the hour in which the clocks change",
            "write the time with its offset, or correct it",
        )
    return local.astimezone(UTC)
