"""Signed releases become evidence: what each form covers, from when to when."""

import orjson
from sqlalchemy import Connection, insert, select, update
from sqlmodel import SQLModel

from bridge.gate import CompiledAgreement
from bridge.parts import Parts
from bridge.store.engine import write
from bridge.store.evidence import (
    NewEvidence,
    lock_students,
    record_evidence,
    supersede,
)
from bridge.store.intake import touch
from consent.releases import SignedRelease, evidence_of
from mappings.canonical import Referral, Release

_RELEASE = SQLModel.metadata.tables["signed_release"]


def record_releases(
    connection: Connection,
    parts: Parts,
    agreement: CompiledAgreement,
    about: tuple[Referral, str, str],
) -> int:
    """Record the releases that came with a referral; returns how many facts were new.

    Recording the same form again changes nothing. When a form opens something new the referral's
    records get a new change number, so that a partner who polls learns of it.
    """
    referral, student_id, request_id = about
    new = 0
    for release in referral.releases:
        release_id = parts.identifiers.issue("release", request_id, release.form)
        if _known(connection, release_id):
            continue
        signed = _signed(release, parts, referral)
        rows = _evidence(parts, agreement, signed, (release_id, student_id))
        new += record_evidence(connection, rows)
        _keep(connection, parts, agreement, (release, release_id, student_id))
    if new:
        touch(connection, [request_id], parts.clock.now())
    return new


def _known(connection: Connection, release_id: str) -> bool:
    query = select(_RELEASE.c.id).where(_RELEASE.c.id == release_id)
    return connection.execute(query).one_or_none() is not None


def _signed(release: Release, parts: Parts, referral: Referral) -> SignedRelease:
    relationship = release.signer_relationship
    return SignedRelease(
        form=release.form,
        answer=release.answer,
        signer=release.signer,
        signer_relationship=relationship.code if relationship else None,
        signed_on=release.signed_on,
        expires_on=release.expires_on,
        elements=release.elements,
        purposes=(release.purpose,) if release.purpose else (),
        recipient=release.recipient,
        discloser=release.discloser,
        statements=release.statements,
        recorded_at=parts.clock.now(),
        birth_date=referral.student.birth_date,
    )


def _evidence(
    parts: Parts,
    agreement: CompiledAgreement,
    signed: SignedRelease,
    ids: tuple[str, str],
) -> list[NewEvidence]:
    release_id, student_id = ids
    return [
        NewEvidence(
            id=parts.identifiers.issue("evidence", release_id, str(n)),
            fact=row.fact,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            recorded_at=parts.clock.now(),
            source="signed-release",
            source_id=release_id,
            agreement_id=agreement.id,
            student_id=student_id,
            element=row.element,
            purpose=row.purpose,
            recipient=row.recipient,
        )
        for n, row in enumerate(evidence_of(signed, agreement.template))
    ]


def _keep(
    connection: Connection,
    parts: Parts,
    agreement: CompiledAgreement,
    about: tuple[Release, str, str],
) -> None:
    release, release_id, student_id = about
    row = {
        "id": release_id,
        "student_id": student_id,
        "agreement_id": agreement.id,
        "parts": orjson.dumps(release).decode(),
        "recorded_at": parts.clock.now(),
        "revoked_at": None,
    }
    connection.execute(insert(_RELEASE), row)


def revoke_release(parts: Parts, release_id: str) -> bool:
    """Revoke a signed release; False if there is none, or it was revoked before.

    Prospective (CGS 52-146e(c)): nothing is released under it once this returns. The lock on the
    student orders it against every release under way.
    """
    with write(parts.engine) as connection:
        query = select(_RELEASE.c.student_id).where(
            _RELEASE.c.id == release_id, _RELEASE.c.revoked_at.is_(None)
        )
        student_id = connection.execute(query).scalar_one_or_none()
        if student_id is None:
            return False
        lock_students(connection, [student_id], share=False)
        now = parts.clock.now()  # under the lock: what was released while we waited came before
        supersede(connection, release_id, student_id, now)
        connection.execute(
            update(_RELEASE).where(_RELEASE.c.id == release_id).values(revoked_at=now)
        )
    return True
