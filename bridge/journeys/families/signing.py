"""Whether the one who signed a form may sign it, as the register of guardians knows."""

from collections.abc import Iterable

from sqlalchemy import Connection

from bridge.gate import CompiledAgreement
from bridge.identifiers import Identifiers
from bridge.store.facts.guardians import guardians_of
from bridge.store.facts.releases import KeptRelease
from consent.minimise import elements_of
from consent.mou import Template
from consent.releases import DISSENT, Evidence
from consent.signed_release import SignedRelease
from consent.signers import Signer, signer_of

NO_AUTHORITY = (
    "signed by somebody who, as far as the register of guardians knows, may not sign it; "
    "it sets no fact until they are entered"
)
# Which authority a form of the template asks for, by who must sign it.
_ASKED = {"education_rights_holder": "education"}
_OWN = elements_of("to-provider", ("Patient", "RelatedPerson"))


def who_of(identifiers: Identifiers, student_id: str, name: str) -> str:
    """Return a name as the register keeps it: alike however it is spaced or capitalised."""
    return identifiers.issue("guardian", student_id, " ".join(name.casefold().split()))


def authorised(
    connection: Connection,
    identifiers: Identifiers,
    template: Template,
    asked: tuple[KeptRelease, Iterable[Evidence]],
) -> list[Evidence]:
    """Return the evidence of a form that its signer could give on the day it was signed.

    A refusal counts whoever signs it: it opens nothing. A student who signs needs no entry. Where
    the register knows no guardian of the student, the relationship on the form counts.
    """
    kept, rows = asked
    form = kept.form
    guardians = guardians_of(connection, kept.student_id)
    own = signer_of(form.signer_relationship) is Signer.STUDENT
    if not guardians or own or form.signed_on is None:
        return list(rows)
    who = who_of(identifiers, kept.student_id, form.signer or "")
    may = {
        what
        for each in guardians
        if each.who == who and each.holds_on(form.signed_on)
        for what in each.may_sign
    }
    return [row for row in rows if row.fact == DISSENT or right_of(template, row.source) in may]


def right_of(template: Template, form: str) -> str:
    """Return which authority a form of the template asks for: ``education`` or ``health``."""
    return _ASKED.get(template.settings.consents[form].signer, "health")


def only_of(
    identifiers: Identifiers, agreement: CompiledAgreement, form: SignedRelease, row: Evidence
) -> str:
    """Return the referral a row of evidence is limited to; "" for every one.

    The student's own data belongs to no referral. A consent for one referral lets it leave, since
    the referral cannot go without; a refusal of one referral does not hold it back.
    """
    if form.referral is None or (row.fact != DISSENT and row.element in _OWN):
        return ""
    parties = (agreement.entry.lea, agreement.entry.provider)
    return identifiers.issue(*parties, "ServiceRequest", form.referral)
