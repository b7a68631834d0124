"""What the gate does for a party that records: what it may write about, and what it wrote.

A provider's system records one session after another of the referrals it was given. Whether it may
know a referral is decided in each writing transaction; where the counters the last decision was
made at (:mod:`bridge.gate.hot.permits`) still stand, read in that transaction and with the student
locked, the answer is the same, and is not worked out anew. What it has just written is decided by
what was written, and not read back.

INVARIANT: only what a caller was shown is remembered, never that something is withheld: what is not
there and what is withheld are both decided anew each time.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Final, NamedTuple

from sqlalchemy import Connection

from bridge.clock import Clock
from bridge.gate.authorise import Viewer
from bridge.gate.decisions import decide, is_own
from bridge.gate.disclosures import Disclosure, seen_of
from bridge.gate.duties.riding import codes_of, riding
from bridge.gate.hot.permits import Key, Permit, permits_of, who
from bridge.gate.projection import sealed
from bridge.gate.released import Seen
from bridge.identifiers import Identifiers
from bridge.identity import Caller
from bridge.store.facts.evidence import EvidenceView
from bridge.store.intake import NewRecord
from bridge.store.standing import Stood, standing
from bridge.store.state_versions import held_versions, state_versions, student_versions
from bridge.store.vault import Stored

REFERRAL: Final = "ServiceRequest"
MOST: Final = 5_000
"""So many are remembered, about four kilobytes each; the least used goes first."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A caller in one writing transaction, until whose end nothing can be taken from it."""

    caller: Caller
    viewer: Viewer

    def key(self, record_id: str) -> Key:
        """Return what a referral is remembered by for this caller."""
        return (who(self.viewer), REFERRAL, record_id)

    @property
    def limited(self) -> bool:
        """Whether its scopes reach some referrals and not others."""
        limits = self.caller.limits(REFERRAL, "read")
        return bool(limits) and () not in limits


class _Kept(NamedTuple):
    """A referral that was shown, on what that rested, and its student's version since."""

    seen: Seen
    permit: Permit
    version: int

    @property
    def stood(self) -> Stood:
        """What has to stand for it to be as it was."""
        return (*self.permit.stood[:3], self.version)


@dataclass(slots=True)
class Known:
    """The referrals a caller may write about in one transaction, and what they were decided at.

    Attributes:
        versions, at: the counters and the instant before any of them was decided anew.
    """

    versions: dict[str, int]
    at: datetime
    seen: dict[str, Seen] = field(default_factory=dict)
    kept: dict[Key, _Kept] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """New records of one type, of the changes from ``first`` on, dated ``at``."""

    records: Sequence[NewRecord]
    first: int
    at: datetime


def told_of_own(asking: Asking, written: Written, identifiers: Identifiers) -> list[Disclosure]:
    """Return what leaves of records that a caller's own organisation has just written.

    They are decided like any others, by what is written of them; what is not its own, or within
    limits of its scopes that only the index knows, is left to the query.
    """
    told, caller = [], asking.caller
    kinds = {record.type for record in written.records}
    whole = {kind for kind in kinds if () in caller.limits(kind, caller.does(kind))}
    for n, record in enumerate(written.records):
        stored = _stored(record, written.first + n, written.at)
        if stored.type in whole and is_own(asking.viewer, stored):
            decided = decide(asking.viewer, stored, _NO_EVIDENCE, written.at)
            if decided is not None and decided.agreement is None:  # its own leaves whole
                of, along = dict(record.resource), (riding(codes_of(decided)), ())
                released = sealed(asking.viewer, stored, of, identifiers, along)
                told.append(Disclosure(stored, decided, released))
    return told


_NO_EVIDENCE: Final = EvidenceView([])


def _stored(record: NewRecord, change: int, at: datetime) -> Stored:
    return Stored(
        type=record.type,
        id=record.id,
        custodian=record.custodian,
        sender_role=record.sender_role,
        audience=record.audience,
        agreement_id=record.agreement_id,
        student_id=record.student_id or "",
        referral_id=record.referral_id or "",
        element=record.element,
        third_party=record.third_party,
        version=1,
        change=change,
        last_updated=at,
        birth_date=None,
        body="",  # told by what was written of it
        place=change,
        written=change,
    )


class SeenBefore:
    """The referrals callers were shown before, of one process."""

    def __init__(self, clock: Clock, most: int = MOST) -> None:
        self._clock, self._most = clock, most
        self._held: OrderedDict[Key, _Kept] = OrderedDict()
        self._of_student: dict[str, set[Key]] = {}
        self._guard = Lock()
        self._erased = 0

    def recall(self, connection: Connection, asking: Asking, ids: Iterable[str]) -> Known:
        """Return those that stand as they stood, in a writing transaction.

        INVARIANT: on PostgreSQL their students stay locked against a change of their consent until
        the transaction ends; a version is compared after its lock is held.
        """
        known = Known(state_versions(connection), self._clock.now())
        versions = known.versions
        if versions["erasure"] != self._erased:  # of what is erased nothing may stay in memory
            with self._guard:
                self._held.clear()
                self._of_student.clear()
                self._erased = versions["erasure"]
        epoch = (versions["agreement"], versions["evidence"])
        found = [] if asking.limited else self._found(map(asking.key, ids))
        stood = [kept.stood for _, kept in found]
        stands = standing(connection, stood) if stood else ()
        held, now = held_versions(connection), self._clock.now()
        same = all(versions[name] == value for name, value in held.items())
        for (key, kept), there in zip(found, stands, strict=True):
            if there and same and kept.permit.holds(epoch, now):
                known.seen[key[2]], known.kept[key] = kept.seen, kept
        return known

    def _found(self, keys: Iterable[Key]) -> list[tuple[Key, _Kept]]:
        found = []
        with self._guard:
            for key in keys:
                if (kept := self._held.get(key)) is not None:
                    self._held.move_to_end(key)
                    found.append((key, kept))
        return found

    def learn(
        self, connection: Connection, asking: Asking, known: Known, found: Sequence[Disclosure]
    ) -> None:
        """Add what was decided just now to what is known, and remember it."""
        seen = {asking.key(each.stored.id): seen_of(each) for each in found}
        known.seen |= {key[2]: each for key, each in seen.items()}
        if asking.limited or not found or state_versions(connection) != known.versions:
            return
        # From before the decision: what changed by itself since ends what is remembered.
        at = ((known.versions["agreement"], known.versions["evidence"]), known.at)
        permits = permits_of(connection, asking.viewer, found, None, at)
        known.kept |= {key: _Kept(seen[key], p, p.version) for key, p in permits}
        self._keep(known.kept)

    def wrote(self, connection: Connection, known: Known) -> None:
        """Remember past this transaction's own new sessions what is known of their students.

        They move the counters of their students, and no decision on a referral rests on them.
        INVARIANT: called before anything else of those students is changed. Where the transaction
        is undone, the counters it reached are never reached again.
        """
        before = {each.seen.student_id: each.version for each in known.kept.values()}
        after = student_versions(connection, sorted(before.keys() - {""}))
        with self._guard:
            for student, version in after.items():
                for key in self._of_student.get(student, ()):
                    kept = self._held[key]
                    if kept.version == before[student]:
                        self._held[key] = kept._replace(version=version)

    def _keep(self, kept: dict[Key, _Kept]) -> None:
        with self._guard:
            for key, each in kept.items():
                self._drop(key)
                self._held[key] = each
                self._of_student.setdefault(each.permit.stored.student_id, set()).add(key)
            while len(self._held) > self._most:
                self._drop(next(iter(self._held)))

    def _drop(self, key: Key) -> None:
        if (gone := self._held.pop(key, None)) is not None:
            of = self._of_student[gone.permit.stored.student_id]
            of.discard(key)
            if not of:
                del self._of_student[gone.permit.stored.student_id]
