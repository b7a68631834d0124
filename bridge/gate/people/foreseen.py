"""What some callers could read of records that a transaction wrote and will not keep.

It releases nothing: it is for whoever wrote the records, to be told what would leave.

INVARIANT: it decides what the gate decides when they ask, from the same records and facts: whether
they may know of a record at all, and what of it they may read. Nothing of it is remembered.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from bridge.gate.authorise import DIRECTORY_TYPES, SESSION_TYPES
from bridge.gate.deciding import judged
from bridge.gate.decisions import may_know
from bridge.gate.disclosures import seen_of
from bridge.gate.released import Seen
from bridge.gate.viewers import present_viewer
from bridge.identity import Caller
from bridge.parts import HasParts
from bridge.store.by_student import of_students
from bridge.store.facts.evidence import evidence_of, lock_students, not_before_known
from bridge.store.search.index import PARAMETERS
from bridge.store.vault import named

_SHARED: Final = ("Patient", "RelatedPerson")
_SENT: Final = sorted({*PARAMETERS} - {*DIRECTORY_TYPES, *SESSION_TYPES})


def foreseen(
    connection: Connection, parts: HasParts, callers: Sequence[Caller], request_id: str
) -> list[Seen]:
    """Return what each of some callers could read of a referral, its student and the family.

    Whatever its scopes; references that depend on what else it may read are left out.
    """
    (request,) = named(connection, "ServiceRequest", [request_id])
    students = {request.student_id}
    records = [
        each
        for each in of_students(connection, _SENT, students)
        if each.referral_id == request_id
        or (each.type in _SHARED and each.agreement_id == request.agreement_id)
    ]
    lock_students(connection, students, share=True)
    now = not_before_known(connection, students, parts.clock.now())
    evidence = evidence_of(connection, students, now)
    found: list[Seen] = []
    for caller in callers:
        viewer = present_viewer(connection, caller, parts.clock)
        known = [each for each in records if may_know(viewer, each, (evidence, now))]
        told = judged(connection, viewer, known, ({}, evidence, (parts.identifiers, now)))
        found += (seen_of(each) for each in told if each is not None)
    return found
