"""The signed forms that came with a referral, and the end of any form."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import CompiledAgreement, seen_anew
from bridge.gate.accounts.recalls import Sought
from bridge.gate.agreements import compiled
from bridge.gate.disclosures import subject_of
from bridge.journeys.families.joint_consent import settle_student
from bridge.journeys.families.recall_releases import draft_recalls
from bridge.journeys.families.register_release import file_form
from bridge.ledger.append import append
from bridge.ledger.entry import Entry, Kind
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.directory import agreements
from bridge.store.facts.evidence import lock_students, supersede
from bridge.store.facts.releases import KeptRelease, mark_revoked, release
from bridge.store.intake import take_turn
from consent.signed_release import SignedRelease
from mappings.canonical import Referral, Release


def record_releases(
    connection: Connection,
    parts: Parts,
    agreement: CompiledAgreement,
    about: tuple[Referral, str, Sequence[str]],
) -> int:
    """Record the releases that came with a referral; returns how many facts were new.

    Recording the same form again changes nothing; an answer to a form that was pending is filed
    beside it. For a student of whom there are records the caller does it within
    :func:`bridge.gate.seen_anew`.

    Args:
        connection: a write transaction.
        parts: the bridge's parts.
        agreement: what the referral comes under.
        about: the referral, its student, and the id each form is filed under
            (:func:`release_id_of`, in the same turn).
    """
    referral, student_id, release_ids = about
    new = 0
    for release_id, came in zip(release_ids, referral.releases, strict=True):
        signed = _signed(came, parts, referral)
        kept = KeptRelease(release_id, student_id, agreement.id, signed)
        new += file_form(connection, parts, agreement, kept) or 0
    return new


def release_id_of(
    connection: Connection, parts: Parts, request_id: str, came: Release
) -> str | None:
    """Return the id a referral's form is filed under; None if another answer is on file already.

    A form that was pending when the referral came may be answered when its row comes again. An
    answer that was given is changed by filing the new form, never by importing the row again.
    """
    names = ("release", request_id, came.form)
    for release_id in (parts.identifiers.issue(*names), parts.identifiers.issue(*names, "answer")):
        kept = release(connection, release_id)
        if kept is None or _same_answer(kept.form, came):
            return release_id
        if kept.form.answer != "pending":
            return None
    return None


def _same_answer(kept: SignedRelease, came: Release) -> bool:
    return (kept.answer, kept.signed_on) == (came.answer, came.signed_on)


def _signed(came: Release, parts: Parts, referral: Referral) -> SignedRelease:
    relationship = came.signer_relationship
    return SignedRelease(
        form=came.form,
        answer=came.answer,
        signer=came.signer,
        signer_relationship=relationship.code if relationship else None,
        signed_on=came.signed_on,
        expires_on=came.expires_on,
        elements=came.elements,
        purposes=(came.purpose,) if came.purpose else (),
        recipient=came.recipient,
        discloser=came.discloser,
        statements=came.statements,
        recorded_at=parts.clock.now(),
        birth_date=referral.student.birth_date,
    )


def revoke_release(parts: Parts, release_id: str, effective: datetime | None = None) -> bool:
    """Revoke a signed release; False if there is none, or it was revoked before.

    Prospective (CGS 52-146e(c), 45 CFR 164.508(b)(5)): nothing is released under it once this
    returns. The lock on the student orders it against every release under way. The ledger keeps
    that it was revoked, and every recipient of what went out under it gets a notice drafted, where
    the agreement asks for one. What went out between a revocation and its entry here had no consent
    any more: of that every recipient gets a notice, whatever the agreement says.

    Args:
        parts: the bridge's parts.
        release_id: the form.
        effective: when the person took it back, if that was before it is entered.

    Raises:
        BridgeError: it is to take effect later than now, or before it was signed.
    """
    with write(parts.engine) as connection:
        take_turn(connection)
        kept = release(connection, release_id)
        if kept is None:
            return False
        lock_students(connection, [kept.student_id], share=False)
        kept = release(connection, release_id)  # another may have revoked it while we waited
        if kept is None or kept.form.revoked_at is not None:
            return False
        end_release(connection, parts, kept, effective)
    return True


def end_release(
    connection: Connection, parts: Parts, kept: KeptRelease, effective: datetime | None = None
) -> None:
    """Revoke a form in force; the caller has taken its turn and locked its student.

    Raises:
        BridgeError: it is to take effect later than now, or before it was signed.
    """
    now = parts.clock.now()  # under the lock: what was released while we waited came before
    since = _effective(kept.form, effective or now, now)
    with seen_anew(connection, parts, [kept.student_id]):
        supersede(connection, kept.id, kept.student_id, now, since)
        mark_revoked(connection, kept.id, since)
        settle_student(connection, parts, kept.student_id)
    append(connection, [revocation_of(parts, kept, since)], parts.clock)
    _draft(connection, parts, kept, (since, now))


def end_with_alike(
    connection: Connection, parts: Parts, asked: KeptRelease, others: Iterable[KeptRelease]
) -> None:
    """Revoke a form, and those of the same person that say the same to the same recipient.

    Args:
        connection: a write transaction that has the student locked.
        parts: the bridge's parts.
        asked: the form, in force.
        others: forms of the student that may be alike.
    """
    for each in {asked.id: asked, **{other.id: other for other in others}}.values():
        if each.form.revoked_at is None and _what(each) == _what(asked):
            end_release(connection, parts, each)


def _what(kept: KeptRelease) -> tuple[object, ...]:
    form = kept.form
    who = tuple(str(form.signer).casefold().split())
    return kept.agreement_id, who, form.answer, form.recipient, form.minor_consented


def _effective(form: SignedRelease, effective: datetime, now: datetime) -> datetime:
    """Check when a form was taken back.

    Raises:
        BridgeError: that is later than now, or before it was signed.
    """
    if effective > now:
        raise BridgeError(
            "a form is revoked from now or from before; enter a later day on that day"
        )
    if form.signed_on and effective.date() < form.signed_on:
        raise BridgeError("a form cannot be revoked before the day it was signed")
    return effective


def _draft(
    connection: Connection, parts: Parts, kept: KeptRelease, clocks: tuple[datetime, datetime]
) -> None:
    since, now = clocks
    if since < now:
        late = Sought(kept.student_id, kept.id, since=since)
        draft_recalls(connection, parts, late, "revoked-before-release")
    if _asks_recall(connection, kept.agreement_id):
        lawful = Sought(kept.student_id, kept.id, until=since if since < now else None)
        draft_recalls(connection, parts, lawful, "revoked")


def _asks_recall(connection: Connection, agreement_id: str) -> bool:
    """Whether the agreement asks for a notice; where its terms are not to be found, one is sent."""
    found = next((a for a in agreements(connection) if a.id == agreement_id), None)
    conflict = compiled(found).template.settings.consent_conflict if found else None
    return conflict is None or conflict.revoke_recall == "notice"


def revocation_of(parts: Parts, kept: KeptRelease, since: datetime) -> Entry:
    """Return the ledger's entry of a form that ended."""
    return Entry(
        log=kept.agreement_id,
        kind=Kind.REVOCATION,
        subject=subject_of(parts.identifiers, kept.student_id),
        evidence=(kept.id,),
        asked_at=since,
    )
