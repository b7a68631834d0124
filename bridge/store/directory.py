"""Organisations, agreements, students and held rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import orjson
from sqlalchemy import Connection, func, insert, select, update
from sqlmodel import SQLModel

from bridge.driver import cursor_of, spelled_for
from bridge.store.facts.conditions import STUDENT

_ORGANIZATION = SQLModel.metadata.tables["organization"]
_AGREEMENT = SQLModel.metadata.tables["agreement"]
_HELD = SQLModel.metadata.tables["held_row"]


@dataclass(frozen=True, slots=True)
class OrganizationEntry:
    """A party organisation, or a site of one (``parent`` names it)."""

    key: str
    id: str
    role: str
    name: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class AgreementEntry:
    """An agreement in use: its documents as text and the organisations bound to its roles."""

    id: str
    template_text: str
    agreement_text: str
    jurisdiction: str
    lea: str
    provider: str
    hub: str | None
    activated_at: datetime


@dataclass(frozen=True, slots=True)
class StudentEntry:
    """A student as far as decisions need one."""

    id: str
    lea: str
    local_key: str
    birth_date: date


@dataclass(frozen=True, slots=True)
class HeldEntry:
    """A row that waits for a person, as a clerk sees it: where, and the reasons."""

    source: str
    file: str
    row: int
    source_key: str
    reasons: tuple[str, ...]


def put_organizations(connection: Connection, entries: Sequence[OrganizationEntry]) -> None:
    """Keep organisations that are not there yet."""
    known = {key for (key,) in connection.execute(select(_ORGANIZATION.c.key))}
    names = ("key", "id", "role", "name", "parent")
    new = [{name: getattr(e, name) for name in names} for e in entries if e.key not in known]
    if new:
        connection.execute(insert(_ORGANIZATION), new)


def organizations(connection: Connection) -> dict[str, OrganizationEntry]:
    """Return every organisation by key."""
    rows = connection.execute(select(_ORGANIZATION)).mappings()
    return {row["key"]: OrganizationEntry(**row) for row in rows}


def written_alike(one: str, other: str) -> bool:
    """Tell whether people read two names as one: capitals and spaces make no difference."""
    return one.casefold().split() == other.casefold().split()


def rename_organization(connection: Connection, key: str, name: str) -> None:
    """Keep another name of an organisation."""
    row = _ORGANIZATION.c
    connection.execute(update(_ORGANIZATION).where(row.key == key).values(name=name))


def organization_id(connection: Connection, key: str) -> str:
    """Return the id of an organisation by its key.

    Raises:
        LookupError: there is none.
    """
    with cursor_of(connection) as cursor:
        sql = spelled_for(connection.dialect.name, "SELECT id FROM organization WHERE key = ?")
        found = cursor.execute(sql, (key,)).fetchone()
    if found is None:
        raise LookupError(key)
    return str(found[0])


def put_agreement(connection: Connection, entry: AgreementEntry) -> bool:
    """Keep an agreement; False if one of that id is there already: it is not replaced."""
    query = select(_AGREEMENT.c.id).where(_AGREEMENT.c.id == entry.id)
    if connection.execute(query).one_or_none() is not None:
        return False
    connection.execute(
        insert(_AGREEMENT), {name: getattr(entry, name) for name in AgreementEntry.__slots__}
    )
    return True


def replace_agreement(connection: Connection, entry: AgreementEntry) -> None:
    """Put other documents in the place of an agreement's, of a later instant.

    What it said before is kept under its table's digest
    (:mod:`bridge.store.facts.table_documents`).
    """
    names = ("template_text", "agreement_text", "jurisdiction", "activated_at")
    values = {name: getattr(entry, name) for name in names}
    connection.execute(update(_AGREEMENT).where(_AGREEMENT.c.id == entry.id).values(values))


def agreement_ids(connection: Connection) -> tuple[tuple[str, object], ...]:
    """Return which agreements are in use, and since when, without their documents.

    Documents under an id change only together with its instant, so this tells whether others are
    known. The instant is as the database's driver gives it: something to compare.
    """
    with cursor_of(connection) as cursor:
        found = cursor.execute("SELECT id, activated_at FROM agreement ORDER BY id").fetchall()
    return tuple((agreement_id, since) for agreement_id, since in found)


def agreements(connection: Connection) -> tuple[AgreementEntry, ...]:
    """Return every agreement in use, in the order of id."""
    rows = connection.execute(select(_AGREEMENT).order_by(_AGREEMENT.c.id)).mappings()
    return tuple(AgreementEntry(**row) for row in rows)


def put_students(connection: Connection, entries: Mapping[str, StudentEntry]) -> int:
    """Keep students that are not there yet; returns how many were new."""
    missing = dict(entries)
    ids = list(missing)
    for start in range(0, len(ids), 500):
        there = select(STUDENT.c.id).where(STUDENT.c.id.in_(ids[start : start + 500]))
        for (known,) in connection.execute(there):
            del missing[known]
    if missing:
        names = ("id", "lea", "local_key", "birth_date")
        rows = [{name: getattr(e, name) for name in names} for e in missing.values()]
        connection.execute(insert(STUDENT), rows)
    return len(missing)


def students_of(connection: Connection, lea: str) -> dict[str, StudentEntry]:
    """Return the students of one district by local key."""
    columns = (STUDENT.c[name] for name in StudentEntry.__slots__)
    rows = connection.execute(select(*columns).where(STUDENT.c.lea == lea)).mappings()
    return {row["local_key"]: StudentEntry(**row) for row in rows}


def student_of_key(connection: Connection, lea: str, local_key: str) -> StudentEntry | None:
    """Return one student of a district by the district's number, or None."""
    columns = (STUDENT.c[name] for name in StudentEntry.__slots__)
    is_it = (STUDENT.c.lea == lea) & (STUDENT.c.local_key == local_key)
    rows = connection.execute(select(*columns).where(is_it)).mappings()
    return next((StudentEntry(**each) for each in rows), None)


def student_of_id(connection: Connection, student_id: str) -> StudentEntry | None:
    """Return one student by the register's own id, or None."""
    columns = (STUDENT.c[name] for name in StudentEntry.__slots__)
    row = connection.execute(select(*columns).where(STUDENT.c.id == student_id)).mappings()
    return next((StudentEntry(**each) for each in row), None)


def put_held(
    connection: Connection, custodian: str, entries: Sequence[HeldEntry], at: datetime
) -> None:
    """Keep the rows an import held; a row held before gets its newest reasons.

    One that was let go and comes again as it was (an old file beside its correction) stays so.
    """
    for entry in entries:
        reasons = orjson.dumps(entry.reasons).decode()
        place = {"custodian": custodian, "source": entry.source, "source_key": entry.source_key}
        same = [_HELD.c[name] == value for name, value in place.items()]
        known = connection.execute(select(_HELD.c.released_at, _HELD.c.reasons).where(*same))
        before = known.one_or_none()
        if before is not None and before.released_at is not None and before.reasons == reasons:
            continue
        values = {"file": entry.file, "row": entry.row, "reasons": reasons, "held_at": at}
        if before is not None:
            connection.execute(update(_HELD).where(*same).values(released_at=None, **values))
        else:
            held_id = f"{custodian}:{entry.source}:{entry.source_key}"
            connection.execute(insert(_HELD), {"id": held_id, **place, **values})


def release_held(
    connection: Connection, custodian: str, source_keys: Sequence[str], at: datetime
) -> None:
    """Mark rows that have since been imported as no longer waiting."""
    for start in range(0, len(source_keys), 500):
        part = source_keys[start : start + 500]
        connection.execute(
            update(_HELD)
            .where(_HELD.c.custodian == custodian, _HELD.c.source_key.in_(part))
            .where(_HELD.c.released_at.is_(None))
            .values(released_at=at)
        )


def held(connection: Connection, custodian: str) -> tuple[HeldEntry, ...]:
    """Return the rows of one organisation that wait for a person, in order of file and row."""
    query = (
        select(_HELD)
        .where(_HELD.c.custodian == custodian, _HELD.c.released_at.is_(None))
        .order_by(_HELD.c.file, _HELD.c.row)
    )
    return tuple(
        HeldEntry(r.source, r.file, r.row, r.source_key, tuple(orjson.loads(r.reasons)))
        for r in connection.execute(query)
    )


def held_count(connection: Connection) -> int:
    """Return how many rows wait for a person, whosever they are."""
    waiting = select(func.count()).select_from(_HELD).where(_HELD.c.released_at.is_(None))
    return int(connection.scalar(waiting) or 0)
