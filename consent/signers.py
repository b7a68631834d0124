"""Who may sign which form, and when that authority ends.

Sources: 34 CFR 99.3-99.5 (the right passes at 18), 45 CFR 164.502(g), 42 CFR 2.14. The rules
themselves are the template's ``people`` block.
"""

from datetime import datetime
from enum import StrEnum

from consent.calendar import FOREVER, eighteenth_birthday, start_of
from consent.mou.template import Template
from consent.mou.terms.consents import ConsentForm
from consent.mou.terms.people import Part2Signers, Rights
from consent.signed_release import SignedRelease


class Signer(StrEnum):
    """Who signed, as far as a right over the record goes."""

    GUARDIAN = "guardian"
    STUDENT = "student"
    OTHER = "other"


# HL7 v3-RoleCode. 34 CFR 99.3: a parent is a natural parent, a guardian, or who acts as a parent.
_PARENTS = ("PRN", "MTH", "FTH", "NPRN", "NMTH", "NFTH", "ADOPTP", "ADOPTM", "ADOPTF")
_AS_PARENTS = ("STPPRN", "STPMTH", "STPFTH", "PRNFOST", "MTHFOST", "FTHFOST", "GUARD")
_GRANDPARENTS = ("GRPRN", "GRMTH", "GRFTH")
_GUARDIANS = frozenset((*_PARENTS, *_AS_PARENTS, *_GRANDPARENTS))
_STUDENTS = frozenset({"ONESELF"})


def signer_of(relationship: str | None) -> Signer:
    """Return who a relationship makes the signer; unknown is nobody with a right."""
    if relationship in _GUARDIANS:
        return Signer.GUARDIAN
    return Signer.STUDENT if relationship in _STUDENTS else Signer.OTHER


def has_authority(release: SignedRelease, form: ConsentForm, template: Template) -> bool:
    """Whether the signer could sign such a form on the day it was signed."""
    if release.signed_on is None:
        return False
    adult = release.signed_on >= eighteenth_birthday(release.birth_date)
    signers = {signer_of(release.signer_relationship), signer_of(release.cosigner_relationship)}
    people, alone = template.settings.people, release.minor_consented
    match form.signer:
        case "education_rights_holder":
            held = _holds(people.education_rights_holder, signers, adult=adult, alone=False)
        case "health_rights_holder":
            held = _holds(people.health_rights_holder, signers, adult=adult, alone=alone)
        case "part2_signers":
            held = _all_sign(people.part2_signers, signers, adult=adult, alone=alone)
        case _:
            # "minor": from 18 on there is none, the health form is then the student's own.
            held = form.signer == "minor" and Signer.STUDENT in signers and not adult
    return held


def _holds(rights: Rights | None, signers: set[Signer], *, adult: bool, alone: bool) -> bool:
    if rights is None:
        return False
    holder = rights.from_18 if adult else rights.under_18
    if alone and not adult:
        holder = rights.minor_consented
    match holder:
        case "student" | "minor":
            return Signer.STUDENT in signers
        case "any_guardian_without_restriction":
            return Signer.GUARDIAN in signers
        case _:
            # "all_guardians" cannot be told from one form.
            return False


def _all_sign(rule: Part2Signers | None, signers: set[Signer], *, adult: bool, alone: bool) -> bool:
    if rule is None:
        return False
    if adult:
        needed = rule.from_18
    elif alone:
        needed = rule.minor_consent_state
    else:
        needed = rule.under_18_parent_consent_state
    wanted = {Signer.STUDENT if who in ("minor", "student") else Signer.GUARDIAN for who in needed}
    return bool(wanted) and wanted <= signers


def authority_ends(release: SignedRelease, zone: str) -> datetime:
    """Return when the signer's authority ends: at the 18th birthday's local midnight.

    It ends for a guardian, and for a minor who signed as a minor; a student who signs from 18 on
    keeps it.
    """
    birthday = eighteenth_birthday(release.birth_date)
    if release.signed_on is not None and release.signed_on >= birthday:
        return FOREVER
    return start_of(birthday, zone)
