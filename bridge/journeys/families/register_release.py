"""A signed form comes into the register: what it is evidence of, and what it still lacks."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

import orjson
from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement, agreement_between, seen_anew
from bridge.identifiers import Identifiers
from bridge.journeys.families.guardian_blocks import is_blocked
from bridge.journeys.families.joint_consent import WAITS, settle
from bridge.journeys.families.signing import NO_AUTHORITY, authorised, only_of
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.directory import StudentEntry, student_of_key
from bridge.store.facts.evidence import NewEvidence, lock_students, record_evidence
from bridge.store.facts.releases import KeptRelease, forms, keep_release, releases_of
from bridge.store.intake import take_turn
from consent.disputes import disputes
from consent.joint import asks_all
from consent.releases import Evidence, evidence_of, forms_met, missing_parts
from consent.signed_release import SignedRelease

BLOCKED = "signed by a guardian whom a court order keeps from deciding; it sets no fact"
HELD = "guardians disagree; held by the agreement's own choice, not by 34 CFR 99.4"


@dataclass(frozen=True, slots=True)
class Filed:
    """What the register says of a form.

    Attributes:
        new: False when the same form was there already.
        met: the laws' forms it meets, computed from its parts.
        missing: per form of the template, the parts it lacks.
        facts: how many facts it set.
        notes: why it sets none, or why what it permits is held.
    """

    id: str
    new: bool
    met: tuple[str, ...] = ()
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    facts: int = 0
    notes: tuple[str, ...] = ()


def file_release(
    parts: Parts, parties: tuple[str, str], local_id: str, form: SignedRelease
) -> Filed:
    """File one form of a student under the agreement of a district and a provider.

    Filing the same form again changes nothing. Birth date and the instant of recording are the
    register's own, whatever the form given says.

    Raises:
        BridgeError: the district has no such student, or there is no agreement.
    """
    with write(parts.engine) as connection:
        take_turn(connection)
        agreement, student = known(connection, parties, local_id)
        lock_students(connection, [student.id], share=False)
        now = parts.clock.now()
        form = replace(form, birth_date=student.birth_date, recorded_at=now)
        release_id = release_id_of(parts.identifiers, student.id, form)
        with seen_anew(connection, parts, [student.id]):
            filed = register(connection, parts, agreement, KeptRelease(
                release_id, student.id, agreement.id, form
            ))  # fmt: skip
    return filed


def forms_of(parts: Parts, lea: str, local_id: str) -> list[KeptRelease]:
    """Return the forms of one student, for the office that keeps them; none if not known."""
    with read(parts.engine) as connection:
        student = student_of_key(connection, lea, local_id)
        return releases_of(connection, student.id) if student else []


def known(
    connection: Connection, parties: tuple[str, str], local_id: str
) -> tuple[CompiledAgreement, StudentEntry]:
    """Return the agreement of two parties and a student of the district.

    Raises:
        BridgeError: either is not known; the text repeats no value.
    """
    agreement = agreement_between(connection, *parties)
    if agreement is None:
        raise BridgeError(f"there is no agreement between {parties[0]} and {parties[1]}")
    student = student_of_key(connection, parties[0], local_id)
    if student is None:
        raise BridgeError(f"{parties[0]} has no student of that number; import the roster first")
    return agreement, student


def release_id_of(identifiers: Identifiers, student_id: str, form: SignedRelease) -> str:
    """Return the id of a form: the same parts give the same id, so filing is idempotent."""
    said = {k: v for k, v in asdict(form).items() if k not in ("recorded_at", "revoked_at")}
    if form.referral is None:
        del said["referral"]  # a form that names none is known by the parts it was always known by
    return identifiers.issue("release", student_id, orjson.dumps(said).decode())


def register(
    connection: Connection, parts: Parts, agreement: CompiledAgreement, kept: KeptRelease
) -> Filed:
    """Keep a form and record what it is evidence of; the student is locked by the caller.

    A form signed by a guardian whom a court order blocks, or by somebody who may not sign it, is
    kept and sets no fact.
    """
    facts = file_form(connection, parts, agreement, kept)
    if facts is None:
        return Filed(kept.id, new=False)
    template, form = agreement.template, kept.form
    return Filed(
        kept.id,
        new=True,
        met=tuple(sorted(forms_met(form, template))),
        missing={n: lacking for n, lacking in missing_parts(form, template).items() if lacking},
        facts=facts,
        notes=tuple(_notes(connection, parts, agreement, kept, waits=not facts)),
    )


def file_form(
    connection: Connection, parts: Parts, agreement: CompiledAgreement, kept: KeptRelease
) -> int | None:
    """Do :func:`register` where nobody asks what the form lacks.

    Returns how many facts are new; None for a form that is on file already.
    """
    if not keep_release(connection, kept):
        return None
    return record_facts(connection, parts, agreement, kept)


def record_facts(
    connection: Connection, parts: Parts, agreement: CompiledAgreement, kept: KeptRelease
) -> int:
    """Record what a form on file is evidence of, as far as its signer had authority.

    Returns how many facts are new; none for a guardian whom a court order blocks. Where every
    guardian must sign, those that all of them together consent to, from whosever form.
    """
    if asks_all(agreement.template):
        return settle(connection, parts, agreement, kept.student_id).new
    now = parts.clock.now()
    if is_blocked(connection, parts.identifiers, (kept.student_id, kept.form.signer), now):
        return 0
    every = _all_rows(agreement, kept)
    rows = authorised(connection, parts.identifiers, agreement.template, (kept, every))
    return record_evidence(connection, _evidence(parts, agreement, kept, (every, rows)))


def _notes(
    connection: Connection,
    parts: Parts,
    agreement: CompiledAgreement,
    kept: KeptRelease,
    *,
    waits: bool,
) -> list[str]:
    now, who = parts.clock.now(), (kept.student_id, kept.form.signer)
    notes = [BLOCKED] if is_blocked(connection, parts.identifiers, who, now) else []
    every = _all_rows(agreement, kept)
    rows = authorised(connection, parts.identifiers, agreement.template, (kept, every))
    if len(rows) < len(every):
        notes.append(NO_AUTHORITY)
    elif not notes and waits and asks_all(agreement.template) and every:
        notes.append(WAITS)
    of_agreement = [
        other
        for other in releases_of(connection, kept.student_id)
        if other.agreement_id == agreement.id
    ]
    if any(found.held for found in disputes(forms(of_agreement), agreement.template)):
        notes.append(HELD)
    return notes


def _all_rows(agreement: CompiledAgreement, kept: KeptRelease) -> tuple[Evidence, ...]:
    return evidence_of(kept.form, agreement.template, agreement.agreement.effective.tz)


def _evidence(
    parts: Parts,
    agreement: CompiledAgreement,
    kept: KeptRelease,
    given: tuple[Sequence[Evidence], Sequence[Evidence]],
) -> list[NewEvidence]:
    """Return what is recorded of a form, given all it is evidence of and what its signer could."""
    every, rows = given
    now, place = parts.clock.now(), {row: n for n, row in enumerate(every)}
    return [
        NewEvidence(
            id=parts.identifiers.issue("evidence", kept.id, str(place[row])),
            fact=row.fact,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            recorded_at=now,
            source="signed-release",
            source_id=kept.id,
            agreement_id=agreement.id,
            student_id=kept.student_id,
            element=row.element,
            purpose=row.purpose,
            recipient=row.recipient,
            referral_id=only_of(parts.identifiers, agreement, kept.form, row),
        )
        for row in rows
    ]
