"""Guardians who disagree: one signed, another refused the same passing.

34 CFR 99.4 gives each parent full rights, so under FERPA one signature is enough and a refusal by
the other changes nothing. Holding is the agreement's own choice (``consent_conflict``), and every
answer here says so: nobody shall be told that the law forbids what the parties chose not to do.
Where any one may sign, a refusal on file still holds as far as a prohibition of the agreement has
it obeyed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from consent.mou.template import Template
from consent.releases import DISSENT, evidence_of
from consent.signed_release import SignedRelease
from consent.signers import Signer, signer_of

OURS = "agreement: consent_conflict.guardians_disagree"


@dataclass(frozen=True, slots=True)
class Dispute:
    """Two forms of different guardians, one a consent and one a refusal.

    Attributes:
        signed, refused: places of the two forms in the list given.
        elements: what both speak of.
        held: whether the refusal holds it.
        by: what of the agreement decides that: the term, or the prohibition by which a refusal is
            obeyed; never the law.
    """

    signed: int
    refused: int
    elements: tuple[str, ...]
    held: bool
    by: str = OURS


def disputes(releases: Iterable[SignedRelease], template: Template) -> Iterator[Dispute]:
    """Yield every pair of forms of one student in which guardians disagree."""
    forms = [(n, f) for n, f in enumerate(releases) if _of_a_guardian(f) and not f.revoked_at]
    signed = [(n, f) for n, f in forms if f.answer == "signed"]
    refused = [(n, f) for n, f in forms if f.answer == "refused"]
    held, by = _ruling(template)
    for (at, yes), (other, no) in product(signed, refused):
        shared = _cells(yes, template) & _cells(no, template)
        if shared and _name(yes) != _name(no) and _of_one_referral(yes, no):
            elements = tuple(sorted({element for element, _, _ in shared}))
            yield Dispute(at, other, elements, held, by)


def _ruling(template: Template) -> tuple[bool, str]:
    if template.settings.consent_conflict.guardians_disagree != "any_one_signs":
        return True, OURS
    obeyed = next((rule for rule in template.prohibitions if DISSENT in rule.when), None)
    return (False, OURS) if obeyed is None else (True, f"agreement: {obeyed.id}")


def _of_one_referral(yes: SignedRelease, no: SignedRelease) -> bool:
    return not yes.referral or not no.referral or yes.referral == no.referral


def _of_a_guardian(form: SignedRelease) -> bool:
    return signer_of(form.signer_relationship) is Signer.GUARDIAN and bool(form.signer)


def _name(form: SignedRelease) -> list[str]:
    return str(form.signer).casefold().split()


def _cells(form: SignedRelease, template: Template) -> set[tuple[str, str, str]]:
    rows = evidence_of(form, template)
    return {(row.element, row.purpose, row.recipient) for row in rows}
