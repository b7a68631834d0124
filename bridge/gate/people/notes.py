"""What a school wrote to a provider about a referral it sent: notes it shared.

A note is of the data class ``referral.note``, decided for each note anew like the referral's own
text: whatever keeps that back keeps this back, and where an agreement has no flow for the class
nothing ever goes. Each that leaves is in the ledger. The other way there is none: no flow brings
free text of a provider to a school through here.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection

from bridge.gate.agreements import CompiledAgreement
from bridge.gate.authorise import Viewer
from bridge.gate.decisions import decide_as
from bridge.gate.disclosures import Disclosure, entry_of
from bridge.gate.duties.consent_scopes import scopes_of
from bridge.gate.duties.owing import owe
from bridge.gate.duties.riding import codes_of, riding
from bridge.gate.projection import sealed
from bridge.gate.released import GATE_MARK, Released
from bridge.gate.viewers import present_viewer
from bridge.identifiers import Identifiers
from bridge.identity import Caller
from bridge.ledger.append import append
from bridge.parts import HasParts
from bridge.store.database.engine import write
from bridge.store.directory import student_of_id
from bridge.store.facts.evidence import EvidenceView, evidence_of, lock_students, not_before_known
from bridge.store.people.notes import Note, notes_for
from bridge.store.vault import Stored
from mappings.fhir.elements import instant

ELEMENT: Final = "referral.note"


def may_ever_share(agreement: CompiledAgreement) -> bool:
    """Tell whether an agreement has a flow by which a note may go to some role of the provider."""
    staff = agreement.template.roles["provider"].staff
    return any(
        ELEMENT in agreement.table.elements("lea", "provider", role, "refer") for role in staff
    )


def release_notes(parts: HasParts, caller: Caller, request_id: str) -> Released:
    """Release to a provider the notes about one referral that it may have, the oldest first."""
    with write(parts.engine) as connection:
        viewer = present_viewer(connection, caller, parts.clock)
        told: list[Disclosure] = []
        if viewer.party == "provider":
            kept = notes_for(connection, viewer.organization, request_id)
            students = {note.student_id for note in kept}
            lock_students(connection, students, share=True)
            now = not_before_known(connection, students, parts.clock.now())
            known = (evidence_of(connection, students, now), now)
            told = list(_permitted(connection, parts.identifiers, viewer, (kept, known)))
        found = (entry_of(viewer, each, parts.identifiers, "") for each in told)
        append(connection, [entry for entry in found if entry], parts.clock)
        owe(connection, parts.identifiers, viewer, told, parts.clock)
        resources = tuple(each.released for each in told)
        return Released(resources, total=len(resources), mark=GATE_MARK)


def _permitted(
    connection: Connection,
    identifiers: Identifiers,
    viewer: Viewer,
    asked: tuple[Sequence[Note], tuple[EvidenceView, Any]],
) -> Sequence[Disclosure]:
    notes, known = asked
    bound = {agreement.id: agreement for agreement in viewer.agreements}
    found = []
    for note in notes:
        agreement = bound.get(note.agreement_id)
        if agreement is None:
            continue
        stored = _stored(connection, identifiers, note)
        decided = decide_as("lea", viewer, agreement, (stored, (ELEMENT,)), known)
        if decided.permitted:
            (scopes,) = scopes_of(connection, viewer, [decided])
            along = (riding(codes_of(decided)), scopes)
            released = sealed(viewer, stored, stored.resource(), identifiers, along)
            found.append(Disclosure(stored, decided, released))
    return found


def _stored(connection: Connection, identifiers: Identifiers, note: Note) -> Stored:
    """Return a note as a record like any other: a Communication about the referral (FHIR R4)."""
    text = identifiers.unlock(note.sealed, "note", note.student_id, note.id) or b""
    student = student_of_id(connection, note.student_id)
    communication = {
        "resourceType": "Communication",
        "id": note.id,
        "status": "completed",
        "about": [{"reference": f"ServiceRequest/{note.referral_id}"}],
        "sent": instant(note.at),
        "payload": [{"contentString": text.decode()}],
    }
    return Stored(
        type="Communication",
        id=note.id,
        custodian=note.lea,
        sender_role="lea",
        audience=note.provider,
        agreement_id=note.agreement_id,
        student_id=note.student_id,
        referral_id=note.referral_id,
        element=ELEMENT,
        third_party=False,  # free text is taken to speak of others until somebody cleared it
        version=1,
        change=0,
        last_updated=note.at,
        birth_date=student.birth_date if student else None,
        body=orjson.dumps(communication).decode(),
    )
