"""One record as a query found it, with what a decision needs to know about it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from bridge.driver import read_instant


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as stored, with what a decision needs to know about it.

    ``written`` is the number of its own last change, ``change`` of the last its viewer saw;
    ``student_version`` is its student's (:mod:`bridge.store.state_versions`), 0 where it has none.
    """

    type: str
    id: str
    custodian: str
    sender_role: str
    audience: str
    agreement_id: str
    student_id: str
    referral_id: str
    element: str
    third_party: bool
    version: int
    change: int
    last_updated: datetime
    birth_date: date | None
    body: str = field(repr=False)
    place: int = 0
    written: int = 0
    student_version: int = 0

    def resource(self) -> dict[str, Any]:
        """Return the content as parsed JSON."""
        parsed: dict[str, Any] = orjson.loads(self.body)
        return parsed


class FoundRow(NamedTuple):
    """One record as the driver gives it: :class:`Stored` for whoever goes through many."""

    type: str
    id: str
    custodian: str
    sender_role: str
    audience: str
    agreement_id: str
    student_id: str | None
    referral_id: str | None
    element: str
    third_party: bool
    version: int
    change: int
    moved: Any
    body: str
    birth_date: Any
    place: int
    written: int
    student_version: int

    @property
    def last_updated(self) -> datetime:
        """When its viewer saw it change."""
        return _instant(self.moved)

    def stored(self) -> Stored:
        """Return the same as a decision on one record wants it."""
        born = self.birth_date
        # Written out in the order of its fields: a page of a school makes hundreds.
        return Stored(
            *self[:6],
            self.student_id or "",
            self.referral_id or "",
            self.element,
            bool(self.third_party),
            self.version,
            self.change,
            self.last_updated,
            date.fromisoformat(born) if isinstance(born, str) else born,
            self.body,
            self.place,
            self.written,
            self.student_version,
        )


RawRow = tuple[Any, ...]
"""A :class:`FoundRow` before ``_make``: whoever goes through a million reads few of its fields."""


@lru_cache(maxsize=1024)  # what was written together has one time
def _instant(moved: object) -> datetime:
    at = read_instant(moved)
    if at is None:
        raise ValueError("a record without the time of its change")
    return at
