"""How far the files of an export have come, as they are sent.

A file that nobody reads does not come on; one that is asked for again begins anew. What is counted
is what was released, so a partner may be told of it; the place among all changes may not leave
(:func:`part_of_all` is for the operator).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bridge.schema import table_of
from bridge.store.conditions import RECORD
from bridge.store.export_jobs import ExportJob
from bridge.store.tables import ExportFileRow

_FILE: Final = table_of(ExportFileRow)
WAITING, SENDING, WHOLE, BROKEN = "waiting", "sending", "whole", "broken"
STATES: Final = (WAITING, SENDING, "still", WHOLE, BROKEN, "expired")
STILL: Final = timedelta(minutes=2)
"""A file of which no part was made for so long stands still: whoever read it has gone."""


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One row of :class:`bridge.store.tables.ExportFileRow`."""

    job_id: str
    type: str
    state: str
    rows: int
    bytes: int
    reached: int
    begun_at: datetime | None
    made_at: datetime | None


@dataclass(frozen=True, slots=True)
class Part:
    """What one part adds to a file.

    ``first``: the file begins (again) with it. ``last``: there is nothing further.
    """

    rows: int
    bytes: int
    reached: int
    first: bool
    last: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export has come: what was released, of the files its manifest names."""

    files: int
    whole: int
    rows: int
    bytes: int

    def __str__(self) -> str:
        """Say it in a line (Bulk Data: X-Progress is a text of at most 100 characters)."""
        return f"{self.whole} of {self.files} files, {self.rows} rows, {self.bytes} bytes"


def name_files(connection: Connection, job_id: str, types: Sequence[str]) -> None:
    """Keep which files the manifest names now; those begun before stay."""
    row = _FILE.c
    gone = delete(_FILE).where(row.job_id == job_id, row.state == WAITING)
    connection.execute(gone.where(row.type.not_in(types)))
    known = set(connection.scalars(select(row.type).where(row.job_id == job_id)))
    _add(connection, [{"job_id": job_id, "type": kind} for kind in sorted(set(types) - known)])


def note_part(connection: Connection, place: tuple[str, str], part: Part, now: datetime) -> None:
    """Note a part of a file, in the transaction that releases it and as the last thing there.

    Args:
        connection: the database.
        place: job and type.
        part: what was released.
        now: when.
    """
    row, (job_id, kind) = _FILE.c, place
    came: dict[str, object] = {"rows": part.rows, "bytes": part.bytes, "reached": part.reached}
    values = {"state": WHOLE if part.last else SENDING, "made_at": now}
    if part.first:
        values |= {**came, "begun_at": now}
    elif not part.last:
        came |= {"rows": row.rows + part.rows, "bytes": row.bytes + part.bytes}
        values |= came
    of_file = update(_FILE).where(row.job_id == job_id, row.type == kind)
    if not connection.execute(of_file.values(**values)).rowcount and part.first:
        # A client may ask for a file whose name it has not read.
        _add(connection, [{"job_id": job_id, "type": kind, **values}])


def note_broken(connection: Connection, job_id: str, kind: str) -> None:
    """Note that a file broke off."""
    row = _FILE.c
    broken = update(_FILE).where(row.job_id == job_id, row.type == kind)
    connection.execute(broken.values(state=BROKEN))


def files_of(connection: Connection, job_id: str) -> list[ExportFile]:
    """Return the files of an export that were named or asked for, by type."""
    query = select(*(_FILE.c[each.name] for each in fields(ExportFile)))
    query = query.where(_FILE.c.job_id == job_id).order_by(_FILE.c.type)
    return [ExportFile(**row) for row in connection.execute(query).mappings()]


def progress_of(files: Sequence[ExportFile]) -> Progress:
    """Add up the files of an export."""
    whole = sum(each.state == WHOLE for each in files)
    return Progress(
        len(files), whole, sum(each.rows for each in files), sum(each.bytes for each in files)
    )


def state_of(job: ExportJob, files: Sequence[ExportFile], now: datetime) -> str:
    """Return how an export stands: expired, broken, whole, sending, still or waiting."""
    states = {each.state for each in files}
    if job.expires_at <= now:
        return "expired"
    if BROKEN in states:
        return BROKEN
    if states == {WHOLE}:
        return WHOLE
    if states <= {WAITING}:
        return WAITING
    last = max(each.made_at for each in files if each.made_at)
    return SENDING if now - last < STILL else "still"


def part_of_all(connection: Connection, job: ExportJob, files: Sequence[ExportFile]) -> float:
    """Return how much of the way an export has gone, from 0 to 1.

    INVARIANT: for the operator alone. It goes by all records of the types, also by those the
    partner may not see, and would tell it how many there are.
    """
    row, total, done = RECORD.c, 0, 0
    for each in files:
        counted = select(func.count()).where(row.type == each.type, row.change <= job.upto_change)
        every = connection.scalar(counted) or 0
        total += every
        if each.state == WHOLE:
            done += every
        elif each.reached:
            done += connection.scalar(counted.where(row.change <= each.reached)) or 0
    return done / total if total else float(bool(files))


def _add(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    made = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    empty = {"state": WAITING, "rows": 0, "bytes": 0, "reached": 0}
    empty |= {"begun_at": None, "made_at": None}
    if rows:
        connection.execute(made(_FILE).on_conflict_do_nothing(), [{**empty, **r} for r in rows])
