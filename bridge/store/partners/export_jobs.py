"""Bulk exports asked for: parameters and owner. Rows are decided and read when downloaded."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update
from sqlmodel import SQLModel

_JOB = SQLModel.metadata.tables["export_job"]
_FILE = SQLModel.metadata.tables["export_file"]
_COUNTER = SQLModel.metadata.tables["change_counter"]

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


def put_job(connection: Connection, job: ExportJob) -> None:
    """Keep an export job; jobs long past their time are forgotten."""
    old = select(_JOB.c.id).where(_JOB.c.expires_at <= job.created_at - KEPT_FOR)
    connection.execute(delete(_FILE).where(_FILE.c.job_id.in_(old)))
    connection.execute(delete(_JOB).where(_JOB.c.id.in_(old)))
    row = {name: getattr(job, name) for name in ExportJob.__slots__}
    connection.execute(insert(_JOB), row)


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
    query = select(_JOB).where(
        _JOB.c.id == job_id, _JOB.c.client_id == client_id, _JOB.c.expires_at > now
    )
    query = query.with_for_update(read=True) if keep else query
    row = connection.execute(query).mappings().one_or_none()
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
