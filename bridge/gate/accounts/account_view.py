"""What of an accounting is kept from the one who asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from sqlalchemy import Connection

from bridge.gate.agreements import CompiledAgreement
from bridge.ledger.entry import Kind, Recorded
from bridge.parts import Parts
from bridge.store.directory import StudentEntry
from bridge.store.facts.conditions import Scope
from bridge.store.facts.evidence import EvidenceView, evidence_of
from bridge.store.facts.held_facts import RecordFacts
from bridge.store.referrals import records_of_student
from consent.calendar import eighteenth_birthday
from consent.model import Slice
from consent.signed_release import SignedRelease
from consent.signers import Signer, signer_of

_MINOR = "minor_consented_care"
_THREAT = "threat_documented"


@dataclass(frozen=True, slots=True)
class Withholding:
    """What is kept from one asker about one student.

    Attributes:
        agreements: the district's, by id.
        minors_own: records given on the minor's own consent, or of which nobody has said;
            ``None`` where nothing is kept from the asker.
        summary: whether how often something went is kept too.
    """

    agreements: dict[str, CompiledAgreement]
    birth_date: date
    minors_own: frozenset[str] | None = None
    summary: bool = False

    @classmethod
    def of(
        cls,
        connection: Connection,
        parts: Parts,
        asked: tuple[StudentEntry, str],
        bound: Sequence[CompiledAgreement],
    ) -> Self:
        """Return what is kept from an asker: something from a guardian, nothing from others."""
        student, asker = asked
        by_id = {agreement.id: agreement for agreement in bound}
        if asker != "guardian":
            return cls(by_id, student.birth_date)
        view = evidence_of(connection, {student.id}, parts.clock.now())
        own: set[str] = set()
        # What belongs to no referral (the student's own data) tells of no care.
        for record_id, referral_id, agreement_id in records_of_student(connection, student.id):
            about = RecordFacts(record_id, student.id, referral_id, third_party=False, minor=True)
            if referral_id and agreement_id in by_id and _is_own(view, agreement_id, about):
                own.update(_names(parts, by_id[agreement_id], record_id))
        return cls(by_id, student.birth_date, frozenset(own), summary=bool(own))

    def cut(self, each: Recorded) -> Recorded | None:
        """Return an entry without what is kept from the asker; None where nothing is left."""
        if self.minors_own is None or each.entry.kind is not Kind.RELEASE:
            return each
        kept = tuple(name for name in each.entry.elements if self._may_know(each, name))
        return replace(each, entry=replace(each.entry, elements=kept)) if kept else None

    def is_minors_own(self, form: SignedRelease) -> bool:
        """Whether a form was signed by the student as a minor, which a guardian is not told."""
        if self.minors_own is None or form.signed_on is None:
            return False
        signers = {signer_of(form.signer_relationship), signer_of(form.cosigner_relationship)}
        minor = form.signed_on < eighteenth_birthday(self.birth_date)
        return minor and Signer.STUDENT in signers

    def _may_know(self, each: Recorded, element: str) -> bool:
        """Ask the agreement whether a prohibition keeps an element from guardians.

        Only prohibitions are asked: an account shows that something went, never what it said, so
        flows and reviews of free text do not come into it.
        """
        entry = each.entry
        agreement = self.agreements.get(entry.log)
        sender, facts = _recorded(each, element)
        if agreement is None or entry.resource is None or not sender:
            return False
        own = entry.resource.id in (self.minors_own or ())
        known = {_MINOR} if own else set[str]()
        votes = agreement.table.explain(
            Slice(sender, "family", "guardian", "rights", element), known | (facts & {_THREAT})
        )
        barred = [v for v in votes if v.layer.startswith("prohibition:") and not v.agrees]
        return bool(votes) and not barred


def _recorded(each: Recorded, element: str) -> tuple[str, set[str]]:
    """Return the sender and the facts an entry's decision on an element was given."""
    ruling = each.entry.ruling
    for line in ruling.bits.splitlines() if ruling else ():
        sender, _, _, _, name, facts = line.split("|")
        if name == element:
            return sender, set(facts.split())
    return "", set()


def _is_own(view: EvidenceView, agreement_id: str, about: RecordFacts) -> bool:
    scope = Scope(agreement_id, "", "", "", {})
    true, _ = view.true_facts((_MINOR,), scope, about)
    return _MINOR in true


def _names(parts: Parts, agreement: CompiledAgreement, record_id: str) -> set[str]:
    """Return the ids a record is known by in the ledger: its own, and its pseudonym at the hub."""
    hub = agreement.entry.hub
    coded = {parts.identifiers.pseudonym(hub, record_id)} if hub else set()
    return {record_id, *coded}
