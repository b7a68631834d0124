"""Somebody of a school writes a note about a referral: for the school alone, or for the provider.

An internal note is the school's own education record: it goes nowhere, and a parent may ask for it
(34 CFR 99.10). A shared one goes through the gate each time the provider looks. Whoever shares one
has read it and says that it names nobody else; that counts for this note and no other text.
"""

from dataclasses import dataclass, field
from datetime import datetime

import orjson
from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import agreement_between, may_ever_share, release_notes
from bridge.identity import Caller
from bridge.journeys.answers.answer_by_hand import clinic_caller
from bridge.journeys.referrals.withdraw_referral import OwnNumber, locked_referral
from bridge.parts import HasParts, Parts
from bridge.store.database.engine import read, write
from bridge.store.facts.evidence import NewEvidence, record_evidence
from bridge.store.people.notes import INTERNAL, SHARED, Note, add_note, notes_about
from bridge.store.referrals import referrals_of

_READ_BY_ITS_WRITER = ("human_reviewed", "third_party_cleared")
_ELEMENT = "referral.note"


@dataclass(frozen=True, slots=True)
class NewNote:
    """A note as it was written.

    Attributes:
        act: of the page it was written on: sent twice, it is one note.
        read_through: its writer has read it as it goes, and says that it names nobody else.
    """

    act: str
    kind: str
    text: str = field(repr=False)
    read_through: bool = False


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """A note as its own school reads it."""

    kind: str
    text: str = field(repr=False)
    at: datetime
    who: str
    role: str


def may_share(parts: HasParts, lea: str, provider: str) -> bool:
    """Tell whether the agreement between the two has a flow for a note."""
    with read(parts.engine) as connection:
        agreement = agreement_between(connection, lea, provider)
    return agreement is not None and may_ever_share(agreement)


def write_note(parts: Parts, caller: Caller, own: OwnNumber, note: NewNote) -> None:
    """Keep a note about a district's referral; the same act again changes nothing.

    Raises:
        BridgeError: there is no such referral, the note is empty, or it may not be shared.
    """
    if note.kind not in (INTERNAL, SHARED) or not note.text.strip():
        raise BridgeError("a note is internal or shared, and says something")
    shared = note.kind == SHARED
    if shared and not (note.read_through and may_share(parts, own.lea, own.provider)):
        raise BridgeError("a note is shared once it was read through, where the agreement lets it")
    with write(parts.engine) as connection:
        referral, now = locked_referral(connection, own), parts.clock.now()
        note_id = parts.identifiers.issue("note", own.lea, referral.request_id, note.act)
        kept = Note(
            id=note_id,
            lea=own.lea,
            provider=own.provider,
            agreement_id=referral.agreement_id,
            student_id=referral.student_id,
            referral_id=referral.request_id,
            kind=note.kind,
            sealed=parts.identifiers.lock(note.text.encode(), "note", referral.student_id, note_id),
            at=now,
            who=caller.client_id,
            role=caller.role,
        )
        if add_note(connection, kept) and shared:
            _read_through(connection, parts, kept)


def notes_of(parts: Parts, own: OwnNumber) -> list[WrittenNote]:
    """Return a district's own notes about its referral, the latest first."""
    with read(parts.engine) as connection:
        found = referrals_of(connection, own.provider, None, own.number)
        ids = [each.request_id for each in found if each.lea == own.lea]
        kept = notes_about(connection, own.lea, ids)
    opened = ((n, parts.identifiers.unlock(n.sealed, "note", n.student_id, n.id)) for n in kept)
    notes = [WrittenNote(n.kind, t.decode(), n.at, n.who, n.role) for n, t in opened if t]
    return list(reversed(notes))


def notes_shared(whole: HasParts, staff: Caller, request_id: str) -> list[tuple[str, str]]:
    """Return when and what a school wrote to the provider of a signed-in person, as released."""
    released = release_notes(whole, clinic_caller(staff), request_id)
    bodies = [orjson.loads(each.body) for each in released.matches]
    return [(str(b["sent"])[:10], str(b["payload"][0]["contentString"])) for b in bodies]


def _read_through(connection: Connection, parts: Parts, note: Note) -> None:
    now = parts.clock.now()
    record_evidence(
        connection,
        [
            NewEvidence(
                id=parts.identifiers.issue("review", note.id, fact),
                fact=fact,
                valid_from=now,
                recorded_at=now,
                source="note",
                source_id=f"review/{note.id}/{_ELEMENT}/{fact}",
                agreement_id=note.agreement_id,
                student_id=note.student_id,
                referral_id=note.referral_id,
                record_id=note.id,
                element=_ELEMENT,
            )
            for fact in _READ_BY_ITS_WRITER
        ],
    )
