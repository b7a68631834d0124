"""The signed forms by which a district's referrals go out, and what else it knows of each referral.

The district's own records: nothing here rests on what a provider did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from bridge.gate import agreements_of
from bridge.identity import Party
from bridge.store.close_outs import CloseOut, latest_of
from bridge.store.directory import organizations
from bridge.store.families import verbal_of
from bridge.store.referrals import numbered_referrals
from bridge.store.releases import KeptRelease, releases_under
from consent.calendar import eighteenth_birthday
from consent.signed_release import SignedRelease


@dataclass(frozen=True, slots=True)
class SendingForms:
    """The signed forms by which a district's referrals go out."""

    students: Mapping[tuple[str, str], str]
    forms: Mapping[str, Sequence[KeptRelease]]
    keys: Mapping[str, str]
    under: Mapping[str, str]
    """The provider each agreement is with: a form under one lets nothing go to another."""
    said: Mapping[str, date]
    decided: Mapping[tuple[str, str], CloseOut]

    @classmethod
    def of(cls, connection: Connection, lea: str) -> "SendingForms":
        """Return those of a district."""
        under = {a.id: a.entry.provider for a in agreements_of(connection, Party.LEA, lea)}
        names = {o.name: o.key for o in organizations(connection).values()}
        students = numbered_referrals(connection, set(under))
        said = {v.student_id: v.given_on for v in verbal_of(connection, set(students.values()))}
        forms, decided = releases_under(connection, set(under)), latest_of(connection, lea)
        return cls(students, forms, names, under, said, decided)

    def kept_until(self, number: str, provider: str) -> date | None:
        """Return the day until which the school decided to keep a referral open."""
        found = self.decided.get((number, self.keys.get(provider, "")))
        return found.follow_up_on if found else None

    def closed(self, number: str, provider: str) -> bool:
        """Tell whether the school decided to close a referral."""
        found = self.decided.get((number, self.keys.get(provider, "")))
        return found is not None and found.follow_up_on is None

    def of_age(self, number: str, provider: str, today: date) -> bool:
        """Tell whether the student of a referral is 18, as the forms about it know."""
        return self.came_of_age(number, provider, today) is not None

    def came_of_age(self, number: str, provider: str, today: date) -> date | None:
        """Return the day the student turned 18, as the forms know it; None before it."""
        born = {form.birth_date for form in self.about(number, provider)}
        day = min(map(eighteenth_birthday, born), default=today + timedelta(days=1))
        return day if day <= today else None

    def said_on(self, number: str, provider: str) -> date | None:
        """Return the day the family last said yes without signing; None if it did not."""
        return self.said.get(self.student(number, provider))

    def in_force(self, number: str, provider: str, today: date) -> list[SignedRelease]:
        """Return the forms of the district that let a referral go to its provider today."""
        return [form for form in self.about(number, provider) if _stands(form, today)]

    def about(self, number: str, provider: str) -> list[SignedRelease]:
        """Return the forms of the district for sending a referral, in force or not."""
        key = self.keys.get(provider, "")
        kept = self.forms.get(self.student(number, provider), ())
        own = [each.form for each in kept if self.under[each.agreement_id] == key]
        return [form for form in own if _sends(form, number)]

    def student(self, number: str, provider: str) -> str:
        """Return the student a referral is about; "" if it is not known."""
        return self.students.get((number, self.keys.get(provider, "")), "")


def _sends(form: SignedRelease, number: str) -> bool:
    """Return whether a form is a guardian's own for sending a referral.

    What a minor signed for themselves, and what lets a provider speak, is not the district's.
    """
    own = not form.minor_consented and form.recipient == "provider"
    return own and form.discloser in (None, "lea") and form.referral in (None, number)


def _stands(form: SignedRelease, today: date) -> bool:
    signed = form.answer == "signed" and not form.revoked_at and not form.disputed
    last = last_day(form)
    return signed and (last is None or last >= today)


def last_day(form: SignedRelease) -> date | None:
    """Return the last day of a form: as it prints, or the one before the signer's right passes."""
    birthday = eighteenth_birthday(form.birth_date)
    if form.signed_on is not None and form.signed_on >= birthday:
        return form.expires_on
    before = birthday - timedelta(days=1)
    return min(form.expires_on or before, before)
