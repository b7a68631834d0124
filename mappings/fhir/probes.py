"""Stand-ins for the values of a record, found again in the bytes of what is built from it.

A builder that is handed probes shows where each value goes. The probe of a text, a day or an
instant refuses to be looked into or compared: a builder that passes has proved that it only copies.
A number may be asked whether it is whole, since JSON writes it otherwise then.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import NoneType
from typing import Any, Final, NoReturn

_DAY: Final = date(8000, 1, 1)
_WHOLE: Final = 7_000_000_000
_HALF: Final = Decimal("0.5")
MARK: Final = re.compile(
    rb"\xee\x80\x80(?P<text>[0-9]+)\xee\x80\x81"
    rb"|(?P<instant>8[0-9]{3}-[0-9]{2}-[0-9]{2}T00:00:00Z)"
    rb"|(?P<day>8[0-9]{3}-[0-9]{2}-[0-9]{2})"
    rb"|(?P<number>70000[0-9]{5}(?:\.5)?)"
)


class LookedIntoError(TypeError):
    """A builder did more with a value than copy it."""


def _refuse(*_: object, **__: object) -> NoReturn:
    raise LookedIntoError("a builder may only copy this value; list its field among the codes")


class TextProbe(str):
    """A text that can be copied and written, and nothing else."""

    __slots__ = ()

    def __bool__(self) -> bool:
        """A text of a canonical record is never blank."""
        return True


class Hidden:
    """Stands for a field that a builder does not look at."""

    __slots__ = ()
    __bool__ = __eq__ = __hash__ = __getattr__ = __iter__ = __len__ = _refuse


_COPYING: Final = frozenset(
    {"__class__", "__new__", "__init__", "__format__", "__str__", "__getattribute__", "__doc__"}
    | {"__init_subclass__", "__subclasshook__", "__reduce__", "__reduce_ex__", "__getnewargs__"}
    | {"__setattr__", "__delattr__", "__dir__", "__sizeof__"}
)
for _name in set(dir(str)) - _COPYING:
    setattr(TextProbe, _name, _refuse)


class DayProbe(date):
    """A day that can be written, and nothing else."""

    __slots__ = ()


class InstantProbe(datetime):
    """An instant that can be written, in whatever zone, and nothing else."""

    __slots__ = ()


_WRITING: Final = _COPYING | {"isoformat", "astimezone", "utcoffset", "__reduce_ex__"}
for _probe in (DayProbe, InstantProbe):
    for _name in set(dir(_probe)) - _WRITING - {"__slots__", "__module__"}:
        _asked = callable(getattr(_probe, _name))
        setattr(_probe, _name, _refuse if _asked else property(_refuse))
HIDDEN: Final = Hidden()


def probe(place: int, value: object) -> Any:  # noqa: ANN401 - of the value's own type
    """Return the stand-in of a value; None stays None, since what is absent is not copied.

    Args:
        place: tells probes of one record apart; a small number, at most some dozens.
        value: what it stands for.

    Raises:
        LookedIntoError: values of that type are never merely copied.
    """
    make = _PROBES.get(type(value), _refuse)
    return make(place, value)


def _decimal(place: int, value: Decimal) -> Decimal:
    whole = value == value.to_integral_value()
    return Decimal(_WHOLE + place) + (0 if whole else _HALF)


def _day(place: int, _value: date) -> DayProbe:
    day = _DAY + timedelta(days=place)
    return DayProbe(day.year, day.month, day.day)


def _instant(place: int, _value: datetime) -> InstantProbe:
    day = _DAY + timedelta(days=place)
    return InstantProbe(day.year, day.month, day.day, tzinfo=UTC)


_PROBES: Final[dict[type, Callable[[int, Any], Any]]] = {
    NoneType: lambda _place, _value: None,
    str: lambda place, _value: TextProbe(f"\ue000{place}\ue001"),
    date: _day,
    datetime: _instant,
    Decimal: _decimal,
    int: lambda place, _value: _WHOLE + place,
}


def place_of(found: re.Match[bytes]) -> int:
    """Return the place of the probe that :data:`MARK` found."""
    if found["text"]:
        return int(found["text"])
    if found["number"]:
        return int(found["number"].partition(b".")[0]) - _WHOLE
    return (date.fromisoformat((found["day"] or found["instant"])[:10].decode()) - _DAY).days
