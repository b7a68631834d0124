"""What the gate may take from memory while it searches, and what it tells whoever remembers.

A memory is lent to the gate for one transaction by who opened it (:mod:`bridge.gate.hot.together`).
Without one, everything is decided anew.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from bridge.gate.authorise import Authorised, Viewer
from bridge.gate.disclosures import Disclosure
from bridge.identity import Caller
from bridge.ledger.entry import Receipt
from bridge.store.vault import Chain, Query, Stored


@dataclass(frozen=True, slots=True)
class Given:
    """An answer that depends on nothing but the records in it, and how it was entered.

    Attributes:
        asking: who asked.
        asked: the type asked for, and the names of what was to be included.
        found: what matched and what was included; all that was to be is.
        receipts: of its entries.
    """

    asking: tuple[Caller, Viewer]
    asked: tuple[str, tuple[str, ...]]
    found: tuple[Sequence[Disclosure], Sequence[Disclosure]]
    receipts: Sequence[Receipt]


def is_plain(query: Query) -> bool:
    """Tell whether a query asks of nothing but what it finds: no chain, nothing that refers."""
    chained = any(isinstance(each, Chain) for each in query.matches)
    return not (chained or query.reverse or query.most_bytes)


class Memory(Protocol):
    """Decisions that were taken before, and what is decided and entered in this transaction."""

    told: list[Disclosure]
    given: Given | None

    def viewer(self, caller: Caller, now: datetime) -> Viewer | None:
        """Return who asks, if that is known for the agreements in use."""

    def opened(self, viewer: Viewer, sight: Authorised, now: datetime) -> Authorised:
        """Return a condition that says the same, at once where :meth:`recall` would."""

    def recall(self, viewer: Viewer, stored: Stored, now: datetime) -> Disclosure | None:
        """Return what a viewer was released of a record, if all it rests on still stands."""

    def named(
        self,
        connection: Connection,
        viewer: Viewer,
        asked: tuple[str, Sequence[str]],
        now: datetime,
    ) -> list[Disclosure]:
        """Do :meth:`recall` for a type and ids, in the order of change, without a search."""


_LENT: ContextVar[Memory | None] = ContextVar("memory", default=None)


@contextmanager
def remembering(memory: Memory) -> Iterator[None]:
    """Lend the gate a memory for a while, in this context."""
    token = _LENT.set(memory)
    try:
        yield
    finally:
        _LENT.reset(token)


def lent() -> Memory | None:
    """Return the memory the gate was lent; None for none."""
    return _LENT.get()
