"""Lines that say where records stand for one viewer, brought up to date as a page is made of them.

A page first makes anew the lines that may hold no longer, in the transaction it is released in;
then it takes its rows and counts from the lines, and decides every record that it shows, as if
there were no lines (docs/adr/0046). What a line is of, and what it says, is the subclass's.

INVARIANTS
* Order and counts are of lines none of which waits to be made anew when the page is released.
* However little changed, as many students are decided: that something changed which may not be
  told takes no more statements than that nothing did (:data:`SPARE`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic, sleep
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from bridge.errors import GateError
from bridge.gate.authorise import Viewer, standing_of
from bridge.gate.hot.permits import facts_end
from bridge.identifiers import Identifiers
from bridge.store.database.engine import write
from bridge.store.directory import OrganizationEntry, organizations
from bridge.store.facts.evidence import ALWAYS_TO
from bridge.store.people import follow_lines as lines
from bridge.store.people import follow_work as work
from bridge.store.state_versions import held_versions, state_versions

SPARE: Final = 8
"""So many students are decided for their lines on each page, whether or not so many changed."""
MOST_AT_ONCE: Final = 200  # students whose lines are made anew in one transaction
MOST_TRIES: Final = 12
PATIENCE: Final = 10.0
"""Seconds in which a page is tried again however often: a file that comes in changes much."""
_REST: Final = 0.05  # seconds between two of the tries that patience adds
_SET_BACK: Final = timedelta(hours=1)
_Made = TypeVar("_Made")


class Changed(Exception):  # noqa: N818 - reads as what happened
    """What a page rests on changed while it was made: the transaction is to be undone."""

    def __init__(self, whose: str) -> None:
        super().__init__("a page is made again")
        self.whose = whose


def made_until_it_stands(engine: Engine, make: Callable[[Connection], _Made | None]) -> _Made:
    """Make a page, in a transaction, until it stands when it is released.

    Args:
        engine: the database.
        make: makes it; None where lines are left to be made anew in another transaction.

    Raises:
        GateError: what it rests on went on changing, for :data:`PATIENCE` and for
            :data:`MOST_TRIES` tries.
    """
    tries, until = 0, monotonic() + PATIENCE
    while tries < MOST_TRIES or monotonic() < until:
        try:
            with write(engine) as connection:
                page = make(connection)
            if page is not None:
                return page
        except Changed as changed:
            tries += 1
            if tries >= MOST_TRIES:
                sleep(_REST)
            with write(engine) as connection:
                lines.await_writers(connection, changed.whose)
    raise GateError("what a page rests on went on changing; nothing was released")


@dataclass(frozen=True, slots=True)
class Known:
    """What a transaction found when it began: the instant, and what holds for everybody."""

    now: datetime
    organizations: Mapping[str, OrganizationEntry]
    versions: Mapping[str, int]

    @classmethod
    def of(cls, connection: Connection, now: datetime) -> "Known":
        """Read it."""
        return cls(now, organizations(connection), state_versions(connection))


@dataclass(frozen=True, slots=True)
class KeptLines(ABC):
    """The lines of one viewer, in one writing transaction."""

    connection: Connection
    viewer: Viewer
    identifiers: Identifiers
    known: Known

    @property
    def now(self) -> datetime:
        """The instant to decide at."""
        return self.known.now

    @property
    def whose(self) -> str:
        """Whose lines these are."""
        return standing_of(self.viewer)

    def _agreements(self) -> list[str]:
        return [each.id for each in self.viewer.agreements]

    @property
    @abstractmethod
    def counted(self) -> Collection[str]:
        """The choices of rows that are counted."""

    @abstractmethod
    def _basis(self) -> str:
        """Return a digest of all that holds for every line alike."""

    @abstractmethod
    def _made_anew(self, students: Sequence[str]) -> dict[str, int]:
        """Make the lines of some students anew; by how much the number in each choice went up."""

    def _any_students(self) -> list[str]:
        """Return up to :data:`SPARE` students, to be decided where nothing changed."""
        return lines.any_students(self.connection, self.whose, SPARE)

    def brought_up(self) -> dict[str, int] | None:
        """Make anew lines that may hold no longer; return the counts, None where some are left."""
        head = self._head()
        due = lines.due_students(self.connection, self.whose, MOST_AT_ONCE + 1)
        some = due[:MOST_AT_ONCE]
        # Also where none is needed: of what changed unseen there may be many.
        spare = self._any_students()
        some = [*some, *(each for each in spare if each not in some)][: max(SPARE, len(some))]
        counts = self._keep(head, self._made_anew(some))
        return counts if len(due) <= MOST_AT_ONCE else None

    def _keep(self, head: lines.FollowHead, moved: Mapping[str, int]) -> dict[str, int]:
        """Keep the head with the counts as they moved; return them."""
        counts = {name: head.counts.get(name, 0) + moved.get(name, 0) for name in self.counted}
        lines.keep_head(self.connection, replace(head, counts=counts))
        return counts

    def is_behind(self) -> bool:
        """Tell whether a page would make more lines anew than it does anyway; writes nothing."""
        head = lines.head_of(self.connection, self.whose, hold=False)
        if head is None or not head.counts or not self._usable(head, self._basis()):
            return True
        since = (self._agreements(), head.seen, self.now)
        return work.waiting(self.connection, self.whose, since, SPARE + 1) > SPARE

    def made_ready(self, most: int) -> tuple[int, int]:
        """Make the lines of up to so many students anew, before somebody looks.

        Returns of how many it did, and how many students are left, counted up to a thousand times
        as many: to count a whole district after each few would take longer than to make them.
        """
        head = self._head()
        due = lines.due_students(self.connection, self.whose, most)
        self._keep(head, self._made_anew(due))
        return len(due), work.due_count(self.connection, self.whose, 1000 * most)

    def stands(self) -> bool:
        """Tell whether all still stands, and see to it that it does until the transaction ends."""
        held = held_versions(self.connection)
        if any(self.known.versions[name] != value for name, value in held.items()):
            return False
        return lines.hold(self.connection, self.whose)

    def _head(self) -> lines.FollowHead:
        """Return the head with every student listed whose lines may hold no longer."""
        connection, whose, basis = self.connection, self.whose, self._basis()
        agreements = self._agreements()
        head, seen = lines.head_of(connection, whose), lines.last_change(connection)
        ends = facts_end(connection, [], self.now).get("", ALWAYS_TO)
        new = lines.FollowHead(whose, basis, seen, self.now, ends, {})
        if head is None or not self._usable(head, basis):
            lines.keep_head(connection, new)
            lines.begin_anew(connection, whose, agreements)
            return new
        lines.listed_since(connection, whose, agreements, head.seen)
        lines.listed_by_time(connection, whose, self.now)
        # Not known where a student was erased since.
        return replace(new, counts=head.counts or work.counted(connection, whose))

    def _usable(self, head: lines.FollowHead, basis: str) -> bool:
        return head.basis == basis and head.at - _SET_BACK <= self.now < head.until
