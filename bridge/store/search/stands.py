"""What a search says of a page in one text: whether each record still is what it was, and where.

A page is nearly always one that was given before, and is looked for by what is said of it. A text
is one value to hand over, to hash and to compare; rows of numbers are a hundred, and for each the
driver lets go of the interpreter and takes it again. The id is not said: the number of a change is
of one record alone (:func:`bridge.store.intake.next_changes`).
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

_PARTED: Final = ";"
_SAID: Final = (
    "record.change || ' ' || COALESCE(student.version, 0) || ' ' || {place}{more} AS stands,"
    " {place} AS place"
)
_TIED: Final = _SAID.replace("{more}", " || ' ' || {change}") + (
    ", record.id AS id, {change} AS change"
)


class Place(NamedTuple):
    """A record on a page.

    Attributes:
        written: the number of its own last change.
        version: of its student.
        place: where it stands in the order.
        change: the number of the last change its viewer saw; in the order of change its place.
    """

    written: int
    version: int
    place: int
    change: int


def said(*, tied: bool) -> str:
    """Return the columns by which a branch says a place as text; with what breaks ties, if any."""
    return _TIED if tied else _SAID.replace("{more}", "")


def all_of(found: str) -> str:
    """Return the SQL that says all that is found, in its order, in one row (SQLite)."""
    return f"SELECT group_concat(stands, '{_PARTED}') FROM ({found})"  # noqa: S608 - ours


def joined(texts: Iterable[str | None]) -> str:
    """Return the text of a page of what was handed over; "" where nothing was found."""
    return _PARTED.join(filter(None, texts))


def in_one_text(places: Iterable[Place]) -> str:
    """Return the text of a page, as the database says it."""
    # In the order of change it is said once. A date is in microseconds: no number of a change.
    said_of = (each[:3] if each.change == each.place else each for each in places)
    return joined(" ".join(map(str, each)) for each in said_of)


def places_in(found: str) -> tuple[Place, ...]:
    """Return the records of a page from its text."""
    return tuple(_read(each) for each in found.split(_PARTED) if each)


def last_of(found: str) -> Place:
    """Return the last record of a page that has any."""
    return _read(found.rpartition(_PARTED)[2])


def _read(one: str) -> Place:
    written, version, place, *change = map(int, one.split(" "))
    return Place(written, version, place, *(change or (place,)))
