"""Where a type of an export is cut into files, so that none is of many more bytes than wanted.

Nobody goes through everything twice for it: some records are looked at, those of the lowest ids.
Ids are keyed hashes (:mod:`bridge.identifiers`), so they are a sample at random, and how far they
reach among all ids that can be says how many records there are.

INVARIANT: a cut follows from what its caller may see alone: of the sample, from records that the
filter lets pass, and from their size as they would leave. What is withheld moves no cut.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from bridge.gate.authorise import Viewer, authorised
from bridge.gate.deciding import decided
from bridge.identifiers import Identifiers
from bridge.store.vault import Query, find, sampled

FILE_BYTES: Final = 32_000_000
"""About so many bytes one file of an export has at most, by what is there when it is cut."""
MOST_FILES: Final = 100
"""Of more than so many times that, files are longer."""
SAMPLE: Final = 1024
"""So many records are looked at; of an export that has no more, the cuts are exact."""
SIZED: Final = 128
"""Of so many of them the size is found out, of the rest it is taken to be the average."""
_DIGITS: Final = 8

_Found = tuple[str, int]
"""The id of a record, and the number of the change its viewer saw last."""


def ends_of_files(
    connection: Connection, viewer: Viewer, query: Query, known: tuple[Identifiers, datetime]
) -> tuple[int, ...] | None:
    """Return the change each file but the last ends with; None where there is nothing to see.

    Args:
        connection: the database; a write transaction.
        viewer: who exports.
        query: what of one type is exported, within the caller's scopes.
        known: the deployment's identifiers, and the instant.
    """
    sight = authorised(viewer, query.type, known[1], connection.dialect.name)
    found = sampled(connection, query, sight, SAMPLE)
    if not found:
        return None
    stood_for = _all(found) / len(found)
    if stood_for is math.inf:
        return ()  # ids of another kind: the directory, which is small
    sizes = _sizes(connection, viewer, (query.type, found[:SIZED]), known)
    usual = sum(sizes.values()) / max(len(sizes), 1)
    weighed = [(change, sizes.get(key, usual) * stood_for) for key, change in found]
    return tuple(_cut(sorted(weighed)))


def _all(found: Sequence[_Found]) -> float:
    """Return about how many records there are, of which those of the lowest ids were found."""
    if len(found) < SAMPLE:
        return len(found)
    try:
        last = int(found[-1][0][:_DIGITS], 16)
    except ValueError:
        return math.inf
    return len(found) * 16**_DIGITS / (last + 1)


def _sizes(
    connection: Connection,
    viewer: Viewer,
    asked: tuple[str, Sequence[_Found]],
    known: tuple[Identifiers, datetime],
) -> dict[str, int]:
    """Return how many bytes would leave of some records, by id; nothing leaves."""
    kind, found = asked
    query = Query(kind, ids=tuple(key for key, _ in found), limit=len(found))
    sight = authorised(viewer, kind, known[1], connection.dialect.name)
    stored, _ = find(connection, query, sight)
    seen = decided(connection, viewer, stored, known, linked=True)
    return {each.stored.id: len(each.released.body) + 1 for each in seen}


def _cut(weighed: Sequence[tuple[int, float]]) -> Iterator[int]:
    most = max(FILE_BYTES, sum(size for _, size in weighed) / MOST_FILES)
    filled, before = 0.0, 0
    for change, size in weighed:
        if filled and filled + size > most:
            yield before
            filled = 0.0
        filled, before = filled + size, change
