"""The forms of one student as FHIR Consent, for another consent service of the same district.

The district keeps the forms; handing them on is its own act, and the ledger keeps that it was done.
"""

from collections.abc import Sequence

import orjson
from sqlalchemy import Connection

from bridge.gate.disclosures import subject_of
from bridge.gate.released import GATE_MARK, Released, ReleasedResource
from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind
from bridge.parts import Parts
from bridge.store.directory import StudentEntry
from bridge.store.facts.releases import KeptRelease, releases_of
from consent.signed_release import SignedRelease
from mappings.fhir.consent_exchange import ExchangedForm, Lost, build, lost


def release_consents(
    connection: Connection, parts: Parts, student: StudentEntry
) -> tuple[Released, tuple[Lost, ...]]:
    """Release a student's forms, with what a Consent of R4 does not carry of them.

    Inside a write transaction that the caller commits.
    """
    every = releases_of(connection, student.id)
    # INVARIANT: a Consent that lacked the limit would be read as wider than what was signed.
    kept = [each for each in every if each.form.referral is None]
    append(connection, _entries(parts, student, kept), parts.clock)
    sealed = tuple(_sealed(parts, student, each) for each in kept)
    missing = dict.fromkeys(what for each in kept for what in lost(_exchanged(each.form)))
    if len(kept) < len(every):
        missing[Lost("Consent", "a form that is for one referral alone: it is not written")] = None
    return Released(matches=sealed, total=len(sealed), mark=GATE_MARK), tuple(missing)


def _exchanged(form: SignedRelease) -> ExchangedForm:
    signers = (
        (form.signer_relationship or "", form.signer or ""),
        (form.cosigner_relationship or "", ""),
    )
    return ExchangedForm(
        form=form.form,
        answer=form.answer,
        signers=tuple(each for each in signers if any(each)),
        signed_on=form.signed_on,
        expires_on=form.expires_on,
        elements=form.elements,
        purposes=form.purposes,
        recipient=form.recipient,
        discloser=form.discloser,
        statements=form.statements,
        minor_consented=form.minor_consented,
        revoked=form.revoked_at is not None,
    )


def _sealed(parts: Parts, student: StudentEntry, kept: KeptRelease) -> ReleasedResource:
    patient = {"reference": f"Patient/{student.id}"}
    consent = build(_exchanged(kept.form), kept.id, patient)
    body = orjson.dumps(consent)
    version = parts.identifiers.seal("consent", student.lea, body.decode())
    changed = kept.form.revoked_at or kept.form.recorded_at
    return ReleasedResource("Consent", kept.id, version, changed, body, GATE_MARK)


def _entries(parts: Parts, student: StudentEntry, kept: Sequence[KeptRelease]) -> list[Entry]:
    subject = subject_of(parts.identifiers, student.id)
    return [
        Entry(
            log=agreement_id,
            kind=Kind.ACCOUNT,
            releasing=student.lea,
            receiving=student.lea,
            role="records_custodian",
            purpose="rights",
            request="",
            subject=subject,
            evidence=tuple(sorted(k.id for k in kept if k.agreement_id == agreement_id)),
        )
        for agreement_id in sorted({each.agreement_id for each in kept})
    ]
