"""Who may sign for a student: entered, listed, ended; and what that makes of the forms on file.

34 CFR 99.4 gives each parent full rights unless a court order, statute or binding document says
otherwise; 45 CFR 164.502(g) follows the law of the state. Where the register knows a student's
guardians, a form signed by anybody else is kept and sets no fact. Where it knows none, the
relationship that the form states counts.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import Connection

from bridge.errors import BridgeError
from bridge.gate import agreements_of, seen_anew
from bridge.gate.accounts.recalls import Sought
from bridge.journeys.families.joint_consent import fell_by_order, settle_student
from bridge.journeys.families.recall_releases import draft_recalls
from bridge.journeys.families.register_release import record_facts
from bridge.journeys.families.signing import who_of
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.directory import StudentEntry, student_of_key
from bridge.store.facts.evidence import lock_students, supersede
from bridge.store.facts.guardians import (
    KeptGuardian,
    guardians_of,
    keep_guardian,
    supersede_guardian,
)
from bridge.store.facts.releases import KeptRelease, releases, releases_of
from bridge.store.intake import take_turn
from consent.calendar import start_of
from consent.joint import asks_all
from consent.signers import Signer, signer_of

RIGHTS = ("education", "health")


@dataclass(frozen=True, slots=True)
class Guardian:
    """One person's authority as the office enters it.

    Attributes:
        relationship: v3-RoleCode (MTH, FTH, GUARD ...).
        may_sign: ``education``, ``health`` or both.
        first_day, last_day: from and to which day it holds, both included.
        source: what it rests on, in one word: ``roster``, ``court-order``, ``affidavit``.
    """

    name: str
    relationship: str
    may_sign: tuple[str, ...]
    first_day: date
    source: str
    last_day: date = date.max


def add_guardian(parts: Parts, lea: str, local_id: str, guardian: Guardian) -> tuple[str, bool]:
    """Enter an authority; returns its id, and whether it is new.

    Forms on file that waited for it set their facts now. Those of others that counted while the
    register knew nobody stand until the office takes them back. Where every guardian must sign,
    what lacks this one's signature ends now, and what went out without it since the authority's
    first day is recalled.

    Raises:
        BridgeError: the district has no such student, or the authority does not hold together.
    """
    _check(guardian)
    with write(parts.engine) as connection:
        student = _locked(connection, lea, local_id)
        who = who_of(parts.identifiers, student.id, guardian.name)
        said = (guardian.relationship, *guardian.may_sign, guardian.first_day.isoformat())
        kept = KeptGuardian(
            id=parts.identifiers.issue("guardianship", student.id, who, *said, guardian.source),
            student_id=student.id,
            who=who,
            relationship=guardian.relationship,
            may_sign=guardian.may_sign,
            first_day=guardian.first_day,
            last_day=guardian.last_day,
            source=guardian.source,
            recorded_at=parts.clock.now(),
        )
        with seen_anew(connection, parts, [student.id]):
            new = keep_guardian(connection, kept)
            if new:
                _count_forms(connection, parts, student, who)
                _recall_unsigned(connection, parts, student, guardian.first_day)
    return kept.id, new


def guardians(parts: Parts, lea: str, local_id: str) -> list[KeptGuardian]:
    """Return the authorities over a student, also those that ended; none if not known."""
    with read(parts.engine) as connection:
        student = student_of_key(connection, lea, local_id)
        return guardians_of(connection, student.id) if student else []


def end_guardian(parts: Parts, lea: str, local_id: str, ended: tuple[str, date, str]) -> int | None:
    """Record that an authority ended; None if there is none of that id.

    Forms signed after its last day set no fact any more, and what went out under them is recalled;
    what was signed before stands until it is revoked or expires. Returns how many forms fell.

    Args:
        parts: the bridge's parts.
        lea: short name of the district.
        local_id: the district's number of the student.
        ended: id of the authority, its last day, and what says so (``court-order`` ...).

    Raises:
        BridgeError: the district has no such student.
    """
    guardian_id, last_day, source = ended
    with write(parts.engine) as connection:
        student = _locked(connection, lea, local_id)
        known = {each.id: each for each in guardians_of(connection, student.id)}
        before = known.get(guardian_id)
        if before is None:
            return None
        now = parts.clock.now()
        supersede_guardian(connection, guardian_id, now)
        again = parts.identifiers.issue(guardian_id, last_day.isoformat(), now.isoformat())
        after = replace(before, id=again, last_day=last_day, source=source, recorded_at=now)
        keep_guardian(connection, after)
        with seen_anew(connection, parts, [student.id]):
            return _end_forms(connection, parts, student, after)


def _check(guardian: Guardian) -> None:
    if not guardian.name.strip() or not guardian.source.strip():
        raise BridgeError("name the guardian, and what the authority rests on")
    if signer_of(guardian.relationship) is not Signer.GUARDIAN:
        raise BridgeError("the relationship is a guardian's v3-RoleCode, such as MTH or GUARD")
    if not guardian.may_sign or not set(guardian.may_sign) <= set(RIGHTS):
        raise BridgeError(f"what they may sign is one or both of: {', '.join(RIGHTS)}")
    if guardian.last_day < guardian.first_day:
        raise BridgeError("the last day lies before the first")


def _locked(connection: Connection, lea: str, local_id: str) -> StudentEntry:
    take_turn(connection)
    student = student_of_key(connection, lea, local_id)
    if student is None:
        raise BridgeError(f"{lea} has no student of that number; import the roster first")
    lock_students(connection, [student.id], share=False)
    return student


def _signed_by(
    connection: Connection, parts: Parts, student: StudentEntry, who: str
) -> list[KeptRelease]:
    return [
        kept
        for kept in releases_of(connection, student.id)
        if kept.form.revoked_at is None
        and who_of(parts.identifiers, student.id, kept.form.signer or "") == who
    ]


def _count_forms(connection: Connection, parts: Parts, student: StudentEntry, who: str) -> None:
    """Let forms on file set the facts they could not set before."""
    bound = {each.id: each for each in agreements_of(connection, "lea", student.lea)}
    for kept in _signed_by(connection, parts, student, who):
        agreement = bound.get(kept.agreement_id)
        if agreement is None or asks_all(agreement.template):
            continue
        if fell_by_order(connection, parts, kept):
            continue  # signed while an order kept them out, or ended by it: to be signed anew
        record_facts(connection, parts, agreement, kept)


def _recall_unsigned(
    connection: Connection, parts: Parts, student: StudentEntry, first_day: date
) -> None:
    """Settle where every guardian must sign; recall what went out without a signature it needed."""
    zones = {a.id: a.agreement.effective.tz for a in agreements_of(connection, "lea", student.lea)}
    closed = settle_student(connection, parts, student.id)
    for form_id, kept in releases(connection, closed).items():
        since = start_of(first_day, zones[kept.agreement_id])
        draft_recalls(connection, parts, Sought(student.id, form_id, since=since), "defective")


def _end_forms(
    connection: Connection, parts: Parts, student: StudentEntry, after: KeptGuardian
) -> int:
    zones = {a.id: a.agreement.effective.tz for a in agreements_of(connection, "lea", student.lea)}
    fallen = 0
    for kept in _signed_by(connection, parts, student, after.who):
        form, zone = kept.form, zones.get(kept.agreement_id)
        if zone is None or form.signed_on is None or form.signed_on <= after.last_day:
            continue
        since = start_of(after.last_day + timedelta(days=1), zone)
        supersede(connection, kept.id, student.id, parts.clock.now(), since)
        draft_recalls(connection, parts, Sought(student.id, kept.id), "defective")
        fallen += 1
    settle_student(connection, parts, student.id)
    return fallen
