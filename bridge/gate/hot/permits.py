"""What was decided on records that were released, remembered with everything it rests on.

A decision is a pure function of the record, the facts about its student and about anybody, the
agreements, who asks and the instant (docs/adr/0025). The first four are known by counters the
database moves itself (:mod:`bridge.store.state_versions`); for the instant a permit says from when
to when no fact, day or agreement changes by itself.

INVARIANT: a permit lets nothing out by itself. It is asked for in the releasing transaction with
the counters it was made at as a condition of the query; where they have moved the query finds
nothing, exactly as for a record that is not there, and the gate decides anew.

Of what is withheld nothing is remembered but its numbers (:mod:`bridge.gate.hot.known`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, case, func, select

from bridge.gate.authorise import Viewer
from bridge.gate.disclosures import Disclosure, entry_of
from bridge.gate.duties.carried import QUEUED
from bridge.gate.hot.kept import Kept
from bridge.gate.hot.known import Epoch, Instants, Known, Mark
from bridge.gate.released import ReleasedResource
from bridge.identifiers import Identifiers
from bridge.identity import Caller
from bridge.ledger.append import Filled
from bridge.ledger.entry import Entry, Kind
from bridge.ledger.repeating import Span
from bridge.ledger.templates import Template
from bridge.store.facts.conditions import EVIDENCE, STUDENT
from bridge.store.facts.evidence import ALWAYS_TO
from bridge.store.standing import Stood
from bridge.store.vault import Stored

MOST_BYTES: Final = 128 * 1024 * 1024
_OVERHEAD: Final = 1200  # of the objects around the bytes, measured
_CLOCKS: Final = ("valid_from", "valid_to", "recorded_at", "superseded_at")
_NOW = bindparam("now", type_=EVIDENCE.c.valid_from.type)
_VERSIONS = select(STUDENT.c.id, STUDENT.c.version).where(
    STUDENT.c.id.in_(bindparam("students", expanding=True))
)
_BOUNDARIES = (
    select(
        EVIDENCE.c.student_id,
        *(func.min(case((EVIDENCE.c[name] > _NOW, EVIDENCE.c[name]))) for name in _CLOCKS),
    )
    .where(EVIDENCE.c.student_id.in_(bindparam("students", expanding=True)))
    .group_by(EVIDENCE.c.student_id)
)

Who = tuple[str, str, str, tuple[str, ...]]
"""Party, organisation, role and purposes of who asks: with the agreements, all of a viewer."""

Key = tuple[Who, str, str]
"""Who asks, type and id."""


def who(viewer: Viewer | Caller) -> Who:
    """Return what tells one viewer from another under the same agreements."""
    return (viewer.party, viewer.organization, viewer.role, viewer.purposes)


@dataclass(frozen=True, slots=True)
class Permit:
    """One record as one viewer may see it, as long as nothing it rests on has changed.

    Attributes:
        stored: the record it was decided on, without its body.
        version, epoch: with the record's change, the counters it was decided at.
        made, until: instants between which (the last excluded) nothing changes by itself.
        entry: the ledger's entry for it; None where nothing is to be entered.
        again: the entry that says that it left once more, and what that repeats; None until it
            left alone.
    """

    released: ReleasedResource
    stored: Stored
    version: int
    epoch: Epoch
    made: datetime
    until: datetime
    entry: Template | None = field(repr=False)
    again: tuple[Template, Span] | None = field(default=None, repr=False)

    def holds(self, epoch: Epoch, now: datetime) -> bool:
        """Tell whether it is good at an instant, as far as can be told without its record."""
        return self.epoch == epoch and self.made <= now < self.until

    def entries(self, request: str) -> list[Filled]:
        """Return what the ledger is to say when it leaves once more."""
        if self.again is not None:
            template, span = self.again
            return [Filled(template, request, span)]
        return [Filled(self.entry, request)] if self.entry is not None else []

    @property
    def mark(self) -> Mark:
        """What it is good for, in the order in which it is looked at."""
        return (self.stored.written, self.version, self.epoch, self.made, self.until)

    @property
    def stood(self) -> Stood:
        """What has to stand for it to be good."""
        return (self.stored.type, self.stored.id, self.stored.written, self.version)

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        entry = sum(each.size for each in (self.entry, self.again and self.again[0]) if each)
        return len(self.released.body) + entry + _OVERHEAD


def repeated(log: str, span: Span, to: tuple[str, str]) -> tuple[Template, Span]:
    """Return the entry that says that what others say left once more, and what it repeats.

    Args:
        log: where they stand.
        span: they.
        to: the organisation and the role that received it.
    """
    receiving, role = to
    entry = Entry(log, Kind.AGAIN, receiving=receiving, role=role, refers=span.indexes)
    return Template.of(entry), span


class Permits(Kept[Key, Permit]):
    """The permits of one process."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        super().__init__(most_bytes)
        self._known: dict[tuple[Who, str], Known] = {}

    def known(self, whose: Who, kind: str, epoch: Epoch, instants: Instants) -> Known:
        """Return what is known of a type for who asks, as it stands at the first of two instants.

        Until the second nothing changes by the day alone (:func:`day_ends`).
        """
        found = self._known.get((whose, kind))
        if found is None:
            found = self._known[whose, kind] = Known(len(self._known))
        if not found.stands(epoch, instants[0]):
            marks = (p.mark for (w, k, _), p in self._held.items() if (w, k) == (whose, kind))
            found.begin(epoch, instants, marks)
        return found

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        for known in self._known.values():
            known.clear()

    def _put(self, key: Key, each: Permit) -> None:
        super()._put(key, each)
        if known := self._known.get(key[:2]):
            known.add(each.mark)

    def _drop(self, key: Key) -> None:
        gone, known = self._held.get(key), self._known.get(key[:2])
        super()._drop(key)
        if gone is not None and known is not None:
            known.drop(gone.stored.written)


def permits_of(
    connection: Connection,
    viewer: Viewer,
    told: Sequence[Disclosure],
    identifiers: Identifiers | None,
    at: tuple[Epoch, datetime],
) -> list[tuple[Key, Permit]]:
    """Return what may be remembered of what was just decided, in the transaction it was decided in.

    Not what leaves a duty to a person each time, nor what goes to a hub, nor a record whose student
    is not in the register. Without ``identifiers`` no permit has an entry of the ledger: for who
    remembers what may be seen, and releases nothing by it.
    """
    new = [each for each in told if not each.remembered]
    if viewer.party == "hub" or not new:
        return []
    epoch, now = at
    students = sorted({each.stored.student_id for each in new} - {""})
    asked = {"students": students}
    found = connection.execute(_VERSIONS, asked) if students else ()
    versions = {row.id: int(row.version) for row in found}
    ends = _ends(connection, viewer, students, now)
    made: list[tuple[Key, Permit]] = []
    for each in new:
        stored = each.stored
        version = versions.get(stored.student_id, 0 if not stored.student_id else None)
        if version is None or _left_to_people(each):
            continue
        entry = None if identifiers is None else entry_of(viewer, each, identifiers, "")
        until = min(ends[""], ends.get(stored.student_id, ends[""]))
        permit = Permit(
            released=each.released,
            stored=replace(stored, body=""),
            version=version,
            epoch=epoch,
            made=now,
            until=until,
            entry=None if entry is None else Template.of(entry),
        )
        made.append(((who(viewer), stored.type, stored.id), permit))
    return made


def _left_to_people(each: Disclosure) -> bool:
    codes = (QUEUED.intersection(e.decision.obligations) for e in each.decided.permitted)
    return any(codes)


def _ends(
    connection: Connection, viewer: Viewer, students: Sequence[str], now: datetime
) -> dict[str, datetime]:
    """Return until when nothing about each student changes by itself; "" for anybody."""
    found = facts_end(connection, students, now)
    return {**found, "": min(day_ends(viewer, now), found.get("", ALWAYS_TO))}


def day_ends(viewer: Viewer, now: datetime) -> datetime:
    """Return until when no day ends that an agreement of a viewer goes by."""
    zones = {a.agreement.effective.tz for a in viewer.agreements}
    return min([next_day(now, zone) for zone in zones] or [now + timedelta(hours=1)])


def facts_end(
    connection: Connection, students: Sequence[str], now: datetime
) -> dict[str, datetime]:
    """Return when the next fact about each student begins or ends; "" for anybody's.

    Those of whom none does are left out.
    """
    asked = {"students": [*students, ""], "now": now}
    ends: dict[str, datetime] = {}
    for row in connection.execute(_BOUNDARIES, asked):
        first = min((each for each in row[1:] if each is not None), default=ALWAYS_TO)
        if first < ALWAYS_TO:
            ends[row[0]] = first
    return ends


def next_day(now: datetime, zone: str) -> datetime:
    """Return when the next day begins in a zone: ages, and days of agreements, change then.

    In UTC, as every other instant here: to compare two of different zones takes ten times as long.
    """
    here = ZoneInfo(zone)
    tomorrow = now.astimezone(here).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), here).astimezone(UTC)
