"""Rows that wait for a person, whichever step held them."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.identifiers import Identifiers
from bridge.journeys.files.run_maps import named
from bridge.store.directory import HeldEntry, put_held, release_held
from mappings.canonical import SourceRow
from mappings.language import CompiledMap, Held, HeldLine, Record, fits, flatten, held_sheet

_NOT_HERE = "a sheet cannot hold this row; correct it in its source and import that file again"


@dataclass(frozen=True, slots=True)
class HeldRow:
    """Where a row stands and why it waits: codes for machines, texts for a clerk."""

    origin: SourceRow
    codes: tuple[str, ...]
    texts: tuple[str, ...]


def of_mapping(held: Held) -> HeldRow:
    """Return a row the map held."""
    codes = tuple(str(reason.code) for reason in held.reasons)
    return HeldRow(held.origin, codes, tuple(str(reason) for reason in held.reasons))


def by_reason(rows: Iterable[HeldRow]) -> dict[str, int]:
    """Count rows by reason; a row with two reasons counts under both."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(set(row.codes))
    return dict(sorted(counts.items()))


def keep_held(
    connection: Connection,
    identifiers: Identifiers,
    owner: str,
    held: tuple[Sequence[HeldRow], datetime],
) -> None:
    """Keep held rows of one organisation: place and reasons, no value of a row."""
    rows, now = held
    entries = [
        HeldEntry(
            source=row.origin.source,
            file=row.origin.file,
            row=row.origin.row,
            source_key=row_key(identifiers, owner, row.origin),
            reasons=row.texts,
        )
        for row in rows
    ]
    put_held(connection, owner, entries, now)
    known = zip(rows, entries, strict=True)
    moved = [r.origin.ticket for r, e in known if r.origin.ticket not in ("", e.source_key)]
    release_held(connection, owner, moved, now)


def let_go(
    connection: Connection,
    identifiers: Identifiers,
    owner: str,
    came: tuple[Sequence[SourceRow], datetime],
) -> None:
    """Mark rows that went through as no longer waiting, under their keys and their tickets."""
    origins, now = came
    keys = {row_key(identifiers, owner, origin) for origin in origins}
    tickets = {origin.ticket for origin in origins} - {""}
    release_held(connection, owner, sorted(keys | tickets), now)


def row_key(identifiers: Identifiers, owner: str, origin: SourceRow) -> str:
    """Return the keyed hash a source row is known by: its own key may hold a name."""
    told = (origin.key, origin.content) if origin.content else (origin.key,)
    return identifiers.issue("row", owner, origin.source, *told)


def told_apart(origin: SourceRow, record: Record) -> SourceRow:
    """Return the origin of a record whose key belongs to another one: told by what it says."""
    told = repr(sorted(flatten(record).items()))
    return replace(origin, content=hashlib.sha256(told.encode()).hexdigest()[:32])


def write_held(
    compiled: CompiledMap, files: Sequence[Path], held: Mapping[int, tuple[str, str]], out: Path
) -> int:
    """Write held rows of the main file into a workbook; returns how many can be corrected there.

    Of messages and records the columns are the places the map asks for. Rows a sheet cannot hold
    (of another width than the header, or with a cell beyond what a workbook takes) stand there
    without their cells, and are corrected in the source.

    Args:
        compiled: the map that held them.
        files: the files as they were given to the run.
        held: for each row number the reasons, and as what the queue knows it.
        out: a new file.

    Raises:
        BridgeError: the file is there already.
    """
    if out.exists():
        raise BridgeError(f"{out.name} is there already and may hold corrections; name another")
    header, rows = compiled.rows_at(named(files), held)
    book, fitting = held_book(header, rows, held)
    partial = out.with_name(f"{out.name}.part")
    partial.write_bytes(book)
    partial.replace(out)
    return fitting


def held_book(
    header: Sequence[str],
    rows: Mapping[int, Sequence[str]],
    held: Mapping[int, tuple[str, str]],
) -> tuple[bytes, int]:
    """Return the workbook of :func:`write_held`, and how many rows can be corrected in it.

    Args:
        header: the headings of the main file.
        rows: for each row number its cells.
        held: for each row number the reasons, and as what the queue knows it.
    """
    lines = [
        HeldLine(because, f"row {row}", ticket, rows[row])
        if row in rows and fits(rows[row], header)
        else HeldLine(f"{because} | {_NOT_HERE}", f"row {row}", ticket, ())
        for row, (because, ticket) in sorted(held.items())
    ]
    return held_sheet(header, lines), sum(1 for line in lines if line.cells)
