"""How partners' exports stand, for the operator, and one that is to be run again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.store.intake import let_changes_end
from bridge.store.partners.export_jobs import ExportJob, every_job, last_change, renew_job
from bridge.store.partners.export_progress import (
    BROKEN,
    SENDING,
    WHOLE,
    ExportFile,
    Progress,
    files_of,
    part_of_all,
    progress_of,
    state_of,
)

AGAIN = ("expired", BROKEN, "still")
"""How an export stands that may be run again."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One export, and how it stands.

    Attributes:
        part: how much of the way it has gone, 0 to 1, by what its partner may not see as well.
        rate: rows a second since its first file began; 0 before.
        ends_at: when it will be whole, should it go on like that; None where that says nothing.
    """

    job: ExportJob
    state: str
    progress: Progress
    part: float
    rate: float
    ends_at: datetime | None


def watched(connection: Connection, now: datetime) -> list[Watched]:
    """Return every export that is kept, the oldest first."""
    return [_watched(connection, job, now) for job in every_job(connection)]


def watched_one(connection: Connection, job_id: str, now: datetime) -> Watched:
    """Return one export.

    Raises:
        BridgeError: there is none of that id.
    """
    for job in every_job(connection):
        if job.id == job_id:
            return _watched(connection, job, now)
    raise BridgeError("there is no such job; see: schoolbridge jobs list")


def replay_export(connection: Connection, job_id: str, now: datetime) -> ExportJob:
    """Let an export that broke off, stood still or expired be fetched again at its own address.

    Its request is the same, and what has changed since belongs to it. Nothing of the first run is
    kept: who may see what is decided as its client fetches it.

    Raises:
        BridgeError: there is no such job, or it needs no other run.
    """
    found = watched_one(connection, job_id, now)
    if found.state not in AGAIN:
        raise BridgeError(f"this job is {found.state}: its client can fetch it as it is")
    let_changes_end(connection)
    return renew_job(connection, found.job, now, last_change(connection))


def _watched(connection: Connection, job: ExportJob, now: datetime) -> Watched:
    files = files_of(connection, job.id)
    state, progress = state_of(job, files, now), progress_of(files)
    part = 1.0 if state == WHOLE else part_of_all(connection, job, files)
    took = _took(files)
    rate = progress.rows / took.total_seconds() if took else 0.0
    goes_on = state == SENDING and took and 0.0 < part < 1.0
    ends_at = now + took * (1 / part - 1) if goes_on else None
    return Watched(job, state, progress, part, rate, ends_at)


def _took(files: Sequence[ExportFile]) -> timedelta:
    begun = [each.begun_at for each in files if each.begun_at]
    made = [each.made_at for each in files if each.made_at]
    return max(made) - min(begun) if begun and made else timedelta()
