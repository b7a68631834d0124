"""One record as a query found it, with what a decision needs to know about it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Row

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


Kin = tuple[str, str, str, str, bool]


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

    @property
    def kin(self) -> Kin:
        """What a :class:`Candidate` says in one text."""
        which = (self.agreement_id, self.custodian, self.sender_role)
        return (*which, self.element, self.third_party)

    def whole(self) -> "FoundRow":
        """Return itself: it is all there is (:class:`Candidate` is less)."""
        return self

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


class Candidate(NamedTuple):
    """Of one record what tells it from others that are decided alike: a :class:`FoundRow` less.

    Whoever goes through a million reads no more of each, and the rest of a few. ``kin`` is the same
    for records of one agreement, custodian, sender's role and element that are about others too, or
    not; the body is in UTF-8.
    """

    kin: str
    student_id: str | None
    birth_date: Any
    student_version: int
    body: bytes
    id: str
    place: int


RECORD: Final = (
    "record.type, record.id, record.custodian, record.sender_role, record.audience,"
    " record.agreement_id, record.student_id, record.referral_id, record.element,"
    " record.third_party, record.version, record.change, record.last_updated, record.body,"
    " student.birth_date, record.change, record.change, student.version"
)
"""The columns of a :class:`FoundRow`, of a record joined to its student."""
RawRow = tuple[Any, ...]
"""A :class:`Candidate` before ``_make``."""


@lru_cache(maxsize=1024)  # what was written together has one time
def _instant(moved: object) -> datetime:
    at = read_instant(moved)
    if at is None:
        raise ValueError("a record without the time of its change")
    return at


def read_rows(rows: Iterable[Row[Any]]) -> list[Stored]:
    """Return records as the toolkit reads them, with the columns' names."""
    return [
        Stored(
            type=row.type,
            id=row.id,
            custodian=row.custodian,
            sender_role=row.sender_role,
            audience=row.audience,
            agreement_id=row.agreement_id,
            student_id=row.student_id or "",
            referral_id=row.referral_id or "",
            element=row.element,
            third_party=row.third_party,
            version=row.version,
            change=row.change,
            last_updated=row.last_updated,
            birth_date=row.birth_date,
            body=row.body,
            place=row.place,
            written=row.written,
            student_version=row.student_version,
        )
        for row in rows
    ]
