"""Bulk exports asked for: parameters and owner. Rows are decided and read when downloaded."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select
from sqlmodel import SQLModel

_JOB = SQLModel.metadata.tables["export_job"]
_COUNTER = SQLModel.metadata.tables["change_counter"]


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
    """Keep an export job; jobs past their time are forgotten."""
    connection.execute(delete(_JOB).where(_JOB.c.expires_at <= job.created_at))
    row = {name: getattr(job, name) for name in ExportJob.__slots__}
    connection.execute(insert(_JOB), row)


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
    dropped = connection.execute(
        delete(_JOB).where(_JOB.c.id == job_id, _JOB.c.client_id == client_id)
    )
    return bool(dropped.rowcount)


def jobs_at(connection: Connection, now: datetime) -> list[ExportJob]:
    """Return every client's jobs that have not expired, the oldest first, for the operator."""
    query = select(_JOB).where(_JOB.c.expires_at > now).order_by(_JOB.c.created_at, _JOB.c.id)
    return [ExportJob(**row) for row in connection.execute(query).mappings()]


def drop_any_job(connection: Connection, job_id: str) -> bool:
    """Cancel a job of whichever client, for the operator; False if there is none."""
    return bool(connection.execute(delete(_JOB).where(_JOB.c.id == job_id)).rowcount)
