"""Signed forms as they were recorded, part by part. Nothing is deleted."""

from collections.abc import Collection, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Final, NamedTuple, get_type_hints

import orjson
from msgspec import Struct, defstruct
from msgspec.json import Decoder
from msgspec.structs import asdict as as_dict
from sqlalchemy import Connection, Select, insert, select, update
from sqlmodel import SQLModel

from bridge.driver import among, cursor_of, listed_for, named_for, read_instant
from bridge.store.facts.conditions import STUDENT
from consent.signed_release import SignedRelease

_RELEASE = SQLModel.metadata.tables["signed_release"]
_DAYS = ("signed_on", "expires_on", "birth_date")
_LISTS = ("elements", "purposes", "statements")
# The row's own columns say these; kept in the parts they could disagree.
_COLUMNS = ("recorded_at", "revoked_at", "birth_date")
_KNOWN = frozenset(field.name for field in fields(SignedRelease))


@dataclass(frozen=True, slots=True)
class KeptRelease:
    """A form as kept: whose, under which agreement, its parts and its two instants."""

    id: str
    student_id: str
    agreement_id: str
    form: SignedRelease


def keep_release(connection: Connection, kept: KeptRelease) -> bool:
    """Keep a form; False if one of that id is there already."""
    there = select(_RELEASE.c.id).where(_RELEASE.c.id == kept.id)
    if connection.execute(there).one_or_none() is not None:
        return False
    parts = {k: v for k, v in asdict(kept.form).items() if k not in _COLUMNS}
    row = {
        "id": kept.id,
        "student_id": kept.student_id,
        "agreement_id": kept.agreement_id,
        "parts": orjson.dumps(parts).decode(),
        "recorded_at": kept.form.recorded_at,
        "revoked_at": kept.form.revoked_at,
    }
    connection.execute(insert(_RELEASE), row)
    return True


def release(connection: Connection, release_id: str) -> KeptRelease | None:
    """Return one form, or None."""
    row = connection.execute(_rows().where(_RELEASE.c.id == release_id)).one_or_none()
    return None if row is None else _kept(row)


def releases(connection: Connection, release_ids: Collection[str]) -> dict[str, KeptRelease]:
    """Return some forms by id; ids of other sources are passed over."""
    found: dict[str, KeptRelease] = {}
    ordered = sorted(release_ids)
    for start in range(0, len(ordered), 500):
        some = _RELEASE.c.id.in_(ordered[start : start + 500])
        found |= {row.id: _kept(row) for row in connection.execute(_rows().where(some))}
    return found


def releases_of(connection: Connection, student_id: str) -> list[KeptRelease]:
    """Return the forms of one student in the order they were recorded."""
    query = _rows().where(_RELEASE.c.student_id == student_id)
    rows = connection.execute(query.order_by(_RELEASE.c.recorded_at, _RELEASE.c.id))
    return [_kept(row) for row in rows]


def mark_revoked(connection: Connection, release_id: str, at: datetime) -> None:
    """Keep when a form was revoked."""
    revoked = update(_RELEASE).where(_RELEASE.c.id == release_id).values(revoked_at=at)
    connection.execute(revoked)


def _rows() -> Select[Any]:
    joined = _RELEASE.join(STUDENT, STUDENT.c.id == _RELEASE.c.student_id)
    return select(_RELEASE, STUDENT.c.birth_date).select_from(joined)


def _kept(row: Any) -> KeptRelease:  # noqa: ANN401 - a row of either the toolkit or the driver
    parts = orjson.loads(row.parts)
    if not parts.keys() <= _KNOWN:
        parts = {name: value for name, value in parts.items() if name in _KNOWN}
    for name in _DAYS:
        parts[name] = _day(parts.get(name))
    for name in _LISTS:
        parts[name] = tuple(parts.get(name) or ())
    for name in _COLUMNS:
        parts[name] = getattr(row, name)
    return KeptRelease(row.id, row.student_id, row.agreement_id, SignedRelease(**parts))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def forms(kept: Sequence[KeptRelease]) -> list[SignedRelease]:
    """Return the forms alone, in their order."""
    return [each.form for each in kept]


def sending_under(
    connection: Connection, agreement_ids: Collection[str], students: Collection[str] | None = None
) -> dict[str, list[KeptRelease]]:
    """Return the guardians' forms for sending a referral under some agreements, by student.

    In the order they were recorded. Only those of some students, where they are given.
    """
    agreements = sorted(agreement_ids)
    if students is None:
        query = _rows().where(_RELEASE.c.agreement_id.in_(agreements))
        rows = connection.execute(query.order_by(_RELEASE.c.recorded_at, _RELEASE.c.id))
        kept = [_kept(row) for row in rows if _sends(_PARTS.decode(row.parts))]
    else:
        dialect = connection.dialect.name
        sql = named_for(dialect, _OF_STUDENTS + among(dialect, "students"))
        given = {"students": listed_for(dialect, sorted(students))}
        with cursor_of(connection) as cursor:
            found = cursor.execute(sql, given).fetchall() if students else ()
        own = (row for row in map(_Row._make, found) if row.agreement_id in agreements)
        read = ((row, _PARTS.decode(row.parts)) for row in own)
        kept = [row.kept(parts) for row, parts in read if _sends(parts)]
        kept.sort(key=lambda each: (each.form.recorded_at, each.id))
    of: dict[str, list[KeptRelease]] = {}
    for each in kept:
        of.setdefault(each.student_id, []).append(each)
    return of


class _Row(NamedTuple):
    """A form as the driver gives it."""

    id: str
    student_id: str
    agreement_id: str
    parts: str
    recorded_at: datetime | None
    revoked_at: datetime | None
    birth_date: date

    def kept(self, parts: Struct) -> KeptRelease:
        """Return it with its instants and its day read, given its parts."""
        born: Any = self.birth_date
        at = read_instant(self.recorded_at)
        if at is None:
            raise ValueError("a form without the time it was recorded")
        form = SignedRelease(
            recorded_at=at,
            revoked_at=read_instant(self.revoked_at),
            birth_date=date.fromisoformat(born) if isinstance(born, str) else born,
            **as_dict(parts),
        )
        return KeptRelease(self.id, self.student_id, self.agreement_id, form)


def _read_together() -> Decoder[Any]:
    """Return what reads the parts of a form, one of many, straight from their text."""
    types = get_type_hints(SignedRelease)
    parts: list[tuple[str, Any] | tuple[str, Any, Any]] = [
        (f.name, types[f.name]) if f.default is MISSING else (f.name, types[f.name], f.default)
        for f in fields(SignedRelease)
        if f.name not in _COLUMNS
    ]
    return Decoder(defstruct("Parts", parts, frozen=True))


def _sends(parts: Any) -> bool:  # noqa: ANN401 - of a form that _PARTS read
    """Tell whether it is a guardian's own for sending a referral.

    What a minor signed for themselves, and what lets a provider speak, is not the district's.
    """
    to = parts.recipient == "provider" and parts.discloser in (None, "lea")
    return to and not parts.minor_consented


_PARTS: Final = _read_together()
_OF_STUDENTS: Final = (
    "SELECT r.id, r.student_id, r.agreement_id, r.parts, r.recorded_at, r.revoked_at, s.birth_date"
    " FROM student s CROSS JOIN signed_release r"
    " WHERE r.student_id = s.id AND s.id "
)
