"""Rows that wait for a person, whichever step held them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from bridge.identifiers import Identifiers
from bridge.store.directory import HeldEntry, put_held
from mappings.canonical import SourceRow
from mappings.language import Held


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


def row_key(identifiers: Identifiers, owner: str, origin: SourceRow) -> str:
    """Return the keyed hash a source row is known by: its own key may hold a name."""
    return identifiers.issue("row", owner, origin.source, origin.key)
