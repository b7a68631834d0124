"""Entries that repeat earlier ones: one line where the same answer left once more.

The first time an answer leaves, each release in it has its entry. Where nothing that the decisions
rest on has changed, the next entry (``again``) names the indexes of those and adds when it was, and
at whose request: every decision, element and party is as the earlier entries say, and the tree
commits to both. Read back, it counts as one disclosure of each (:mod:`bridge.ledger.lookup`).

INVARIANT: it is written only while what it repeats stands in the log and nothing was erased since.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Self

from sqlalchemy import Connection

from bridge.driver import cursor_of, spelled_for
from bridge.ledger.entry import Entry, Receipt
from bridge.ledger.errors import NothingToRepeat

MOST_REPEATED: Final = 512
"""So many entries one may repeat: what repeats an entry stands within so many places of it."""
_AT_ONCE: Final = 10
_LEAF: Final = "SELECT leaf FROM ledger_entry WHERE log = ? AND position = ?"


@dataclass(frozen=True, slots=True)
class Span:
    """Entries of one log that were written one after another.

    Attributes:
        first, last: their indexes.
        leaf: of the last; None where it is not known.
    """

    first: int
    last: int
    leaf: bytes | None = None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Return what an entry repeats.

        Raises:
            ValueError: its indexes are no unbroken run, or too many.
        """
        found = entry.refers
        if not found or found != tuple(range(found[0], found[-1] + 1)):
            raise ValueError("what is repeated are entries that follow one another")
        if len(found) > MOST_REPEATED:
            raise ValueError(f"at most {MOST_REPEATED} entries are repeated by one")
        return cls(found[0], found[-1])

    @property
    def ends(self) -> tuple[int, int]:
        """The first index and the last."""
        return self.first, self.last

    @property
    def indexes(self) -> tuple[int, ...]:
        """All of them."""
        return tuple(range(self.first, self.last + 1))


def spans_of(connection: Connection, receipts: Sequence[Receipt]) -> dict[str, Span] | None:
    """Return what was just written as one span a log, in the transaction that wrote it.

    None where it is not: something else stands between, or there are too many.
    """
    found: dict[str, list[int]] = {}
    for receipt in receipts:
        found.setdefault(receipt.log, []).append(receipt.index)
    spans: dict[str, Span] = {}
    for log, indexes in found.items():
        first, last = min(indexes), max(indexes)
        if not last - first + 1 == len(indexes) <= MOST_REPEATED:
            return None
        with cursor_of(connection) as cursor:
            sql = spelled_for(connection.dialect.name, _LEAF)
            ((leaf,),) = cursor.execute(sql, (log, last)).fetchall()
        spans[log] = Span(first, last, bytes(leaf))
    return spans


def require_there(
    cursor: Any,  # noqa: ANN401 - the driver's
    dialect: str,
    named: tuple[str, Collection[Span]],
    erased: int | None,
) -> None:
    """Refuse to repeat what does not stand in the log as it was written; its head is locked.

    Args:
        cursor: of the transaction.
        dialect: the database's.
        named: the log, and what of it is to be repeated.
        erased: index of the last entry of the log by which others were erased.

    Raises:
        NothingToRepeat: it is not there, or something was erased after it was written.
    """
    log, spans = named
    if not spans:
        return
    found = _leaves_at(cursor, dialect, log, [span.last for span in spans])
    for span in spans:
        same = span.last in found and span.leaf in (None, found[span.last])
        if not same or (erased is not None and erased > span.first):
            raise NothingToRepeat(f"{log}: what was to be repeated is not there as it was")


def _leaves_at(
    cursor: Any,  # noqa: ANN401 - the driver's
    dialect: str,
    log: str,
    indexes: Sequence[int],
) -> dict[int, bytes]:
    """Return the leaves of entries, by their index."""
    if dialect != "sqlite":
        sql = spelled_for(dialect, _leaves(len(indexes)))
        return {at: bytes(leaf) for at, leaf in cursor.execute(sql, (log, *indexes)).fetchall()}
    found: dict[int, bytes] = {}
    for start in range(0, len(indexes), _AT_ONCE):
        some = indexes[start : start + _AT_ONCE]
        found.update(cursor.execute(_each_leaf(len(some)), (*some, log)).fetchall())
    return found


@lru_cache(maxsize=256)
def _leaves(count: int) -> str:
    marks = ", ".join("?" * count)
    return f"SELECT position, leaf FROM ledger_entry WHERE log = ? AND position IN ({marks})"  # noqa: S608 - marks alone


@lru_cache(maxsize=_AT_ONCE)
def _each_leaf(count: int) -> str:
    # Each by the whole key. Of a list SQLite thinks that it is most of the table where its
    # statistics are from when that was small, and goes through all of a log at each read.
    marks = ", ".join(["(?)"] * count)
    return (
        f"SELECT a.column1, e.leaf FROM (VALUES {marks}) a CROSS JOIN ledger_entry e"  # noqa: S608 - marks alone
        " WHERE e.log = ? AND e.position = a.column1"
    )
