"""Pages of a district's follow-up: each asks only the referrals it shows, and those that changed.

Where a referral stands in the order of the board, and in which choices of rows, is kept as a line
for each viewer (:mod:`bridge.store.people.follow_lines`, :mod:`bridge.gate.people.kept_lines`);
every referral that a page shows is decided as if there were no lines, or was so a moment ago and
all that this rests on still stands (:mod:`bridge.gate.people.told_again`).

INVARIANTS
* What is shown of a referral was decided in the releasing transaction, with its student locked, or
  is known in it to stand.
* What was decided of those shown is what their lines say, or nothing is released.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from importlib.metadata import version
from typing import Final
from zoneinfo import ZoneInfo

from bridge.gate.agreements import CompiledAgreement
from bridge.gate.disclosures import Disclosure
from bridge.gate.hot.permits import day_ends, facts_end
from bridge.gate.people.follow_up import Followed, followed, leaving
from bridge.gate.people.kept_lines import KeptLines
from bridge.gate.people.places import (
    CHOICES,
    MARKS,
    MINE,
    OPENING,
    Forms,
    changes_on,
    is_followed,
    page_key,
    places_of,
    rank,
)
from bridge.gate.people.told_again import (
    Learned,
    Row,
    Stands,
    ToldRows,
    again,
    learned,
    with_what_left,
)
from bridge.gate.released import Placed
from bridge.store.facts.evidence import ALWAYS_TO, lock_students
from bridge.store.people import follow_lines as lines
from bridge.store.people import follow_work as work
from bridge.store.state_versions import student_versions
from mappings.loop import STATES
from mappings.loop.calendar import SchoolCalendar
from mappings.loop.clocks import CLOCK_RULES

_FORM: Final = "3"  # of what a line says; another, and all are made anew
Page = tuple[list[Placed], list[Disclosure], dict[str, int]]
"""Rows, what is to be entered for them, and further counts."""
Part = tuple[list[Placed], list[Disclosure], lines.Sent | None]
"""Rows, what is to be entered for them, and where they end; None for the last."""
PART: Final = 100
"""So many rows are decided at once where all of them are asked for: others wait no longer."""


@cache
def _program() -> str:
    """Return what the program itself decides by: another version may place referrals otherwise."""
    rules = [
        (r.id, sorted(r.statuses), r.since, r.days, r.unit, r.replaces, r.turn) for r in CLOCK_RULES
    ]
    states = sorted((s.status, s.business, r.follow_up, str(r.end)) for s, r in STATES.items())
    return repr((_FORM, version("schoolbridge"), rules, states))


CalendarOf = Callable[[CompiledAgreement], SchoolCalendar]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of a district's referrals a page shows, in the order of the board.

    Attributes:
        choice: one of ``CHOICES``, ``MINE`` or ``OPENING`` of :mod:`bridge.gate.people.places`.
        first, most: how many are left out before it, and how many it holds.
        keys: those that stand in addresses as these keys; whatever the choice.
        since: those of the choice, and those sent or told something of in so many days up to
            today: ``most`` of each.
        who: handle of whoever looks; "" where nobody asks what is theirs.
    """

    choice: str = "all"
    first: int = 0
    most: int = 50
    keys: tuple[str, ...] | None = None
    since: int = 0
    who: str = ""


@dataclass(frozen=True, slots=True)
class Board(KeptLines):
    """The referrals of one viewer's district, in one writing transaction.

    Attributes:
        calendar: the district's.
        rows: what was decided before.
        learned: what was decided for a page, to be remembered once it is on disk.
    """

    calendar: SchoolCalendar
    rows: ToldRows = field(default_factory=ToldRows)
    learned: Learned = field(default_factory=list)

    @property
    def today(self) -> date:
        """The day in the district."""
        return self.calendar.today(self.now)

    @property
    def counted(self) -> Collection[str]:
        """The choices of rows that are counted."""
        return CHOICES

    def page(self, wanted: Wanted) -> Page | None:
        """Decide and return the rows of a page; None where they are not what the lines say."""
        counts = dict[str, int]()
        if wanted.who:
            counts[MINE] = lines.owned_by(self.connection, self.whose, wanted.who)
        if wanted.choice == OPENING:
            wanted = replace(wanted, choice=MINE if counts.get(MINE) else "all")
        places = self._places(wanted)
        if wanted.since:
            since = self.today - timedelta(days=wanted.since)
            more, new = lines.since(self.connection, self.whose, since.isoformat(), wanted.most)
            places, counts = list(dict.fromkeys([*places, *more])), {**counts, **new}
        shown = self._shown(places)
        if shown is None:
            return None
        if wanted.since:
            shown.sort(key=lambda one: rank(one[1]))
        elif not _as_kept(wanted, [place for _, place in shown]):
            return None
        return (*self._leaving(shown), counts)

    def part(self, after: lines.Sent | None, most: int) -> Part | None:
        """Do :meth:`page` for a part of all there is, in the order in which it was sent."""
        places, ends = lines.sent_after(self.connection, self.whose, after, most)
        shown = self._decided(places)
        return None if shown is None else (*self._leaving(shown), ends)

    def _shown(self, places: Sequence[lines.Place]) -> list[Row] | None:
        """Do :meth:`_decided` for those places of which nothing is remembered that still stands."""
        students = sorted({student for _, student in places})
        stands, until = self._stands(students)
        self.rows.erased(self.known.versions["erasure"])
        held = self.rows.found(self.whose, places, stands)
        since = min((row.change for row in held), default=stands.change)
        moved = work.changed_since(self.connection, self._agreements(), since, students)
        told = again(held, moved, len(places))
        anew = [place for place in places if place[0] not in told]
        found = self._decided(anew)
        if found is None:
            return None
        ends = work.ends_of(self.connection, self.whose, [request for request, _ in anew])
        ends = {request: min(end, until) for request, end in ends.items()}
        self.learned.extend(learned(self.whose, found, stands, ends))
        told |= {row[0].request_id: row for row in found}
        return [told[request] for request, _ in places]

    def _stands(self, students: Sequence[str]) -> tuple[Stands, datetime]:
        """Return what is held of some students, and until when nothing of everybody changes."""
        lock_students(self.connection, students, share=True)
        named = sorted((each.id, each.name) for each in self.known.organizations.values())
        parts = (self._basis(), self.known.versions["erasure"], self.today, named)
        everybody = hashlib.sha256(repr(parts).encode()).hexdigest()
        change = lines.last_change(self.connection)
        versions = student_versions(self.connection, students)
        ends = facts_end(self.connection, [], self.now).get("", ALWAYS_TO)
        stands = Stands(everybody, change, versions, self.now)
        return stands, min(ends, day_ends(self.viewer, self.now))

    def _decided(self, places: Sequence[lines.Place]) -> list[Row] | None:
        """Decide what stands at some places; None where something of it is not there."""
        found = {each.request_id: (each, place) for each, place in self._standing(places)}
        if any(request not in found for request, _ in places):
            return None
        return [found[request] for request, _ in places]

    def _standing(self, places: Sequence[lines.Place]) -> list[Row]:
        """Decide referrals, and others of their students where it depends on them who waits."""
        students, shown = ({student for _, student in places}, {one for one, _ in places})
        stand, forms = self._stand(sorted(students), shown.__contains__)
        unserved = {each.task.student_id for each, place in stand if place.unserved}
        if not unserved:
            return stand
        # Nobody waits who is cared for under another referral.
        others = self._followed(sorted(unserved), lambda one: one not in shown)
        found = [each for each, _ in stand]
        placed = self._placed([*found, *others], forms)
        return list(zip(found, placed[: len(found)], strict=True))

    def _leaving(self, shown: Sequence[Row]) -> tuple[list[Placed], list[Disclosure]]:
        found = [each for each, _ in shown]
        left = leaving(self.connection, self.viewer, found, self.identifiers)
        went = {each.request_id: one for each, one in zip(found, left, strict=True) if one}
        self.learned[:] = with_what_left(self.learned, went, (self.viewer, self.identifiers))
        rows = [
            replace(p, row=one.row) if one else p for (_, p), one in zip(shown, left, strict=True)
        ]
        return rows, [one.disclosure for one in went.values()]

    def _basis(self) -> str:
        """Return a digest of all that holds for every line alike."""
        versions, names = self.known.versions, self.known.organizations
        parts: list[object] = [_program(), versions["agreement"], versions["evidence"]]
        parts += [self.calendar.tz, sorted(self.calendar.closed.items())]
        for agreement in self.viewer.agreements:
            provider = agreement.entry.provider
            standing = sorted(agreement.constants(self.now, "to-school").items())
            parts += [agreement.id, agreement.table.digest, agreement.agreement.effective.tz]
            parts += [standing, provider, names[provider].name]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _made_anew(self, students: Sequence[str]) -> dict[str, int]:
        stand, forms = self._stand(students)
        ends = facts_end(self.connection, students, self.now) if students else {}
        made = []
        for each, place in stand:
            changes = [ends.get(each.task.student_id, ALWAYS_TO), *self._comes_of_age(each)]
            day = changes_on(each.row, each.whose, (forms, self.calendar), self.today)
            if day is not None:
                changes.append(datetime.combine(day, time(), ZoneInfo(self.calendar.tz)))
            made.append(self._line(each, place, min(changes)))
        return lines.put_lines(self.connection, self.whose, students, made)

    def _stand(
        self, students: Sequence[str], wanted: Callable[[str], bool] | None = None
    ) -> tuple[list[Row], Forms]:
        """Decide referrals of some students: what may be told of them, and where they stand."""
        lock_students(self.connection, students, share=True)
        found = self._followed(students, wanted)
        forms = Forms.of(self.connection, self.viewer.agreements, students)
        return list(zip(found, self._placed(found, forms), strict=True)), forms

    def _followed(
        self, students: Sequence[str], wanted: Callable[[str], bool] | None
    ) -> list[Followed]:
        names = {o.id: o.name for o in self.known.organizations.values()}
        return followed(self.connection, self.viewer, students, (self.now, names), wanted)

    def _placed(self, found: Sequence[Followed], forms: Forms) -> list[Placed]:
        rows = [(each.row, each.whose) for each in found]
        return places_of(rows, forms, self.calendar, self.today)

    def _comes_of_age(self, each: Followed) -> list[datetime]:
        born = each.task.birth_date
        agreement = next(a for a in self.viewer.agreements if a.id == each.task.agreement_id)
        if born is None or born <= agreement.adult_since(self.now):
            return []
        return [agreement.comes_of_age(born)]

    def _line(self, each: Followed, place: Placed, until: datetime) -> lines.FollowLine:
        rest, since, number = rank(place)
        return lines.FollowLine(
            request_id=each.request_id,
            student_id=each.task.student_id,
            key=page_key(self.identifiers, self.viewer.organization, each.row),
            until=until,
            rest=rest,
            since=since,
            number=number,
            status=place.status,
            sent_on=each.row.sent_on,
            status_on=each.row.status_on,
            stage=place.stage,
            owner=place.owner if is_followed(place) else "",
            marks=frozenset(name for name, keeps in MARKS.items() if keeps(place)),
        )

    def _places(self, wanted: Wanted) -> list[lines.Place]:
        connection, whose, cut = self.connection, self.whose, (wanted.first, wanted.most)
        if wanted.keys is not None:
            return lines.with_keys(connection, whose, wanted.keys)
        return lines.page_of(connection, whose, wanted.choice, cut, wanted.who)


def _as_kept(wanted: Wanted, shown: Sequence[Placed]) -> bool:
    """Tell whether rows that were decided stand as the lines they were found by say."""
    choice = "all" if wanted.keys is not None else wanted.choice
    ranks = [rank(one) for one in shown]
    return ranks == sorted(ranks) and all(_keeps(choice, wanted.who, one) for one in shown)


def _keeps(choice: str, who: str, one: Placed) -> bool:
    if choice == MINE:
        return is_followed(one) and one.owner == who
    return CHOICES[choice](one)
