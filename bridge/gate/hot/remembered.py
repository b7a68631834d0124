"""What the gate takes from memory while it searches: what was decided before and still stands.

INVARIANT: used on SQLite alone, where nothing changes beside a writing transaction, by who
authenticated the caller in it. What a search found comes with the counters as they stand in it,
what is named is asked for with them, and where they have moved nothing is taken from memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, TextClause, text

from bridge.gate.authorise import Authorised, Viewer, authorised
from bridge.gate.decisions import RecordDecision
from bridge.gate.disclosures import Disclosure
from bridge.gate.hot.memory import Given
from bridge.gate.hot.permits import Epoch, Key, Mark, Permit, Permits, Who, who
from bridge.identity import Caller
from bridge.store.facts.conditions import of_own_student
from bridge.store.standing import standing
from bridge.store.vault import Stored

_STANDS: Final = "stands_as_decided"  # of id and change of a record, version of its student
_STOOD: Final = f"{_STANDS}(record.id, record.change, COALESCE(student.version, 0))"
_NONE: Final[Mapping[str, Mark]] = {}
_EVER: Final = datetime(1, 1, 1, tzinfo=UTC)  # no mark holds then
_SAID: Final = RecordDecision(None, "", ())


@dataclass(slots=True)
class Answering:
    """What a connection on SQLite is answered from while it searches, one search at a time.

    Attributes:
        dialect: of the connection's database; any but SQLite has no marks.
        marks: of who asks and the type looked for, by id; none where all is to be decided anew.
        epoch, now: the counters of everybody, and the instant, of the search.
    """

    dialect: str = "sqlite"
    marks: Mapping[str, Mark] = field(default_factory=dict)
    epoch: Epoch = (0, 0)
    now: datetime = _EVER

    def stands(self, record_id: str, change: int, version: int) -> bool:
        """Tell whether what was decided on a record, with these counters, still stands."""
        # Asked for each record that a search looks at: a tenth of what a search takes.
        mark = self.marks.get(record_id)
        if mark is None:
            return False
        then, of_student, epoch, made, until = mark
        same = then == change and of_student == version and epoch == self.epoch
        return same and made <= self.now < until


@dataclass(slots=True)
class Remembered:
    """What may be taken from a process's permits in one transaction: a gate's memory.

    Attributes:
        permits: None where nothing may be taken from memory.
        ends: when the next change of an agreement takes effect; None if none waits.
        answering: what the transaction's connection is answered from.
        said: the facts that something is said about of anybody (INVARIANT: all of them, as they
            stand in the transaction).
        viewers: who asked since the agreements last changed, with those that bind them.
        told: what was decided and entered.
        given: what was answered, where the same can be given again.
    """

    permits: Permits | None
    epoch: Epoch
    ends: datetime | None
    answering: Answering
    said: frozenset[str]
    viewers: dict[Who, Viewer] = field(default_factory=dict)
    told: list[Disclosure] = field(default_factory=list)
    given: Given | None = None
    _sights: dict[tuple[int, str], tuple[Viewer, Authorised, Mapping[str, Mark]]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        """Let no search be answered from what another transaction was lent."""
        self.answering.marks = {}

    def viewer(self, caller: Caller, now: datetime) -> Viewer | None:
        """Return who asks, if that is known for the agreements in use."""
        return None if self._due(now) else self.viewers.get(who(caller))

    def opened(self, viewer: Viewer, sight: Authorised, now: datetime) -> Authorised:
        """Return a condition that says the same, at once where :meth:`recall` would.

        The connection it is used on is :func:`answered_by` it.
        """
        answering, whose = self.answering, who(viewer)
        answering.marks = {}
        if self.permits is None or self._due(now):
            return sight
        answering.marks = self.permits.marks_of(whose).get(sight.kind, _NONE)
        answering.epoch, answering.now = self.epoch, now
        self.viewers[whose] = viewer
        return replace(sight, condition=_opened(sight.condition, self.said))

    def sight(self, viewer: Viewer, kind: str, now: datetime) -> Authorised:
        """Do :meth:`opened` with what authorises a viewer, at the one instant of a batch."""
        known = self._sights.get((id(viewer), kind))
        if known is None:
            sight = authorised(viewer, kind, now, self.answering.dialect)
            found = self.opened(viewer, sight, now)
            known = self._sights[id(viewer), kind] = (viewer, found, self.answering.marks)
        answering = self.answering
        answering.marks, answering.epoch, answering.now = known[2], self.epoch, now
        return known[1]

    def recall(self, viewer: Viewer, stored: Stored, now: datetime) -> Disclosure | None:
        """Return what a viewer was released of a record, if all it rests on still stands."""
        permit = self._good((who(viewer), stored.type, stored.id), now)
        if permit is None or not self._same(permit, stored):
            return None
        return Disclosure(stored, _SAID, permit.released, remembered=True, entry=permit.entry)

    @staticmethod
    def _same(permit: Permit, stored: Stored) -> bool:
        then = permit.stored
        stood = (then.student_id, then.written, permit.version)
        return stood == (stored.student_id, stored.written, stored.student_version)

    def named(
        self,
        connection: Connection,
        viewer: Viewer,
        asked: tuple[str, Sequence[str]],
        now: datetime,
    ) -> list[Disclosure]:
        """Do :meth:`recall` for a type and ids, in the order of change, without a search."""
        kind, ids = asked
        whose = who(viewer)
        found = [permit for i in ids if (permit := self._good((whose, kind, i), now))]
        stands = standing(connection, [permit.stood for permit in found])
        good = [permit for permit, there in zip(found, stands, strict=True) if there]
        good.sort(key=lambda permit: permit.stored.change)
        return [
            Disclosure(p.stored, _SAID, p.released, remembered=True, entry=p.entry) for p in good
        ]

    def _due(self, now: datetime) -> bool:
        return self.ends is not None and self.ends <= now

    def _good(self, key: Key, now: datetime) -> Permit | None:
        if self.permits is None or self._due(now):
            return None
        permit = self.permits.find(key)
        return permit if permit is not None and permit.holds(self.epoch, now) else None


def answered_by(connection: Connection) -> Answering:
    """Let a connection on SQLite ask :meth:`Answering.stands` while it searches."""
    answering = Answering(connection.dialect.name)
    if connection.dialect.name == "sqlite":
        raw: Any = connection.connection.dbapi_connection
        raw.create_function(_STANDS, 3, answering.stands)
    return answering


@lru_cache(maxsize=1024)
def _opened(condition: TextClause, said: frozenset[str]) -> TextClause:
    # SQLite looks at the first part alone where it holds; what is withheld has nothing remembered.
    binds = condition._bindparams.values()  # noqa: SLF001 - nothing public says them
    own, facts = of_own_student(condition.text)
    asked = condition.text if facts & said else own
    return text(f"({_STOOD} OR {asked})").bindparams(*binds)
