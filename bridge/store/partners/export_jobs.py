"""Bulk exports asked for: parameters and owner. Rows are decided and read when downloaded."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update
from sqlmodel import SQLModel

_JOB = SQLModel.metadata.tables["export_job"]
_FILE = SQLModel.metadata.tables["export_file"]
_COUNTER = SQLModel.metadata.tables["change_counter"]

# Written once: a part of a file asks for its job, and writing the statement takes longer than it.
_OWN: Final = select(_JOB).where(
    _JOB.c.id == bindparam("job"),
    _JOB.c.client_id == bindparam("client"),
    _JOB.c.expires_at > bindparam("now", type_=_JOB.c.expires_at.type),
)
_OWN_KEPT: Final = _OWN.with_for_update(read=True)

LIFETIME: Final = timedelta(hours=1)
KEPT_FOR: Final = timedelta(days=1)
"""How long an export that has expired can be run again; its request may name a person."""


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One export.

    Attributes:
        agreement_id: only what stands under it is meant; "" for all.
        types: names of the types, separated by spaces.
        filters: searches (``Type?criteria``), one a line.
        upto_change: the last change that belongs to it.
    """

    id: str
    client_id: str
    organization: str
    agreement_id: str
    types: str
    since: datetime | None
    until: datetime | None
    filters: str
    request_url: str
    created_at: datetime
    transaction_time: datetime
    upto_change: int
    expires_at: datetime


def last_change(connection: Connection) -> int:
    """Return the number of the last change committed."""
    found = connection.execute(select(_COUNTER.c.last)).scalar_one_or_none()
    return int(found or 0)


def put_job(connection: Connection, job: ExportJob, most: int) -> datetime | None:
    """Keep an export job, unless its client has as many as it may have.

    Jobs long past their time are forgotten, and of the client's that have expired all but as many.

    Args:
        connection: the write transaction.
        job: which one.
        most: how many of its client may be there that have not expired.

    Returns:
        None where it is kept; otherwise when the first of the client's expires.
    """
    _alone(connection, job.client_id)
    row, now = _JOB.c, job.created_at
    whose = select(row.expires_at).where(row.client_id == job.client_id, row.expires_at > now)
    running: Sequence[datetime] = connection.scalars(whose.order_by(row.expires_at)).all()
    if len(running) >= most:
        return running[0]
    expired = select(row.id).where(row.client_id == job.client_id, row.expires_at <= now)
    _forget(connection, select(row.id).where(row.expires_at <= now - KEPT_FOR))
    _forget(connection, expired.order_by(row.expires_at.desc(), row.id).offset(most))
    values = {name: getattr(job, name) for name in ExportJob.__slots__}
    connection.execute(insert(_JOB), values)
    return None


def _alone(connection: Connection, client_id: str) -> None:
    """Wait until nobody else begins an export as this client, so that two do not both fit in.

    What is read after it is a statement of its own: it sees what was committed meanwhile.
    """
    if connection.dialect.name == "postgresql":  # on SQLite a writing transaction is alone anyway
        digest = hashlib.blake2b(f"export {client_id}".encode(), digest_size=8).digest()
        key = int.from_bytes(digest, signed=True)
        connection.execute(select(func.pg_advisory_xact_lock(key)))


def _forget(connection: Connection, which: Select[tuple[str]]) -> None:
    ids = connection.scalars(which).all()
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        connection.execute(delete(_FILE).where(_FILE.c.job_id.in_(some)))
        connection.execute(delete(_JOB).where(_JOB.c.id.in_(some)))


def renew_job(connection: Connection, job: ExportJob, now: datetime, upto_change: int) -> ExportJob:
    """Let a job begin again under its request: another hour, all that changed up to now."""
    again = replace(job, transaction_time=now, upto_change=upto_change, expires_at=now + LIFETIME)
    connection.execute(delete(_FILE).where(_FILE.c.job_id == job.id))
    names = ("transaction_time", "upto_change", "expires_at")
    changed = update(_JOB).where(_JOB.c.id == job.id)
    connection.execute(changed.values({name: getattr(again, name) for name in names}))
    return again


def job_of(
    connection: Connection, job_id: str, client_id: str, now: datetime, *, keep: bool = False
) -> ExportJob | None:
    """Return a client's own job that has not expired; None for anyone else's.

    Args:
        connection: the database.
        job_id: which one.
        client_id: whose it must be.
        now: the instant at which it must not have expired.
        keep: whether nobody may cancel it before the transaction ends; needs a writing one.
    """
    of = {"job": job_id, "client": client_id, "now": now}
    row = connection.execute(_OWN_KEPT if keep else _OWN, of).mappings().one_or_none()
    return ExportJob(**row) if row else None


def drop_job(connection: Connection, job_id: str, client_id: str) -> bool:
    """Cancel a client's own job; False if there is none."""
    query = select(_JOB.c.id).where(_JOB.c.id == job_id, _JOB.c.client_id == client_id)
    return connection.scalar(query) is not None and drop_any_job(connection, job_id)


def every_job(connection: Connection) -> list[ExportJob]:
    """Return every client's jobs, the oldest first, those that have expired too, for the operator.

    An expired one can be run again until it is forgotten.
    """
    query = select(_JOB).order_by(_JOB.c.created_at, _JOB.c.id)
    return [ExportJob(**row) for row in connection.execute(query).mappings()]


def drop_any_job(connection: Connection, job_id: str) -> bool:
    """Cancel a job of whichever client, for the operator; False if there is none."""
    dropped = connection.execute(delete(_JOB).where(_JOB.c.id == job_id))
    connection.execute(delete(_FILE).where(_FILE.c.job_id == job_id))
    return bool(dropped.rowcount)
