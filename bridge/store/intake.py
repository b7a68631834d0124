"""Writing records. INVARIANT: no function here returns content; only the vault reads it."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, and_, delete, insert, or_, select, update
from sqlmodel import SQLModel

from bridge.store.conditions import RECORD
from bridge.store.index import search_values

_SEARCH = SQLModel.metadata.tables["search_value"]
_COUNTER = SQLModel.metadata.tables["change_counter"]


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A resource to keep, with whose it is (see :class:`bridge.store.tables.RecordRow`)."""

    resource: Mapping[str, object]
    custodian: str
    sender_role: str
    audience: str
    agreement_id: str
    source_key: str
    student_id: str | None = None
    referral_id: str | None = None
    element: str = ""
    third_party: bool = False

    @property
    def type(self) -> str:
        """The FHIR resource type."""
        return str(self.resource["resourceType"])

    @property
    def id(self) -> str:
        """The logical id."""
        return str(self.resource["id"])


@dataclass(frozen=True, slots=True)
class PutReport:
    """What became of records put: ids new, ids already there with the same or other content."""

    new: tuple[str, ...]
    unchanged: tuple[str, ...]
    different: tuple[str, ...]


def content_digest(resource: Mapping[str, Any]) -> str:
    """Return the digest of a resource's own content.

    ``meta`` does not count, nor which Consents it lists: a form that is signed later is no other
    referral.
    """
    content = {name: value for name, value in resource.items() if name != "meta"}
    links = content.get("supportingInfo", ())
    listed = [i for i in links if not str(i.get("reference", "")).startswith("Consent/")]
    content["supportingInfo"] = listed
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def put_records(
    connection: Connection,
    records: Sequence[NewRecord],
    at: datetime,
    *,
    renewable: Collection[str] = (),
) -> PutReport:
    """Keep records that belong together and are not there yet; never overwrite one that is.

    The same content under the same id is left alone (imports are idempotent). Where a record is
    there with other content it is reported as different; unless its type is ``renewable``, nothing
    of the whole group is then stored.
    """
    known = _known_digests(connection, records)
    new, unchanged, different = [], [], []
    for record in records:
        digest = known.get((record.type, record.id))
        if digest is None:
            new.append(record)
        elif digest == content_digest(record.resource):
            unchanged.append(record.id)
        else:
            different.append(record.id)
    if any(r.id in different and r.type not in renewable for r in records):
        return PutReport((), tuple(unchanged), tuple(different))
    if new:
        _insert(connection, new, at)
    return PutReport(tuple(r.id for r in new), tuple(unchanged), tuple(different))


def whose(connection: Connection, kind: str, record_id: str) -> tuple[str, str] | None:
    """Return the student and the referral a record is of; None where there is no such record."""
    query = select(RECORD.c.student_id, RECORD.c.referral_id).where(
        RECORD.c.type == kind, RECORD.c.id == record_id
    )
    found = connection.execute(query).one_or_none()
    return None if found is None else (found.student_id or "", found.referral_id or "")


def replace(connection: Connection, record: NewRecord, at: datetime) -> None:
    """Replace the content of a record that only its custodian writes (a student's own data)."""
    where = and_(RECORD.c.type == record.type, RECORD.c.id == record.id)
    version = connection.execute(select(RECORD.c.version).where(where).with_for_update())
    new = {
        "body": orjson.dumps(record.resource).decode(),
        "content_digest": content_digest(record.resource),
        "version": version.scalar_one() + 1,
        "change": next_changes(connection, 1),
        "last_updated": at,
    }
    connection.execute(update(RECORD).where(where).values(**new))
    _reindex(connection, record.type, record.id, record.resource)


def _known_digests(
    connection: Connection, records: Iterable[NewRecord]
) -> dict[tuple[str, str], str]:
    known: dict[tuple[str, str], str] = {}
    by_type: dict[str, list[str]] = {}
    for record in records:
        by_type.setdefault(record.type, []).append(record.id)
    for kind, ids in by_type.items():
        for start in range(0, len(ids), 500):
            query = select(RECORD.c.id, RECORD.c.content_digest).where(
                RECORD.c.type == kind, RECORD.c.id.in_(ids[start : start + 500])
            )
            known.update({(kind, i): digest for i, digest in connection.execute(query)})
    return known


def take_turn(connection: Connection) -> None:
    """Wait for every other writer of records; call it before the first read a change rests on.

    INVARIANT: on PostgreSQL two changes made from one version would else both find it current, and
    two that lock the same students would wait for each other. Whoever changes records locks in one
    order: the counter, then students, then the ledger's head. On SQLite a writing transaction is
    alone anyway.
    """
    connection.execute(select(_COUNTER.c.last).with_for_update())


def next_changes(connection: Connection, count: int) -> int:
    """Take ``count`` change numbers; returns the first.

    INVARIANT: the counter row stays locked until the transaction ends, so numbers become visible in
    their own order and a reader that has seen number n has seen all before it: no row is lost to a
    poller whose cursor overtook a slower writer.
    """
    connection.execute(update(_COUNTER).values(last=_COUNTER.c.last + count))
    last = connection.execute(select(_COUNTER.c.last)).scalar_one_or_none()
    if last is None:
        connection.execute(insert(_COUNTER).values(id=1, last=count))
        last = count
    return int(last) - count + 1


def _insert(connection: Connection, records: Sequence[NewRecord], at: datetime) -> None:
    first = next_changes(connection, len(records))
    rows = [_row(record, first + n, at) for n, record in enumerate(records)]
    connection.execute(insert(RECORD), rows)
    values = [_search_row(r.type, r.id, v) for r in records for v in search_values(r.resource)]
    if values:
        connection.execute(insert(_SEARCH), values)


def _row(record: NewRecord, change: int, at: datetime) -> dict[str, object]:
    return {
        "type": record.type,
        "id": record.id,
        "custodian": record.custodian,
        "sender_role": record.sender_role,
        "audience": record.audience,
        "agreement_id": record.agreement_id,
        "student_id": record.student_id,
        "referral_id": record.referral_id,
        "element": record.element,
        "third_party": record.third_party,
        "source_key": record.source_key,
        "content_digest": content_digest(record.resource),
        "version": 1,
        "change": change,
        "last_updated": at,
        "body": orjson.dumps(record.resource).decode(),
    }


def _search_row(kind: str, record_id: str, value: object) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(value, name) for name in ("param", "system", "value")}
    return {"type": kind, "id": record_id, **row}


def amend(
    connection: Connection,
    key: tuple[str, str],
    changes: Mapping[str, object],
    at: datetime,
) -> int:
    """Change top-level elements of one record (``None`` removes one); returns the new version.

    Elements not named stay as they are: a caller who was shown a minimised copy cannot erase what
    was withheld. The caller has locked or checked the record in this transaction.

    Raises:
        LookupError: there is no such record.
    """
    kind, record_id = key
    where = and_(RECORD.c.type == kind, RECORD.c.id == record_id)
    current = select(RECORD.c.body, RECORD.c.version).where(where).with_for_update()
    row = connection.execute(current).one_or_none()
    if row is None:
        raise LookupError(kind)
    resource = orjson.loads(row.body) | dict(changes)
    resource = {name: value for name, value in resource.items() if value is not None}
    connection.execute(
        update(RECORD)
        .where(where)
        .values(
            body=orjson.dumps(resource).decode(),
            version=row.version + 1,
            change=next_changes(connection, 1),
            last_updated=at,
        )
    )
    _reindex(connection, kind, record_id, resource)
    return int(row.version) + 1


def _reindex(
    connection: Connection, kind: str, record_id: str, resource: Mapping[str, object]
) -> None:
    connection.execute(delete(_SEARCH).where(_SEARCH.c.type == kind, _SEARCH.c.id == record_id))
    values = [_search_row(kind, record_id, value) for value in search_values(resource)]
    if values:
        connection.execute(insert(_SEARCH), values)


def touch(connection: Connection, referral_ids: Sequence[str], at: datetime) -> None:
    """Give records of referrals a new change number, so that pollers look at them again.

    For a consent that arrives after the referral: without it a partner who polls by time would
    never learn of a referral that has just become releasable.
    """
    if not referral_ids:
        return
    rows = connection.execute(
        select(RECORD.c.type, RECORD.c.id)
        .where(or_(RECORD.c.referral_id.in_(referral_ids)), RECORD.c.sender_role == "lea")
        .order_by(RECORD.c.change)
    ).all()
    first = next_changes(connection, len(rows))
    for n, (kind, record_id) in enumerate(rows):
        connection.execute(
            update(RECORD)
            .where(RECORD.c.type == kind, RECORD.c.id == record_id)
            .values(change=first + n, last_updated=at)
        )
