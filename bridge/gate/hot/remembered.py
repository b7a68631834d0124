"""What the gate takes from memory while it searches: what was decided before and still stands.

INVARIANT: used on SQLite alone, where nothing changes beside a writing transaction, by who
authenticated the caller in it. What a search found comes with the counters as they stand in it,
what is named is asked for with them, and where they have moved nothing is taken from memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, TextClause, bindparam, text

from bridge.gate.authorise import Authorised, Viewer, authorised
from bridge.gate.decisions import RecordDecision
from bridge.gate.disclosures import Disclosure
from bridge.gate.hot.known import Epoch, Known
from bridge.gate.hot.memory import Given
from bridge.gate.hot.permits import Key, Permit, Permits, Who, day_ends, who
from bridge.identity import Caller
from bridge.store.facts.conditions import EVIDENCE, of_own_student, sometime
from bridge.store.standing import standing
from bridge.store.vault import Stored

_KNOWN: Final = "known_as_decided_"  # of the number of a change: see Known.versions
_NOTED: Final = "noted_as_asked_"  # of that, the version of its student, and whether it may be
_VERSION: Final = "COALESCE(student.version, 0)"
_SAID: Final = RecordDecision(None, "", ())


@dataclass(slots=True)
class Answering:
    """What a connection on SQLite can ask while it searches.

    Attributes:
        dialect: of the connection's database; any but SQLite asks nothing.
        raw: the driver's connection.
    """

    dialect: str = "sqlite"
    raw: Any = None
    _lent: dict[int, Known] = field(default_factory=dict)

    def lend(self, known: Known) -> None:
        """Let the connection ask what is known."""
        if self._lent.get(known.number) is known:
            return
        # The table itself answers: a function of ours would take three times as long, each time.
        self.raw.create_function(f"{_KNOWN}{known.number}", 2, known.versions.get)
        self.raw.create_function(f"{_NOTED}{known.number}", 3, known.note)
        self._lent[known.number] = known


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
    _sights: dict[tuple[int, str], tuple[Viewer, Authorised]] = field(default_factory=dict)

    def viewer(self, caller: Caller, now: datetime) -> Viewer | None:
        """Return who asks, if that is known for the agreements in use."""
        return None if self._due(now) else self.viewers.get(who(caller))

    def opened(self, viewer: Viewer, sight: Authorised, now: datetime) -> Authorised:
        """Return a condition that says the same, at once where :meth:`recall` would.

        The connection it is used on is :func:`answered_by` it.
        """
        whose = who(viewer)
        if self.permits is None or self._due(now):
            return sight
        known = self.permits.known(whose, sight.kind, self.epoch, (now, day_ends(viewer, now)))
        self.answering.lend(known)
        self.viewers[whose] = viewer
        condition = _opened(sight.condition, self.said, known.number)
        return replace(sight, condition=condition, binds={**sight.binds, "until": known.until})

    def sight(self, viewer: Viewer, kind: str, now: datetime) -> Authorised:
        """Do :meth:`opened` with what authorises a viewer, at the one instant of a batch."""
        known = self._sights.get((id(viewer), kind))
        if known is None:
            sight = authorised(viewer, kind, now, self.answering.dialect)
            known = self._sights[id(viewer), kind] = (viewer, self.opened(viewer, sight, now))
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
    """Return what a connection can ask, once it is lent it."""
    return Answering(connection.dialect.name, connection.connection.dbapi_connection)


@lru_cache(maxsize=1024)
def _opened(condition: TextClause, said: frozenset[str], number: int) -> TextClause:
    # SQLite looks at the first part alone where it holds, and asks on only where nothing is known.
    binds = condition._bindparams.values()  # noqa: SLF001 - nothing public says them
    own, facts = of_own_student(condition.text)
    asked = condition.text if facts & said else own
    known = f"{_KNOWN}{number}(record.change, NULL)"
    may = f"CASE WHEN {sometime(asked)} THEN 1 ELSE 0 END"  # asks no more than it must
    noted = f"{_NOTED}{number}(record.change, {_VERSION}, {may})"
    # Of a condition no more is asked than it takes; of a value older versions ask every part.
    anew = f"CASE WHEN {noted} AND {asked} THEN 1 ELSE 0 END"
    sql = f"CASE {known} WHEN {_VERSION} THEN 1 WHEN -1 - {_VERSION} THEN 0 ELSE {anew} END"
    more = [bindparam("until", type_=EVIDENCE.c.valid_from.type)] if ":until" in sql else []
    return text(sql).bindparams(*binds, *more)
