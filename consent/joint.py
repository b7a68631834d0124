"""Where an agreement wants every guardian to sign: from when to when all of them have.

34 CFR 99.4 gives each parent full rights, so the law asks for one signature. Asking for all is the
agreement's own choice (``consent_conflict.guardians_disagree: all_must_sign``). Who they are is
what the register of guardians knows; where it knows nobody, nothing is consented to.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import pairwise

from consent.calendar import end_of, start_of
from consent.mou.template import Template
from consent.releases import DISSENT, Evidence
from consent.signed_release import SignedRelease
from consent.signers import Signer, has_authority, signer_of

_ALL_MUST_SIGN = "all_must_sign"


@dataclass(frozen=True, slots=True)
class Authority:
    """One guardian's authority over one student's records.

    Attributes:
        who: whose, by any name that is one person's alone.
        may_sign: ``education``, ``health`` or both.
        first_day, last_day: days of the district, both included.
    """

    who: str
    may_sign: tuple[str, ...]
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class Given:
    """What one guardian's form alone is evidence of.

    Attributes:
        form: id of the form.
        right: the authority it asks for (``education``, ``health``).
        referral: the one referral it is for; "" for every one.
    """

    form: str
    who: str
    right: str
    row: Evidence
    referral: str = ""


@dataclass(frozen=True, slots=True)
class _Span:
    """One guardian's authority in instants, half open."""

    who: str
    may_sign: tuple[str, ...]
    start: datetime
    end: datetime


def asks_all(template: Template) -> bool:
    """Return whether every guardian must sign before anything counts as consented to."""
    return template.settings.consent_conflict.guardians_disagree == _ALL_MUST_SIGN


def is_students_own(release: SignedRelease, source: str, template: Template) -> bool:
    """Return whether the student's signature alone meets a form, so that no guardian decides it.

    Args:
        release: the form as it came back.
        source: id of the template's form it is taken for.
        template: whose ``people`` say who signs.
    """
    signers = {signer_of(release.signer_relationship), signer_of(release.cosigner_relationship)}
    alone = replace(release, signer_relationship="ONESELF", cosigner_relationship=None)
    form = template.settings.consents[source]
    return Signer.STUDENT in signers and has_authority(alone, form, template)


def joint(given: Iterable[Given], register: Iterable[Authority], tz: str) -> tuple[Given, ...]:
    """Return what all guardians together consent to, as parts of what each consented to.

    A consent counts at an instant at which each guardian who has the authority it asks for has
    given the same one, and nobody has refused. With no such guardian there is none.

    Args:
        given: consents of guardians who could sign them, and refusals of anybody.
        register: the authorities over the student.
        tz: zone of the district, whose days authorities are counted in.
    """
    every = tuple(given)
    refusals = [each for each in every if each.row.fact == DISSENT]
    spans = [
        _Span(a.who, a.may_sign, start_of(a.first_day, tz), end_of(a.last_day, tz))
        for a in register
    ]
    cells: dict[tuple[str, ...], list[Given]] = {}
    for each in every:
        if each.row.fact != DISSENT:
            cells.setdefault((each.row.fact, *_cell(each)), []).append(each)
    return tuple(
        part
        for consents in cells.values()
        for referral in sorted({"", *(each.referral for each in consents)})
        for part in _of_scope(consents, refusals, spans, referral)
    )


def _cell(given: Given) -> tuple[str, str, str]:
    return given.row.element, given.row.purpose, given.row.recipient


def _of_scope(
    consents: Sequence[Given], refusals: Sequence[Given], spans: Sequence[_Span], referral: str
) -> Iterator[Given]:
    """Yield the parts that count for one referral, or for every one."""
    signed = [each for each in consents if each.referral in ("", referral)]
    refused = [
        each
        for each in refusals
        if each.referral in ("", referral) and _cell(each) == _cell(consents[0])
    ]
    edges = {edge for span in spans for edge in (span.start, span.end)}
    for each in (*signed, *refused):
        edges |= {each.row.valid_from, each.row.valid_to}
    for mine in signed:
        whole: Evidence | None = None
        for start, end in pairwise(sorted(edges)):
            if not _counts(mine, start, (signed, refused, spans)):
                continue
            if whole is not None and whole.valid_to == start:
                whole = replace(whole, valid_to=end)
                continue
            if whole is not None:
                yield replace(mine, row=whole, referral=referral)
            whole = replace(mine.row, valid_from=start, valid_to=end)
        if whole is not None:
            yield replace(mine, row=whole, referral=referral)


def _counts(
    mine: Given, at: datetime, known: tuple[Sequence[Given], Sequence[Given], Sequence[_Span]]
) -> bool:
    signed, refused, spans = known
    asked = {s.who for s in spans if mine.right in s.may_sign and s.start <= at < s.end}
    here = {each.who for each in signed if _holds(each, at)}
    return (
        _holds(mine, at)
        and mine.who in asked
        and asked <= here
        and not any(_holds(each, at) for each in refused)
    )


def _holds(given: Given, at: datetime) -> bool:
    return given.row.valid_from <= at < given.row.valid_to
