"""What of an accounting is kept from the one who asks for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from sqlalchemy import Connection

from bridge.gate.accounts.minors_own import MINOR, THREAT, MinorsOwn, may_know
from bridge.gate.agreements import CompiledAgreement
from bridge.gate.disclosures import subject_of
from bridge.ledger.entry import Kind, Recorded
from bridge.ledger.firsts import first_releases
from bridge.ledger.lookup import about
from bridge.parts import Parts
from bridge.store.directory import StudentEntry
from consent.calendar import eighteenth_birthday
from consent.signed_release import SignedRelease
from consent.signers import Signer, signer_of


@dataclass(frozen=True, slots=True)
class Withholding:
    """What is kept from one asker about one student.

    Attributes:
        subject: the student's name in the ledger.
        agreements: the district's, by id.
        guardian: whether a guardian asks; nothing is kept from others.
        own: records given on the minor's own consent, or of which nobody has said; None where
            there are none, or nothing is kept. Then how often something went is kept too.
    """

    subject: str
    agreements: dict[str, CompiledAgreement]
    birth_date: date
    guardian: bool = False
    own: MinorsOwn | None = None

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
        subject = subject_of(parts.identifiers, student.id)
        if asker != "guardian":
            return cls(subject, by_id, student.birth_date)
        own = MinorsOwn(connection, parts, student.id, bound)
        return cls(subject, by_id, student.birth_date, guardian=True, own=own if own.any else None)

    @property
    def summary(self) -> bool:
        """Whether how often something went is kept, and everything that tells of it."""
        return self.own is not None

    def shown(self, connection: Connection) -> list[Recorded]:
        """Return the entries the asker is told of, the oldest first, without what is kept.

        INVARIANT: where something is kept, what repeats and what is kept is not even read: the
        first release of each kind is all there is to tell, however many followed.
        """
        if self.own is None:
            told: Iterator[tuple[Recorded, bool]] = (
                (each, False) for each in about(connection, self.subject)
            )
        else:
            told = iter(first_releases(connection, self.subject, self.own.hidden()))
        cut = (self._cut(each, own=own) for each, own in told)
        return [kept for kept in cut if kept is not None]

    def _cut(self, each: Recorded, *, own: bool) -> Recorded | None:
        """Return an entry without what is kept from the asker; None where nothing is left."""
        if not self.guardian or each.entry.kind is not Kind.RELEASE:
            return each
        kept = tuple(name for name in each.entry.elements if self._may_know(each, name, own=own))
        return replace(each, entry=replace(each.entry, elements=kept)) if kept else None

    def is_minors_own(self, form: SignedRelease) -> bool:
        """Whether a form was signed by the student as a minor, which a guardian is not told."""
        if not self.guardian or form.signed_on is None:
            return False
        signers = {signer_of(form.signer_relationship), signer_of(form.cosigner_relationship)}
        minor = form.signed_on < eighteenth_birthday(self.birth_date)
        return minor and Signer.STUDENT in signers

    def _may_know(self, each: Recorded, element: str, *, own: bool) -> bool:
        """Ask the agreement whether a prohibition keeps an element from guardians."""
        entry = each.entry
        agreement = self.agreements.get(entry.log)
        sender, facts = _recorded(each, element)
        if agreement is None or entry.resource is None or not sender:
            return False
        known = {MINOR} if own else set[str]()
        return may_know(agreement.table, (sender, element), known | (facts & {THREAT}))


def _recorded(each: Recorded, element: str) -> tuple[str, set[str]]:
    """Return the sender and the facts an entry's decision on an element was given."""
    ruling = each.entry.ruling
    for line in ruling.bits.splitlines() if ruling else ():
        sender, _, _, _, name, facts = line.split("|")
        if name == element:
            return sender, set(facts.split())
    return "", set()
