"""Where an agreement wants every guardian to sign: what the forms on file come to together.

The agreement's own choice (``consent_conflict.guardians_disagree: all_must_sign``); 34 CFR 99.4 is
content with one parent. What counts is worked out anew from the forms and the register of guardians
whenever either changes, under the lock that orders it against every release.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection, select

from bridge.gate import CompiledAgreement, agreements_of
from bridge.journeys.families.signing import authorised, only_of, right_of, who_of
from bridge.parts import Parts
from bridge.store.facts.conditions import EVIDENCE
from bridge.store.facts.evidence import NewEvidence, lock_students, record_evidence, supersede
from bridge.store.facts.guardians import guardians_of
from bridge.store.facts.releases import KeptRelease, releases_of
from bridge.store.referrals import lea_of
from consent.joint import Authority, Given, asks_all, is_students_own, joint
from consent.releases import DISSENT, evidence_of

WAITS = (
    "every guardian on the register must sign, by the agreement's own choice; "
    "it sets no fact until they have"
)
_Said: TypeAlias = tuple[str, str, str, str, str, datetime, datetime]
_SAID = ("fact", "element", "purpose", "recipient", "referral_id", "valid_from", "valid_to")


@dataclass(frozen=True, slots=True)
class Settled:
    """What changed: how many facts are new, and which forms consent to less than before."""

    new: int
    closed: tuple[str, ...]


def settle_student(connection: Connection, parts: Parts, student_id: str) -> tuple[str, ...]:
    """Settle every agreement of a student's district that wants all signatures.

    Returns the ids of the forms that consent to less than before.
    """
    bound = agreements_of(connection, "lea", lea_of(connection, student_id))
    settled = [
        settle(connection, parts, agreement, student_id)
        for agreement in bound
        if asks_all(agreement.template)
    ]
    return tuple(form for each in settled for form in each.closed)


def settle(
    connection: Connection, parts: Parts, agreement: CompiledAgreement, student_id: str
) -> Settled:
    """Let the forms of a student set the facts that all guardians together consent to, and no more.

    From now on: what went out before was lawful as it was known then. Callers do it
    within :func:`bridge.gate.seen_anew`, so that who sees what opens finds it by time.
    """
    lock_students(connection, [student_id], share=False)
    now, new, closed = parts.clock.now(), 0, []
    filed = [k for k in releases_of(connection, student_id) if k.agreement_id == agreement.id]
    wanted = _wanted(connection, parts, agreement, filed)
    for kept in filed:
        there = _there(connection, kept, now)
        want = {said for said in wanted.get(kept.id, ()) if said[-1] > now}
        if there == want:
            continue
        supersede(connection, kept.id, student_id, now)
        new += record_evidence(connection, [_row(parts, kept, said) for said in sorted(want)])
        if there - want:
            closed.append(kept.id)
    return Settled(new, tuple(closed))


def _wanted(
    connection: Connection,
    parts: Parts,
    agreement: CompiledAgreement,
    filed: Sequence[KeptRelease],
) -> dict[str, set[_Said]]:
    template, tz = agreement.template, agreement.agreement.effective.tz
    shared: list[Given] = []
    counted: list[Given] = []
    for kept in filed:
        if fell_by_order(connection, parts, kept):
            continue
        rows = authorised(
            connection, parts.identifiers, template, (kept, evidence_of(kept.form, template, tz))
        )
        who = who_of(parts.identifiers, kept.student_id, kept.form.signer or "")
        for row in rows:
            refusal = row.fact == DISSENT
            right = "" if refusal else right_of(template, row.source)
            limited = only_of(parts.identifiers, agreement, kept.form, row)
            given = Given(kept.id, who, right, row, limited)
            if refusal or not is_students_own(kept.form, row.source, template):
                shared.append(given)
            if refusal or is_students_own(kept.form, row.source, template):
                counted.append(given)
    register = [
        Authority(g.who, g.may_sign, g.first_day, g.last_day)
        for student_id in {kept.student_id for kept in filed}
        for g in guardians_of(connection, student_id)
    ]
    wanted: dict[str, set[_Said]] = {}
    for each in (*counted, *joint(shared, register, tz)):
        wanted.setdefault(each.form, set()).add(_said(each))
    return wanted


def _said(given: Given) -> _Said:
    row = given.row
    return (
        *(str(row.fact), row.element, row.purpose, row.recipient, given.referral),
        row.valid_from,
        row.valid_to,
    )


def _there(connection: Connection, kept: KeptRelease, now: datetime) -> set[_Said]:
    row = EVIDENCE.c
    query = select(*(row[name] for name in _SAID)).where(
        row.source_id == kept.id,
        row.student_id == kept.student_id,
        row.superseded_at.is_(None),
        row.valid_to > now,
    )
    return {tuple(found) for found in connection.execute(query)}


def _row(parts: Parts, kept: KeptRelease, said: _Said) -> NewEvidence:
    now = parts.clock.now()
    fact, element, purpose, recipient, referral_id, valid_from, valid_to = said
    instants = (each.isoformat() for each in (valid_from, valid_to, now))
    return NewEvidence(
        id=parts.identifiers.issue("evidence", kept.id, *said[:5], *instants),
        fact=fact,
        valid_from=valid_from,
        valid_to=valid_to,
        recorded_at=now,
        source="signed-release",
        source_id=kept.id,
        agreement_id=kept.agreement_id,
        student_id=kept.student_id,
        element=element,
        purpose=purpose,
        recipient=recipient,
        referral_id=referral_id,
    )


def fell_by_order(connection: Connection, parts: Parts, kept: KeptRelease) -> bool:
    """Whether an order has kept the signer from deciding since the form was filed.

    Also one that was lifted: a form that ended by it must be signed anew.
    """
    row, signer = EVIDENCE.c, kept.form.signer
    if not signer:
        return False
    query = select(row.id).where(
        row.student_id == kept.student_id,
        row.source_id == f"order/{who_of(parts.identifiers, kept.student_id, signer)}",
        row.superseded_at.is_(None),
        row.valid_to > kept.form.recorded_at,
    )
    return bool(connection.scalar(select(query.exists())))
