"""Declaring an emergency, and the review it owes.

34 CFR 99.36 and 99.32(a)(5), 45 CFR 164.512(j): the threat is written down, and to whom; the
agreement's ``emergency`` block gives the hours. It ends by itself, must be reviewed, and the
guardian is told (obligations REVIEW72H and NOTIFYGUARDIAN).
"""

from datetime import datetime

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement, agreements_of, seen_anew
from bridge.gate.accounts.recalls import Sought
from bridge.gate.disclosures import subject_of
from bridge.journeys.families.recall_releases import draft_recalls
from bridge.journeys.families.register_release import known
from bridge.journeys.running.review_queue import GUARDIAN, SECOND_PERSON, check_person
from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.facts.emergencies import (
    KeptEmergency,
    emergency,
    keep_emergency,
    mark_guardian_told,
    mark_reviewed,
)
from bridge.store.facts.evidence import NewEvidence, lock_students, record_evidence, supersede
from bridge.store.intake import take_turn
from bridge.store.people.owed_duties import close_items, items_of
from bridge.store.referrals import lea_of
from consent.emergencies import Declaration, opened, problems, review_due


def declare_emergency(
    parts: Parts, parties: tuple[str, str], local_id: str, declaration: Declaration
) -> KeptEmergency:
    """Declare an emergency about one student; the facts it sets end by themselves.

    Raises:
        BridgeError: student or agreement is not known, or the declaration has faults: which parts,
            never what they say.
    """
    with write(parts.engine) as connection:
        take_turn(connection)
        agreement, student = known(connection, parties, local_id)
        lock_students(connection, [student.id], share=False)
        if faults := problems(declaration, agreement.agreement, agreement.template):
            raise BridgeError("; ".join(faults))
        kept = _kept(parts, agreement, student.id, declaration)
        if emergency(connection, kept.id) is None:
            keep_emergency(connection, kept)
            with seen_anew(connection, parts, [student.id]):
                record_evidence(connection, _evidence(parts, agreement, kept, declaration))
                append(connection, [_entry(parts, kept, Kind.EVIDENCE)], parts.clock)
    return kept


def _kept(
    parts: Parts, agreement: CompiledAgreement, student_id: str, declaration: Declaration
) -> KeptEmergency:
    declared_at = declaration.declared_at or declaration.recorded_at
    ends = [o.valid_to for o in opened(declaration, agreement.agreement, agreement.template)]
    if not ends:
        raise BridgeError("elements: no emergency flow of the agreement passes any of them")
    return KeptEmergency(
        id=parts.identifiers.issue(
            "emergency", student_id, declaration.declared_by, declared_at.isoformat()
        ),
        agreement_id=agreement.id,
        student_id=student_id,
        threat=declaration.threat,
        to_whom=declaration.to_whom,
        elements=declaration.elements,
        declared_by=declaration.declared_by,
        declared_at=declared_at,
        recorded_at=declaration.recorded_at,
        ends_at=max(ends),
        review_due=review_due(declaration, agreement.agreement),
    )


def _evidence(
    parts: Parts, agreement: CompiledAgreement, kept: KeptEmergency, declaration: Declaration
) -> list[NewEvidence]:
    return [
        NewEvidence(
            id=parts.identifiers.issue("evidence", kept.id, str(n)),
            fact=row.fact,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            recorded_at=kept.recorded_at,
            source="emergency",
            source_id=kept.id,
            agreement_id=kept.agreement_id,
            student_id=kept.student_id,
            element=row.element,
            purpose=row.purpose,
            recipient=row.recipient,
        )
        for n, row in enumerate(opened(declaration, agreement.agreement, agreement.template))
    ]


def review_emergency(parts: Parts, emergency_id: str, by: str, *, upheld: bool) -> bool:
    """Review a declaration; False if there is none, or it was reviewed before.

    One that is not upheld ends at once, and what went out under it is recalled. What the review
    queue holds of releases under it is closed with it.

    Args:
        parts: the bridge's parts.
        emergency_id: of the declaration.
        by: who reviews it, as party and staff role.
        upheld: the outcome.

    Raises:
        BridgeError: the role is not known, or is the one that declared.
    """
    with write(parts.engine) as connection:
        kept, now = _locked(connection, parts, emergency_id)
        if kept is None or kept.reviewed_at is not None:
            return False
        check_person(_agreement(connection, kept), by, {kept.declared_by})
        mark_reviewed(connection, emergency_id, now, upheld=upheld)
        said = (by, "the declaration was upheld" if upheld else "the declaration was not upheld")
        _close(connection, kept, SECOND_PERSON, now, said)
        if not upheld:
            supersede(connection, emergency_id, kept.student_id, now)
            append(connection, [_entry(parts, kept, Kind.REVOCATION)], parts.clock)
            draft_recalls(connection, parts, Sought(kept.student_id, emergency_id), "not-upheld")
    return True


def _close(
    connection: Connection, kept: KeptEmergency, code: str, now: datetime, said: tuple[str, str]
) -> None:
    """Close the items of the review queue that releases under a declaration opened."""
    found = items_of(connection, {kept.student_id}, {code})
    close_items(connection, [e.id for e in found if kept.id in e.sources], now, said)


def _agreement(connection: Connection, kept: KeptEmergency) -> CompiledAgreement:
    bound = agreements_of(connection, "lea", lea_of(connection, kept.student_id))
    return next(agreement for agreement in bound if agreement.id == kept.agreement_id)


def tell_guardian(parts: Parts, emergency_id: str) -> bool:
    """Record that the guardian was told of an emergency; False if there is none, or it was so."""
    with write(parts.engine) as connection:
        kept, now = _locked(connection, parts, emergency_id)
        if kept is None or kept.guardian_told_at is not None:
            return False
        mark_guardian_told(connection, emergency_id, now)
        _close(connection, kept, GUARDIAN, now, ("", "the guardian was told of the emergency"))
    return True


def _locked(
    connection: Connection, parts: Parts, emergency_id: str
) -> tuple[KeptEmergency | None, datetime]:
    kept = emergency(connection, emergency_id)
    if kept is not None:
        lock_students(connection, [kept.student_id], share=False)
        kept = emergency(connection, emergency_id)
    return kept, parts.clock.now()


def _entry(parts: Parts, kept: KeptEmergency, kind: Kind) -> Entry:
    """Return the ledger's line: that one was declared (or fell), never what was feared."""
    return Entry(
        log=kept.agreement_id,
        kind=kind,
        releasing=kept.declared_by.partition(".")[0],
        receiving=kept.to_whom,
        role=kept.declared_by.partition(".")[2],
        purpose="emergency",
        request="",
        subject=subject_of(parts.identifiers, kept.student_id),
        elements=kept.elements,
        evidence=(kept.id,),
    )
