"""Where a district's referrals stand: what is due for each, in which order, in which choices.

Worked out from what the district may be told of each and from its own forms; from nothing else.
Where a status is withheld a referral stands as if nobody had answered.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from sqlalchemy import Connection

from bridge.gate.agreements import CompiledAgreement
from bridge.gate.released import FollowUp, Placed
from bridge.identifiers import Identifiers
from bridge.store.facts.families import said_on, verbal_of
from bridge.store.facts.releases import KeptRelease, sending_under
from bridge.store.people.close_outs import CloseOut, latest_of
from bridge.store.people.follow_owners import FollowOwner, owners_of
from consent.calendar import eighteenth_birthday
from consent.signed_release import SignedRelease
from mappings.loop import STATES
from mappings.loop.calendar import SchoolCalendar
from mappings.loop.clocks import AWAITING_SIGNATURE, Position, due, next_due

ENDED: Final = frozenset({row.follow_up for row in STATES.values() if row.end})
# Ends after which the family may still want help, and another provider may give it.
UNSERVED: Final = frozenset({"declined-by-provider", "unable-to-contact"})
_DAY: Final = timedelta(days=1)

Whose = tuple[str, str]
"""Of a referral: the student it is about, and the key of the provider it was sent to."""


def needs_something(one: Placed) -> bool:
    """Tell whether somebody has something to do about a referral."""
    return bool(one.due) or one.unserved


def is_followed(one: Placed) -> bool:
    """Tell whether somebody of the school follows up on a referral, or should."""
    return one.status not in ENDED or needs_something(one)


def _due(*rules: str) -> Callable[[Placed], bool]:
    return lambda one: any(each.rule in rules for each in one.due)


MARKS: Final[Mapping[str, Callable[[Placed], bool]]] = {
    "signature": lambda one: one.status == AWAITING_SIGNATURE,
    "unanswered": _due("unanswered", "unanswered-long"),
    "unanswered_long": _due("unanswered-long"),
    "no_show": lambda one: one.status == "intake-missed",
    "wait_list": lambda one: one.status == "waitlisted",
    "expiring": _due("consent-expiring"),
    "no_owner": lambda one: is_followed(one) and not one.owner,
}
HELD: Final = "open-held"
"""The school decided to keep them open until a later day."""
STAGES: Final[Mapping[str, frozenset[str]]] = {
    "open-running": frozenset({"services-started", "services-paused", "intake-done"}),
    "open-arranged": frozenset({"accepted", "contacting-family", "intake-scheduled"}),
    "open-missed": frozenset({"intake-missed"}),
    "open-wait-list": frozenset({"waitlisted"}),
    "open-unanswered": frozenset({"sent", "received"}),
    "open-school": frozenset({AWAITING_SIGNATURE, "returned-incomplete"}),
    HELD: frozenset(),
}
"""Open referrals as they are settled together at the end of a year, by their statuses."""


def _in_stage(stage: str) -> Callable[[Placed], bool]:
    return lambda one: one.stage == stage


CHOICES: Final[Mapping[str, Callable[[Placed], bool]]] = {
    "all": lambda _: True,
    "act": needs_something,
    **MARKS,
    **{stage: _in_stage(stage) for stage in STAGES},
}
"""The choices of rows a board offers everybody, by name."""
MINE: Final = "mine"
"""The choice of what whoever looks follows up on."""
OPENING: Final = "opening"
"""What a board opens with: :data:`MINE`, and all where there is none of those."""


def rank(one: Placed) -> tuple[int, str, str]:
    """Return what a board sorts by: what needs something first, the longest due, the oldest."""
    since = one.due[0].due_on.isoformat() if one.due else one.row.status_on or one.row.sent_on
    # Two providers of one student can know a referral by the same number.
    return int(not needs_something(one)), since, f"{one.row.referral} {one.row.provider}"


def page_key(identifiers: Identifiers, lea: str, row: FollowUp) -> str:
    """Return what stands for a referral in an address: it tells nobody which it is."""
    return identifiers.seal("referral page", lea, row.provider, row.referral)


@dataclass(frozen=True, slots=True)
class Forms:
    """The signed forms by which a district's referrals go out.

    Attributes:
        forms: by student, in the order they were recorded.
        under: the provider each agreement is with: a form under one lets nothing go to another.
        said: the day a student's family last said yes without signing.
        decided: what the school decided of a referral at the end of a year, by number and provider.
        owned: who of the school follows up on a referral, likewise.
    """

    forms: Mapping[str, Sequence[KeptRelease]]
    under: Mapping[str, str]
    said: Mapping[str, date]
    decided: Mapping[tuple[str, str], CloseOut]
    owned: Mapping[tuple[str, str], FollowOwner]
    _about: dict[tuple[Whose, str], list[SignedRelease]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        connection: Connection,
        agreements: Sequence[CompiledAgreement],
        students: Iterable[str],
        *,
        every: bool = False,
    ) -> "Forms":
        """Read the forms of some students, or of ``every`` student under the agreements."""
        under = {a.id: a.entry.provider for a in agreements}
        whose = set(students)
        kept = sending_under(connection, set(under), None if every else whose)
        if every:
            said = {v.student_id: v.given_on for v in verbal_of(connection, whose)}
        else:
            said = said_on(connection, whose)
        leas = {a.entry.lea for a in agreements}
        decided = latest_of(connection, leas, None if every else whose)
        owned = owners_of(connection, leas, None if every else whose)
        return cls(kept, under, said, decided, owned)

    def closed(self, whose: Whose, number: str) -> bool:
        """Tell whether the school decided to close a referral."""
        found = self.decided.get((number, whose[1]))
        return found is not None and found.follow_up_on is None

    def kept_until(self, whose: Whose, number: str) -> date | None:
        """Return the day until which the school decided to keep a referral open."""
        found = self.decided.get((number, whose[1]))
        return found.follow_up_on if found else None

    def plan(self, whose: Whose, number: str) -> date | None:
        """Return the day on which the school said last that it would follow up; None for none."""
        known = (number, whose[1])
        said = [self.decided.get(known), self.owned.get(known)]
        days = [(each.at, each.follow_up_on) for each in said if each and each.follow_up_on]
        return max(days)[1] if days else None

    def owner(self, whose: Whose, number: str) -> tuple[str, date | None]:
        """Return who of the school follows up on a referral ("" for nobody), and when."""
        found = self.owned.get((number, whose[1]))
        return (found.owner, found.follow_up_on) if found else ("", None)

    def birthdays(self, whose: Whose, number: str) -> set[date]:
        """Return the day the student turns 18, as the forms about a referral know it."""
        born = {form.birth_date for form in self.about(whose, number)}
        return set(map(eighteenth_birthday, born))

    def came_of_age(self, whose: Whose, number: str, today: date) -> date | None:
        """Return the day the student turned 18; None before it."""
        day = min(self.birthdays(whose, number), default=date.max)
        return day if day <= today else None

    def in_force(self, whose: Whose, number: str, today: date) -> list[SignedRelease]:
        """Return the forms of the district that let a referral go to its provider today."""
        return [form for form in self.about(whose, number) if _stands(form, today)]

    def about(self, whose: Whose, number: str) -> list[SignedRelease]:
        """Return the forms of the district for sending a referral, in force or not."""
        found = self._about.get((whose, number))
        if found is None:
            student, provider = whose
            kept = self.forms.get(student, ())
            own = (each.form for each in kept if self.under.get(each.agreement_id) == provider)
            found = self._about[whose, number] = [f for f in own if f.referral in (None, number)]
        return found

    def position(self, row: FollowUp, whose: Whose, today: date) -> Position:
        """Return how a referral stands."""
        number, since = row.referral, date.fromisoformat(row.status_on or row.sent_on)
        found, plan = self.in_force(whose, number, today), self.plan(whose, number)
        if row.status == "sent" and not found:
            said, of_age = self.said.get(whose[0]), self.came_of_age(whose, number, today)
            waits = max(since, said or since, of_age or since)
            return Position(AWAITING_SIGNATURE, waits, follow_up_on=plan)
        ends = [last_day(form) for form in found]
        last = None if None in ends else max((day for day in ends if day), default=None)
        return Position(row.status, since, last, plan)


def _stands(form: SignedRelease, today: date) -> bool:
    signed = form.answer == "signed" and not form.revoked_at and not form.disputed
    last = last_day(form)
    return signed and (last is None or last >= today)


def last_day(form: SignedRelease) -> date | None:
    """Return the last day of a form: as it prints, or the one before the signer's right passes."""
    birthday = eighteenth_birthday(form.birth_date)
    if form.signed_on is not None and form.signed_on >= birthday:
        return form.expires_on
    before = birthday - _DAY
    return min(form.expires_on or before, before)


def places_of(
    rows: Sequence[tuple[FollowUp, Whose]], forms: Forms, calendar: SchoolCalendar, today: date
) -> list[Placed]:
    """Return where referrals stand today, given all referrals of each student among them."""
    positions = [(row, whose, forms.position(row, whose, today)) for row, whose in rows]
    cared_for = {whose[0] for _, whose, found in positions if found.status not in ENDED}
    # Many stand alike: sent on one day under forms that end on one.
    dues = {f: tuple(due(f, calendar, today)) for f in {found for _, _, found in positions}}
    return [
        Placed(
            row,
            found.status,
            dues[found],
            found.status in UNSERVED and whose[0] not in cared_for,
            forms.came_of_age(whose, row.referral, today) is not None,
            forms.kept_until(whose, row.referral),
            forms.closed(whose, row.referral),
            _stage(found.status, _open_how(forms, whose, row.referral, today)),
            *forms.owner(whose, row.referral),
        )
        for row, whose, found in positions
    ]


def _stage(status: str, held: bool | None) -> str:
    """Return the stage of a referral that is ``held`` open or not; None where it is closing."""
    if held is None or status in ENDED:
        return ""
    if held:
        return HELD
    return next(stage for stage, statuses in STAGES.items() if status in statuses)


def _open_how(forms: Forms, whose: Whose, number: str, today: date) -> bool | None:
    until = forms.kept_until(whose, number)
    return None if forms.closed(whose, number) else until is not None and until > today


def changes_on(
    row: FollowUp, whose: Whose, known: tuple[Forms, SchoolCalendar], today: date
) -> date | None:
    """Return the next day on which a place changes though nobody does anything; None for none."""
    forms, calendar = known
    days = {next_due(forms.position(row, whose, today), calendar, today)}
    days |= {*forms.birthdays(whose, row.referral), forms.kept_until(whose, row.referral)}
    days |= {last_day(form) for form in forms.in_force(whose, row.referral, today)}
    later = [day for day in days if day is not None and day >= today]
    # A form still holds on its last day; what is due on a day, and who is of age on it, is so then.
    ends = [day + _DAY if day < date.max else day for day in later]
    return min([*(day for day in later if day > today), *ends], default=None)
