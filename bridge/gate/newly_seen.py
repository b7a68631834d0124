"""What facts let be seen of records that came before stands where it was let, for who sees it.

A partner who polls by time goes on from the time of its last answer. A session that was recorded
before the family's form was signed lies before that time, and would never be found. So whoever
changes facts does it within :func:`seen_anew`: in the same transaction each registered standing is
asked what it could see of the students' records before and what it can now, and a record of which
it sees more stands, for that standing, as if it had just changed (docs/adr/0060).

INVARIANT: a record moves for nobody who sees nothing more of it. Otherwise a form that a minor
signed for care alone would show as a new date to a school that is told nothing.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from bridge.errors import BridgeError, GateError
from bridge.gate.agreements import CompiledAgreement, all_agreements, compiled
from bridge.gate.authorise import DIRECTORY_TYPES, Viewer, partners, standing_of
from bridge.gate.decisions import decide, is_own, may_know
from bridge.gate.linking import linkable
from bridge.gate.projection import LINKING, project
from bridge.gate.views import concerns, registered
from bridge.identifiers import Identifiers
from bridge.parts import HasParts
from bridge.store.by_student import of_students
from bridge.store.database.outages import is_outage
from bridge.store.facts.agreement_changes import take_effect
from bridge.store.facts.conditions import RECORD
from bridge.store.facts.evidence import (
    EvidenceView,
    evidence_of,
    lock_students,
    not_before_known,
)
from bridge.store.facts.openings import (
    Opening,
    drop_opening,
    due_openings,
    keep_looked,
    last_change,
    look_at_born,
    looked_until,
)
from bridge.store.facts.table_documents import documents_of
from bridge.store.intake import next_changes, renumber, take_turn
from bridge.store.search.index import PARAMETERS
from bridge.store.vault import Stored
from bridge.store.views import drop_view, keep_view, view_of

_KINDS: Final = sorted({*PARAMETERS} - {*DIRECTORY_TYPES})
_MOMENT: Final = timedelta(microseconds=1)
_NONE: Final = frozenset[str]()
_OF_A_RECORD: Final = (
    *(BridgeError, DBAPIError, LookupError, ValueError, TypeError),
    *(AttributeError, ArithmeticError, RuntimeError),
)
"""What a record that cannot be read, or not be decided on, may raise."""
MOST_AT_ONCE: Final = 5
"""Students in one transaction of the worker: whoever writes meanwhile waits for no more."""


class NotLookedAtError(GateError):
    """What of one student may be seen since could not be found out; its cause says why."""

    def __init__(self, opening: Opening) -> None:
        super().__init__("what of one student may be seen since could not be found out")
        self.opening = opening


@dataclass(frozen=True, slots=True)
class _Before:
    """What was known of some students, and by which agreements it was decided.

    Attributes:
        agreements: those that decided otherwise, by id; None for one that did not decide at all.
        change: number of the last change so far: what is moved after it is found by that.
    """

    known: tuple[EvidenceView, datetime]
    agreements: Mapping[str, CompiledAgreement | None]
    change: int


@contextmanager
def seen_anew(
    connection: Connection, parts: HasParts, student_ids: Collection[str]
) -> Iterator[None]:
    """Let what a change of facts opens be found by time, by whoever sees more for it.

    The change is made within; the caller has taken its turn and locked the students.

    Args:
        connection: the write transaction.
        parts: clock and identifiers.
        student_ids: of whom facts change.
    """
    students = _with_records(connection, set(student_ids) - {""})
    if not students:
        yield
        return
    now = not_before_known(connection, students, parts.clock.now())
    known = (evidence_of(connection, students, now), now)
    before = _Before(known, {}, last_change(connection))
    yield
    _stand_anew(connection, parts, students, before)


@contextmanager
def introduced(connection: Connection, parts: HasParts) -> Iterator[None]:
    """Let who comes to work with others by a new agreement find their directory entries by time.

    The agreement is put to use within; the caller has taken its turn.
    """
    before = {standing_of(each): partners(each) for each in registered(connection)}
    change = last_change(connection)
    yield
    met: dict[tuple[str, str], list[str]] = {}
    for viewer in registered(connection):
        standing = standing_of(viewer)
        for key in _entries(connection, partners(viewer) - before.get(standing, set()), change):
            met.setdefault(key, []).append(standing)
    _stand_at_last(connection, met, parts.clock.now())


def _entries(
    connection: Connection, custodians: Collection[str], change: int
) -> list[tuple[str, str]]:
    """Return type and id of the directory entries of some organisations, as old as a number."""
    if not custodians:
        return []
    row = RECORD.c
    query = select(row.type, row.id).where(
        row.type.in_(DIRECTORY_TYPES), row.custodian.in_(sorted(custodians)), row.change <= change
    )
    found = connection.execute(query.order_by(row.change))
    return [(each.type, each.id) for each in found]


def let_due_be_seen(connection: Connection, parts: HasParts) -> int:
    """Let what has come to be seen by the day be found by time; returns how many were looked at.

    At most :data:`MOST_AT_ONCE`; done again it goes on, and with none left it changes nothing.

    Raises:
        NotLookedAtError: of one it could not be found out; the transaction must be given up.
    """
    take_turn(connection)
    now = parts.clock.now()
    take_effect(connection, now)
    _look_at_birthdays(connection, now)
    due = due_openings(connection, now, MOST_AT_ONCE)
    lock_students(connection, {each.student_id for each in due}, share=False)
    for each in due:
        try:
            _open(connection, parts, each)
        except _OF_A_RECORD as error:
            if is_outage(error):
                raise
            raise NotLookedAtError(each) from error
        drop_opening(connection, each)
    return len(due)


def is_due(connection: Connection, now: datetime) -> bool:
    """Tell whether :func:`let_due_be_seen` has anything to do."""
    until = looked_until(connection)
    if until is None or due_openings(connection, now, 1):
        return True
    bound = all_agreements(connection)
    return any(each.adult_since(until) < each.adult_since(now) for each in bound)


def _look_at_birthdays(connection: Connection, now: datetime) -> None:
    """Write down who has come of age since it was looked last."""
    until = looked_until(connection)
    for each in all_agreements(connection) if until else ():
        before, adults = each.adult_since(until or now), each.adult_since(now)
        if before < adults:
            # Just before the first of those days all of them were minors.
            first = each.comes_of_age(before + timedelta(days=1))
            look_at_born(connection, each.entry.lea, (before, adults), first)
    if until is None or until < now:
        keep_looked(connection, now)


def _open(connection: Connection, parts: HasParts, opening: Opening) -> None:
    students = _with_records(connection, {opening.student_id})
    if not students:
        return
    then = opening.at - _MOMENT
    known = (evidence_of(connection, students, then), then)
    agreements = _as_before(connection, opening.digest)
    before = _Before(known, agreements, opening.change)
    _stand_anew(connection, parts, students, before)


def _as_before(connection: Connection, digest: str) -> dict[str, CompiledAgreement | None]:
    """Return the agreement that a table was of, as it decided by it."""
    found = documents_of(connection, digest) if digest else None
    return {found[0].id: compiled(*found)} if found else {}


def _stand_anew(
    connection: Connection, parts: HasParts, students: Collection[str], before: _Before
) -> None:
    now = not_before_known(connection, students, parts.clock.now())
    looking = _Looking(
        connection, parts.identifiers, before, (evidence_of(connection, students, now), now)
    )
    viewers = list(registered(connection))
    opened: list[_Opened] = []
    for stored in of_students(connection, _KINDS, students):
        told = [viewer for viewer in viewers if concerns(viewer, stored)]
        more = {standing_of(each) for each in told if looking.sees_more(each, stored)}
        if more:
            rest = {standing_of(each) for each in told if looking.sees(each, stored)} - more
            opened.append(_Opened(stored, frozenset(more), frozenset(rest)))
    _move(connection, opened, now)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A record, the standings that see more of it now, and those that see what they saw before."""

    stored: Stored
    more: frozenset[str]
    same: frozenset[str]


def _move(connection: Connection, opened: Sequence[_Opened], now: datetime) -> None:
    """Let records stand anew for who sees more of them, with as few rows of views as that takes.

    A search goes through them: where fewer see what they saw before, the record itself moves, and
    it is their view that stays where it was.
    """
    if not opened:
        return
    first, at = next_changes(connection, len(opened), now)
    moves: list[tuple[str, str, int, int]] = []
    for number, each in enumerate(opened, start=first):
        stored, key = each.stored, (each.stored.type, each.stored.id)
        if len(each.same) > len(each.more):
            for standing in each.more:
                keep_view(connection, standing, key, (number, at))
            continue
        for standing in each.same:
            stood = view_of(connection, standing, key) or (stored.change, stored.last_updated)
            keep_view(connection, standing, key, stood)
        for standing in each.more:
            drop_view(connection, standing, key)
        moves.append((*key, stored.change, number))
    if moves:
        renumber(connection, moves, at)


def _stand_at_last(
    connection: Connection, moved: Mapping[tuple[str, str], Sequence[str]], now: datetime
) -> None:
    """Let records stand, for some standings each, as if they had just changed."""
    if not moved:
        return
    first, at = next_changes(connection, len(moved), now)
    for n, (key, standings) in enumerate(moved.items()):
        for standing in standings:
            keep_view(connection, standing, key, (first + n, at))


@dataclass(frozen=True, slots=True)
class _Looking:
    """Comparing what a standing sees of a record now with what it saw before."""

    connection: Connection
    identifiers: Identifiers
    before: _Before
    known: tuple[EvidenceView, datetime]

    def sees(self, viewer: Viewer, stored: Stored) -> bool:
        """Whether a record may be known of now."""
        return is_own(viewer, stored) or bool(self._permitted(viewer, stored, self.known))

    def sees_more(self, viewer: Viewer, stored: Stored) -> bool:
        """Whether there is anything of a record that could not be seen before and can be now."""
        now = self._permitted(viewer, stored, self.known)
        if not now:
            return False
        then = (self._then(viewer), stored)
        more = not now <= self._permitted(*then, self.before.known)
        if not (more or self._links_more((viewer, stored), then)):
            return False
        if self._was_moved(viewer, stored):
            return False
        return self._look((viewer, stored), self.known) != self._look(then, self.before.known)

    def _permitted(
        self, viewer: Viewer, stored: Stored, known: tuple[EvidenceView, datetime]
    ) -> frozenset[str]:
        """Return the elements of a record that may be told; none where it may not be known."""
        decided = decide(viewer, stored, *known)
        if decided is None or not decided.permitted or not may_know(viewer, stored, known):
            return _NONE
        return frozenset(each.slice.element for each in decided.permitted)

    def _was_moved(self, viewer: Viewer, stored: Stored) -> bool:
        view = view_of(self.connection, standing_of(viewer), (stored.type, stored.id))
        return (view[0] if view else stored.change) > self.before.change

    def _then(self, viewer: Viewer) -> Viewer:
        """Return a viewer as it was bound before."""
        other = self.before.agreements
        if not other:
            return viewer
        bound = (other.get(each.id, each) for each in viewer.agreements)
        return replace(viewer, agreements=tuple(each for each in bound if each is not None))

    def _links_more(self, now: tuple[Viewer, Stored], then: tuple[Viewer, Stored]) -> bool:
        return bool(self._links(now, self.known) - self._links(then, self.before.known))

    def _links(
        self, asked: tuple[Viewer, Stored], known: tuple[EvidenceView, datetime]
    ) -> frozenset[str]:
        viewer, stored = asked
        if viewer.party == "hub" or stored.type not in LINKING:
            return _NONE
        found = linkable(self.connection, viewer, [stored], known)
        return found.get(stored.student_id, _NONE)

    def _look(self, asked: tuple[Viewer, Stored], known: tuple[EvidenceView, datetime]) -> str:
        """Return what tells two views apart; "" where nothing may be seen."""
        viewer, stored = asked
        decided = decide(viewer, stored, *known) if may_know(viewer, stored, known) else None
        if decided is None:
            return ""
        released = project(viewer, (stored, decided), self._links(asked, known), self.identifiers)
        return released.version if released else ""


def _with_records(connection: Connection, student_ids: Collection[str]) -> frozenset[str]:
    there = select(RECORD.c.student_id).where(RECORD.c.student_id.in_(sorted(student_ids)))
    return frozenset(connection.scalars(there.distinct())) if student_ids else frozenset()
