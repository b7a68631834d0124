"""How far the files of an export have come, as they are sent.

A file that nobody reads does not come on; one that is asked for again begins anew. What is counted
is what was released, so a partner may be told of it; the place among all changes may not leave
(:func:`part_of_all` is for the operator).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Update, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bridge.schema import table_of
from bridge.store.facts.conditions import RECORD
from bridge.store.partners.export_jobs import ExportJob
from bridge.store.tables import ExportFileRow

_FILE: Final = table_of(ExportFileRow)
WAITING, SENDING, WHOLE, BROKEN = "waiting", "sending", "whole", "broken"
STATES: Final = (WAITING, SENDING, "still", WHOLE, BROKEN, "expired")
_KEY: Final = ("job_id", "type", "number")
STILL: Final = timedelta(minutes=2)
"""A file of which no part was made for so long stands still: whoever read it has gone."""


@dataclass(frozen=True, slots=True)
class ExportFile:
    """One row of :class:`bridge.store.tables.ExportFileRow`."""

    job_id: str
    type: str
    number: int = 0
    after_change: int = 0
    upto_change: int | None = None
    state: str = WAITING
    rows: int = 0
    bytes: int = 0
    sha256: str = ""
    reached: int = 0
    begun_at: datetime | None = None
    made_at: datetime | None = None


FileKey = tuple[str, str, int]
"""Which file: the job's id, the type, and its number; 0 where all of the type is one file."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one part adds to a file.

    ``first``: the file begins (again) with it. ``last``: there is nothing further; ``sha256`` is
    then the digest of the whole.
    """

    rows: int
    bytes: int
    reached: int
    first: bool
    last: bool
    sha256: str = ""


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


def name_files(
    connection: Connection, job_id: str, ends: Mapping[str, Sequence[int]]
) -> list[ExportFile]:
    """Keep which files the manifest names now, and return them; those begun before stay.

    Args:
        connection: the database.
        job_id: whose files.
        ends: of each type, the changes that its files but the last end with. A type that was cut
            before stays as it was cut, so that a file's name always means the same.
    """
    row = _FILE.c
    begun = select(row.type).where(row.job_id == job_id, row.state != WAITING)
    gone = delete(_FILE).where(row.job_id == job_id, row.type.not_in(ends))
    connection.execute(gone.where(row.type.not_in(begun)))
    known = {each.type for each in files_of(connection, job_id)}
    for kind in ends.keys() - known:
        of_type = [{"job_id": job_id, "type": kind, **each} for each in _places(ends[kind])]
        _add(connection, of_type)
    found = [each for each in files_of(connection, job_id) if each.type in ends]
    cut = {each.type for each in found if each.number}
    return [each for each in found if each.number or each.type not in cut]


def _places(cuts: Sequence[int]) -> list[dict[str, int | None]]:
    """Return number and bounds of each file of a type."""
    if not cuts:
        return [{"number": 0}]
    bounds = zip((0, *cuts), (*cuts, None), strict=True)
    return [
        {"number": number, "after_change": after, "upto_change": upto}
        for number, (after, upto) in enumerate(bounds, 1)
    ]


def note_part(connection: Connection, key: FileKey, part: Part, now: datetime) -> None:
    """Note a part of a file, in the transaction that releases it and as the last thing there.

    Args:
        connection: the database.
        key: which file.
        part: what was released.
        now: when.
    """
    values: dict[str, object] = {"state": WHOLE if part.last else SENDING, "made_at": now}
    values["sha256"] = part.sha256
    if part.first or not part.last:  # a last one has only found that there is no more
        values |= {"rows": part.rows, "bytes": part.bytes, "reached": part.reached}
    if part.first:
        values["begun_at"] = now
    statement = _FIRST if part.first else _LAST if part.last else _NEXT
    given = {f"new_{name}": value for name, value in values.items()}
    given |= {f"of_{name}": value for name, value in zip(_KEY, key, strict=True)}
    if not connection.execute(statement, given).rowcount and part.first:
        # A client may ask for a file whose name it has not read.
        _add(connection, [{**dict(zip(_KEY, key, strict=True)), **values}])


def note_broken(connection: Connection, key: FileKey) -> None:
    """Note that a file broke off."""
    connection.execute(update(_FILE).where(*_is(key)).values(state=BROKEN))


def file_named(
    connection: Connection, job_id: str, kind: str, number: str = ""
) -> ExportFile | None:
    """Return a file of a type by its number as a manifest writes it; None where there is no such.

    Without a number it is all of the type, of an export whose manifest does not cut it.
    """
    files = {str(each.number): each for each in files_of(connection, job_id) if each.type == kind}
    if number:
        return files.get(number) if number != "0" else None
    return ExportFile(job_id, kind) if files.keys() <= {"0"} else None


def files_of(connection: Connection, job_id: str) -> list[ExportFile]:
    """Return the files of an export that were named or asked for, by type and number."""
    query = select(*(_FILE.c[each.name] for each in fields(ExportFile)))
    query = query.where(_FILE.c.job_id == job_id).order_by(_FILE.c.type, _FILE.c.number)
    return [ExportFile(**row) for row in connection.execute(query).mappings()]


def _noting(*names: str, added: tuple[str, ...] = ()) -> Update:
    """Write once how a part is noted, which takes longer than noting it.

    Args:
        names: of the columns that take what is given.
        added: of those to which it is added.
    """
    row = _FILE.c
    new = {name: bindparam(f"new_{name}", type_=row[name].type) for name in (*names, *added)}
    values = {name: row[name] + value if name in added else value for name, value in new.items()}
    return update(_FILE).where(*(row[n] == bindparam(f"of_{n}") for n in _KEY)).values(values)


_NOTED: Final = ("state", "made_at", "sha256")
_FIRST: Final = _noting(*_NOTED, "rows", "bytes", "reached", "begun_at")
_NEXT: Final = _noting(*_NOTED, "reached", added=("rows", "bytes"))
_LAST: Final = _noting(*_NOTED)


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
        upto = job.upto_change if each.upto_change is None else each.upto_change
        counted = select(func.count()).where(row.type == each.type, row.change <= upto)
        counted = counted.where(row.change > each.after_change)
        every = connection.scalar(counted) or 0
        total += every
        if each.state == WHOLE:
            done += every
        elif each.reached:
            done += connection.scalar(counted.where(row.change <= each.reached)) or 0
    return done / total if total else float(bool(files))


def _is(key: FileKey) -> list[ColumnElement[bool]]:
    return [_FILE.c[name] == value for name, value in zip(_KEY, key, strict=True)]


def _add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    made = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    new = made(_FILE).on_conflict_do_nothing()
    for row in rows:
        connection.execute(new, asdict(ExportFile(**row)))
