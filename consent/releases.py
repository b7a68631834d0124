"""Signed releases: which forms one meets, computed from its parts, and what it is evidence of.

Sources: 34 CFR 99.30 (education), 45 CFR 164.508(c) and CGS 52-146e (health), 42 CFR 2.31
(Part 2); the parts each needs are the template's ``consents``. What the form calls itself never
counts towards what it meets.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from consent.calendar import FOREVER, end_of, start_of
from consent.law import load_law
from consent.model import FactName
from consent.mou.template import Template
from consent.mou.terms.consents import ConsentForm
from consent.signed_release import SignedRelease
from consent.signers import authority_ends, has_authority
from consent.wording import Covered, covered_by, flow_cells, names_only_notes

__all__ = ["Evidence", "SignedRelease", "evidence_of", "forms_met", "missing_parts"]

DISSENT = FactName("dissent")
_HELD_AGAINST_ALL = "refusal"
# Every form needs these, whatever its template says: without them it is no consent under any law.
_ALWAYS = ("signer", "signed_on", "information", "purpose", "recipient")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact for one element, purpose and recipient, from an instant to another (half-open).

    Attributes:
        source: id of the template's form that the release meets, or ``refusal``.
        discloser: party role the form names; None for one that names none (34 CFR 99.30 does not
            ask for it: there it is the school).
    """

    fact: FactName
    element: str
    purpose: str
    recipient: str
    valid_from: datetime
    valid_to: datetime
    recorded_at: datetime
    source: str
    discloser: str | None = None


def forms_met(release: SignedRelease, template: Template) -> frozenset[str]:
    """Return the ids of the template's forms of which a signed release has every part."""
    if release.answer != "signed":
        return frozenset()
    return frozenset(
        name for name, lacking in missing_parts(release, template).items() if not lacking
    )


def missing_parts(release: SignedRelease, template: Template) -> dict[str, tuple[str, ...]]:
    """Return, per form of the template, the parts a release lacks; for a clerk to ask for.

    Names of parts only, never what is written in them.
    """
    present = _parts_present(release, template)
    return {
        name: (*_absent(form, present), *_unsuited(name, form, release, template))
        for name, form in template.settings.consents.items()
    }


def _absent(form: ConsentForm, present: frozenset[str]) -> tuple[str, ...]:
    # A part has more than one name among the laws ("records", "information"); say each once.
    needed = dict.fromkeys((*_ALWAYS, *form.must_have))
    if "records" in needed:
        needed.pop("information", None)
    return tuple(part for part in needed if part not in present)


def _unsuited(
    name: str, form: ConsentForm, release: SignedRelease, template: Template
) -> Iterator[str]:
    """Yield why a form with all its parts still is not this one."""
    if not has_authority(release, form, template):
        yield "signer_authority"
    # 45 CFR 164.508(a)(2): session notes need an authorization of their own, for nothing else.
    if form.separate and not (
        release.form == name and names_only_notes(release.elements, template)
    ):
        yield "stands_alone"


def _parts_present(release: SignedRelease, template: Template) -> frozenset[str]:
    signed = bool(release.signer) and release.signed_on is not None
    known = covered_by(release.elements, template)
    parts = {
        "patient": True,  # a release is filed under the student it names
        "signer": bool(release.signer),
        "signature": signed,
        "signed_on": release.signed_on is not None,
        "records": known.complete,
        "information": known.complete,
        "discloser": release.discloser in template.roles,
        "recipient": release.recipient in template.roles,
        "purpose": bool(release.purposes) and set(release.purposes) <= template.purposes.keys(),
        "expiry": release.expires_on is not None,
        "revoke_statement": "revoke" in release.statements,
        "revoke_right": "revoke" in release.statements,
        "condition_statement": "condition" in release.statements,
        "redisclosure_statement": "redisclosure" in release.statements,
    }
    return frozenset(part for part, there in parts.items() if there)


def evidence_of(
    release: SignedRelease, template: Template, tz: str | None = None
) -> tuple[Evidence, ...]:
    """Return what a release is evidence of: consent where signed, dissent where refused.

    One row per fact, element, purpose and recipient, for what some flow of the template could
    pass; nothing else can ever leave. A disputed or pending form, and one whose parts meet no
    form, sets no fact.

    Args:
        release: the form.
        template: whose flows and forms count.
        tz: zone of the district; the template's if not given.

    Raises:
        ValueError: if ``recorded_at`` or ``revoked_at`` has no time zone.
    """
    if release.recorded_at.tzinfo is None or (release.revoked_at and not release.revoked_at.tzinfo):
        raise ValueError("an instant needs a time zone")
    zone = tz or template.effective.tz
    match release.answer:
        case "signed" if not release.disputed:
            return tuple(_consents(release, template, zone))
        case "refused":
            return tuple(_dissent(release, template, zone))
        case _:
            return ()


def _consents(release: SignedRelease, template: Template, zone: str) -> Iterator[Evidence]:
    covered = covered_by(release.elements, template)
    cells = [cell for cell in flow_cells(template) if _covers(release, covered, cell)]
    for name in sorted(forms_met(release, template)):
        form = template.settings.consents[name]
        valid_from, valid_to = _validity(release, form, zone)
        if valid_from >= valid_to:
            continue
        for fact in _facts(form, template):
            for element, purpose, recipient in cells:
                yield Evidence(
                    fact, element, purpose, recipient, valid_from, valid_to,
                    release.recorded_at, name, release.discloser,
                )  # fmt: skip


def _covers(release: SignedRelease, covered: Covered, cell: tuple[str, str, str]) -> bool:
    element, purpose, recipient = cell
    return (
        element in covered.elements
        and purpose in release.purposes
        and recipient == release.recipient
    )


def _facts(form: ConsentForm, template: Template) -> tuple[FactName, ...]:
    """Return the facts a form sets: those its legal bases need, or the fact it names."""
    law = load_law(template.jurisdiction)
    facts: set[FactName] = set()
    for name in form.satisfies:
        facts |= law.facts_of(name) if name in law.basis_names() else {FactName(name)}
    return tuple(sorted(facts))


def _validity(release: SignedRelease, form: ConsentForm, zone: str) -> tuple[datetime, datetime]:
    """Return from when to when a form holds.

    From the start of the day it was signed; to the end of the day it prints, ``max_days`` after
    signature, its revocation (prospective, CGS 52-146e(c)), or the end of the signer's authority.
    """
    if release.signed_on is None:
        return FOREVER, FOREVER
    ends = [start_of(release.signed_on + timedelta(days=form.max_days), zone)]
    if release.expires_on is not None:
        ends.append(end_of(release.expires_on, zone))
    if release.revoked_at is not None:
        ends.append(release.revoked_at)
    ends.append(authority_ends(release, zone))
    return start_of(release.signed_on, zone), min(ends)


def _dissent(release: SignedRelease, template: Template, zone: str) -> Iterator[Evidence]:
    """Yield a refusal. What it does not name, or names wrongly, it refuses altogether."""
    since = start_of(release.signed_on, zone) if release.signed_on else release.recorded_at
    until = release.revoked_at or FOREVER
    if since >= until:
        return
    covered = covered_by(release.elements, template)
    unclear = not release.purposes or set(release.purposes) - template.purposes.keys()
    for element, purpose, recipient in flow_cells(template):
        if (
            (not covered.complete or element in covered.elements)
            and (unclear or purpose in release.purposes)
            and (release.recipient not in template.roles or recipient == release.recipient)
        ):
            yield Evidence(
                DISSENT, element, purpose, recipient, since, until,
                release.recorded_at, _HELD_AGAINST_ALL, release.discloser,
            )  # fmt: skip
