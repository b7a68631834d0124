"""A student is erased because a law asks for it or the record's time is over.

Nothing is erased while something about the student is still owed: a recall nobody acknowledged
would leave a partner using what was taken back, and an open referral would be lost. Who erased and
why is entered in the ledger, whose entries stay: they name the student by a pseudonym.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bridge.errors import BridgeError
from bridge.gate import agreements_of
from bridge.gate.disclosures import subject_of
from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind
from bridge.migrations.catalogue import metadata
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.directory import student_of_key
from bridge.store.erasing import erase_rows, owed_about
from bridge.store.facts.evidence import lock_students
from bridge.store.people.follow_lines import hold_every_viewer


class Because(StrEnum):
    """Why a student is erased."""

    ORDER = "order"
    REQUEST = "request"
    TIME_OVER = "time-over"


@dataclass(frozen=True, slots=True)
class Erasing:
    """A district's number of a student, who erases and why."""

    lea: str
    number: str
    by: str
    because: Because


def erase_student(parts: Parts, asked: Erasing) -> Mapping[str, int]:
    """Erase all that is about a student; returns how many rows of which table went.

    Raises:
        BridgeError: there is no such student, or something about the student is still owed.
    """
    with write(parts.engine) as connection:
        student = student_of_key(connection, asked.lea, asked.number)
        if student is None:
            raise BridgeError("the district has no student with that number")
        hold_every_viewer(connection)
        lock_students(connection, {student.id}, share=False)
        owed = owed_about(connection, metadata.sorted_tables, student.id)
        if owed:
            told = ", ".join(f"{name}: {count}" for name, count in sorted(owed.items()))
            raise BridgeError(f"first bring to an end what is open about the student ({told})")
        entries = [
            Entry(
                log=agreement.id,
                kind=Kind.EVIDENCE,
                request=f"{asked.by}: erased, {asked.because}",
                subject=subject_of(parts.identifiers, student.id),
            )
            for agreement in agreements_of(connection, "lea", asked.lea)
        ]
        append(connection, entries, parts.clock)
        return erase_rows(connection, metadata.sorted_tables, student.id)
