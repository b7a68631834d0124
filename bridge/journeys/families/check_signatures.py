"""A form whose text, parts or signature were changed after it was signed is not valid, and ends.

To be found invalid is not to be withdrawn: nobody took anything back, so nothing that went out
under the form had a consent. It never set a fact, as far as the register can still say.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from bridge.gate import seen_anew
from bridge.gate.accounts.recalls import Sought
from bridge.journeys.families.joint_consent import settle_student
from bridge.journeys.families.recall_releases import draft_recalls
from bridge.journeys.families.record_releases import revocation_of
from bridge.journeys.families.signature_record import faults_of
from bridge.ledger.append import append
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.facts.evidence import lock_students, supersede
from bridge.store.facts.releases import KeptRelease, mark_revoked, release, releases
from bridge.store.facts.signatures import Invalid, mark_invalid, signatures, text_of
from bridge.store.intake import take_turn


@dataclass(frozen=True, slots=True)
class Fault:
    """A form that is not as it was signed, and what of it was changed."""

    release_id: str
    changed: tuple[str, ...]


def check_signatures(parts: Parts) -> list[Fault]:
    """Look through every signature; what is not as it was signed is made invalid.

    Returns those found now. Forms without a signature record came from files or other services.
    """
    with read(parts.engine) as connection:
        found = _faults(connection, parts)
    for fault in found:
        invalidate_release(parts, fault.release_id, ("register", f"changed: {fault.changed[0]}"))
    return found


def _faults(connection: Connection, parts: Parts) -> list[Fault]:
    kept = signatures(connection)
    forms = releases(connection, kept.keys())
    found = []
    for release_id, signature in kept.items():
        form = forms[release_id]
        text = text_of(connection, signature.text_digest)
        changed = faults_of(parts.identifiers, signature, form, text)
        if changed and form.form.revoked_at is None:
            found.append(Fault(release_id, changed))
    return found


def invalidate_release(parts: Parts, release_id: str, said: tuple[str, str]) -> bool:
    """End a form that was never valid; False if there is none in force.

    Its facts end as from when it was recorded, and whatever went out under it is recalled.

    Args:
        parts: the bridge's parts.
        release_id: the form.
        said: who found it, and why it is not valid.
    """
    with write(parts.engine) as connection:
        take_turn(connection)
        kept = release(connection, release_id)
        if kept is None:
            return False
        lock_students(connection, [kept.student_id], share=False)
        kept = release(connection, release_id)
        if kept is None or kept.form.revoked_at is not None:
            return False
        with seen_anew(connection, parts, [kept.student_id]):
            _end(connection, parts, kept, said)
    return True


def _end(connection: Connection, parts: Parts, kept: KeptRelease, said: tuple[str, str]) -> None:
    now, since = parts.clock.now(), kept.form.recorded_at
    supersede(connection, kept.id, kept.student_id, now, since)
    mark_revoked(connection, kept.id, since)
    mark_invalid(connection, Invalid(kept.id, now, *said))
    settle_student(connection, parts, kept.student_id)
    append(connection, [revocation_of(parts, kept, since)], parts.clock)
    draft_recalls(connection, parts, Sought(kept.student_id, kept.id), "defective")
