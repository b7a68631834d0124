"""Writing records. INVARIANT: no function here returns content; only the vault reads it."""

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, and_, bindparam, delete, insert, select, update
from sqlmodel import SQLModel

from bridge.driver import cursor_of, read_instant, said_at_once, spelled_for, stored_instant
from bridge.new_rows import NewRows
from bridge.store.facts.conditions import RECORD
from bridge.store.referrals import of_referrals
from bridge.store.search.indexing import DATES, VALUES, forget, index_records

_VERSION = SQLModel.metadata.tables["record_version"]
_VIEWS = SQLModel.metadata.tables["view_change"]
CHANGES_END: Final = "SELECT last FROM change_counter FOR SHARE"


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
    """What became of records put: ids new, ids already there with the same or other content.

    Attributes:
        first, at: the number of the change that the first new one is (the others follow), and when.
    """

    new: tuple[str, ...]
    unchanged: tuple[str, ...]
    different: tuple[str, ...]
    first: int = 0
    at: datetime | None = None


def content_digest(resource: Mapping[str, Any]) -> str:
    """Return the digest of a resource's own content.

    ``meta`` does not count, nor which Consents it lists: a form that is signed later is no other
    referral.
    """
    links = resource.get("supportingInfo", ())
    listed = [i for i in links if not str(i.get("reference", "")).startswith("Consent/")]
    content = {**resource, "supportingInfo": listed}
    content.pop("meta", None)
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
    found = compared(connection, records)
    kinds = {record.id: record.type for record in records}
    if any(kinds[record_id] not in renewable for record_id in found.different):
        return PutReport((), found.unchanged, found.different)
    if not found.new:
        return found
    there = {*found.unchanged, *found.different}
    first, moved = _insert(connection, [r for r in records if r.id not in there], at)
    return dataclasses.replace(found, first=first, at=moved)


def compared(connection: Connection, records: Sequence[NewRecord]) -> PutReport:
    """Return what :func:`put_records` would find; nothing is stored."""
    known = _known_digests(connection, records)
    new, unchanged, different = [], [], []
    for record in records:
        digest = known.get((record.type, record.id))
        if digest is None:
            new.append(record.id)
        elif digest == content_digest(record.resource):
            unchanged.append(record.id)
        else:
            different.append(record.id)
    return PutReport(tuple(new), tuple(unchanged), tuple(different))


def whose(connection: Connection, kind: str, record_id: str) -> tuple[str, str] | None:
    """Return the student and the referral a record is of; None where there is no such record."""
    query = select(RECORD.c.student_id, RECORD.c.referral_id).where(
        RECORD.c.type == kind, RECORD.c.id == record_id
    )
    found = connection.execute(query).one_or_none()
    return None if found is None else (found.student_id or "", found.referral_id or "")


def custodian_of(connection: Connection, kind: str, record_id: str) -> str:
    """Return the key of the organisation whose record it is; "" where there is none."""
    query = select(RECORD.c.custodian).where(RECORD.c.type == kind, RECORD.c.id == record_id)
    return str(connection.execute(query).scalar_one_or_none() or "")


def replace(connection: Connection, record: NewRecord, at: datetime) -> int:
    """Replace the content of a record that only its custodian writes; returns the new version.

    What a decision hangs on comes with the content: a session may turn out to be of another kind.
    """
    content = {
        "content_digest": content_digest(record.resource),
        "element": record.element,
        "third_party": record.third_party,
    }
    return rewrite(connection, (record.type, record.id), (record.resource, content), at)


def rewrite(
    connection: Connection,
    key: tuple[str, str],
    new: tuple[Mapping[str, object], Mapping[str, object]],
    at: datetime,
) -> int:
    """Write what a record now says, keeping what it said before as a version; returns the new one.

    Args:
        connection: the write transaction.
        key: type and id.
        new: the resource, and the columns that change with it.
        at: when.
    """
    (kind, record_id), (resource, columns) = key, new
    where = and_(RECORD.c.type == kind, RECORD.c.id == record_id)
    names = ("type", "id", "version", "element", "third_party", "change", "last_updated", "body")
    before = select(*(RECORD.c[name] for name in names), RECORD.c.agreement_id)
    row = connection.execute(before.where(where).with_for_update()).one()
    connection.execute(insert(_VERSION), {name: getattr(row, name) for name in names})
    change, moved = next_changes(connection, 1, at)
    values = {
        "body": orjson.dumps(resource).decode(),
        "version": row.version + 1,
        "change": change,
        "last_updated": moved,
        **columns,
    }
    connection.execute(update(RECORD).where(where).values(**values))
    forget(connection, key, row.change)
    index_records(connection, [(resource, row.agreement_id, change)])
    return int(row.version) + 1


def _known_digests(
    connection: Connection, records: Iterable[NewRecord]
) -> dict[tuple[str, str], str]:
    known: dict[tuple[str, str], str] = {}
    by_type: dict[str, list[str]] = {}
    for record in records:
        by_type.setdefault(record.type, []).append(record.id)
    with cursor_of(connection) as cursor:
        for kind, ids in by_type.items():
            for start in range(0, len(ids), 500):
                some = ids[start : start + 500]
                marks = ", ".join("?" * len(some))
                sql = f"SELECT id, content_digest FROM record WHERE type = ? AND id IN ({marks})"  # noqa: S608 - marks alone
                written = spelled_for(connection.dialect.name, sql)
                rows = cursor.execute(written, (kind, *some)).fetchall()
                known.update({(kind, record_id): digest for record_id, digest in rows})
    return known


def take_turn(connection: Connection) -> None:
    """Wait for every other writer of records; call it before the first read a change rests on.

    INVARIANT: on PostgreSQL two changes made from one version would else both find it current, and
    two that lock the same students would wait for each other. Whoever changes records locks in one
    order: the counter, then students, then the ledger's head. On SQLite a writing transaction is
    alone anyway.
    """
    with cursor_of(connection) as cursor:
        cursor.execute(_TURN[connection.dialect.name]).fetchall()


_TURN: Final = {
    "sqlite": "SELECT last FROM change_counter",
    "postgresql": "SELECT last FROM change_counter FOR UPDATE",
}


def let_changes_end(connection: Connection) -> None:
    """Wait until every change under way is committed, and let none begin before this ends.

    What is then read at an instant holds all that is dated before it: a later change is dated after
    it waited. For a search whose time a poller goes on from; not for reads by id.
    """
    if connection.dialect.name != "sqlite":  # there a writing transaction is alone anyway
        said_at_once(connection, CHANGES_END)


def next_changes(connection: Connection, count: int, at: datetime) -> tuple[int, datetime]:
    """Take ``count`` change numbers; returns the first and the time they are dated with.

    INVARIANT: the counter row stays locked until the transaction ends, so numbers become visible in
    their own order and a reader that has seen number n has seen all before it: no row is lost to a
    poller whose cursor overtook a slower writer. Their times never fall behind one another, so the
    order of numbers is the order of times even where a clock is set back.
    """
    dialect = connection.dialect.name
    given = stored_instant(dialect, at)
    sql, taken = spelled_for(dialect, _TAKEN[dialect]), (count, given)
    with cursor_of(connection) as cursor:
        found = cursor.execute(sql, taken).fetchall()
        if not found:  # the first of all, unless on PostgreSQL another became it meanwhile
            cursor.execute(_BEGUN)
            found = cursor.execute(sql, taken).fetchall()
    ((last, moved),) = found
    return int(last) - count + 1, read_instant(moved) or at


_TAKEN: Final = {
    "sqlite": "UPDATE change_counter SET last = last + ?, at = max(coalesce(at, ''), ?)"
    " RETURNING last, at",
    "postgresql": "UPDATE change_counter SET last = last + ?, at = greatest(at, ?)"
    " RETURNING last, at",
}
_BEGUN: Final = "INSERT INTO change_counter (id, last) VALUES (1, 0) ON CONFLICT (id) DO NOTHING"


def _insert(
    connection: Connection, records: Sequence[NewRecord], at: datetime
) -> tuple[int, datetime]:
    first, moved = next_changes(connection, len(records), at)
    stored = stored_instant(dialect := connection.dialect.name, moved)
    rows = [_row(record, first + n, stored) for n, record in enumerate(records)]
    with cursor_of(connection) as cursor:
        _NEW_RECORDS.write(cursor, dialect, rows)
    index_records(
        connection, [(r.resource, r.agreement_id, first + n) for n, r in enumerate(records)]
    )
    return first, moved


_NEW_RECORDS: Final = NewRows(
    RECORD,
    *("type", "id", "custodian", "sender_role", "audience", "agreement_id", "student_id"),
    *("referral_id", "element", "third_party", "source_key", "content_digest", "version"),
    *("change", "last_updated", "body"),
)
"""The columns in the order in which :func:`_row` gives them."""


def _row(record: NewRecord, change: int, at: object) -> tuple[object, ...]:
    return (
        *(record.type, record.id, record.custodian, record.sender_role, record.audience),
        *(record.agreement_id, record.student_id, record.referral_id, record.element),
        *(record.third_party, record.source_key, content_digest(record.resource), 1, change, at),
        orjson.dumps(record.resource).decode(),
    )


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
    return rewrite(connection, key, (resource, {}), at)


def touch(connection: Connection, referral_ids: Sequence[str], at: datetime) -> None:
    """Give records of referrals a new change number, so that pollers look at them again.

    For what lets many referrals of a district be seen at once (a roster, the day of an agreement, a
    source that is heard again): for everybody, so never for a fact of one student
    (:func:`bridge.gate.seen_anew`). The caller has taken its turn (:func:`take_turn`) before it
    locked any student.
    """
    rows = list[tuple[str, str, int]]()
    for start in range(0, len(referral_ids), 500):
        of_some = (*of_referrals(referral_ids[start : start + 500]), RECORD.c.sender_role == "lea")
        query = select(RECORD.c.type, RECORD.c.id, RECORD.c.change)
        found = connection.execute(query.where(*of_some))
        rows += [(kind, record_id, int(change)) for kind, record_id, change in found]
    if not rows:
        return
    rows.sort(key=lambda row: row[2])
    first, moved = next_changes(connection, len(rows), at)
    renumber(connection, [(*row, first + n) for n, row in enumerate(rows)], moved)
    # What may be seen has changed, for everybody: nobody's view is dated before it any more.
    of = (_VIEWS.c.type == bindparam("k"), _VIEWS.c.id == bindparam("i"))
    connection.execute(delete(_VIEWS).where(*of), [{"k": k, "i": i} for k, i, _ in rows])


def renumber(
    connection: Connection, moves: Sequence[tuple[str, str, int, int]], at: datetime
) -> None:
    """Give records other numbers, and what they are found by: type, id, number before and now.

    The numbers and their time are of :func:`next_changes`. Whose view stays where it was is the
    caller's to keep.
    """
    rows = [{"k": k, "i": i, "b": b, "n": n} for k, i, b, n in moves]
    for table, more in ((RECORD, {"last_updated": at}), (VALUES, {}), (DATES, {})):
        of = (table.c.type == bindparam("k"), table.c.id == bindparam("i"))
        before = table.c.change == bindparam("b")
        numbered = update(table).where(before, *of).values(change=bindparam("n"), **more)
        connection.execute(numbered, rows)
