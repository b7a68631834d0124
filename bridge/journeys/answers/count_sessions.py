"""Whether a student's sessions are still within the limit for care on the minor's own consent.

Only a law pack that asks for ``sessions_within_limit`` has it supplied. The limit is the law's
(``minor_consent.session_limit`` of the pack, in force on the day) or the agreement's own, whichever
is lower. The state gets the answer of a decision at most, never the count.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from bridge.gate import CompiledAgreement, seen_anew
from bridge.parts import Parts
from bridge.store.facts.conditions import EVIDENCE
from bridge.store.facts.evidence import NewEvidence, lock_students, record_evidence, supersede
from bridge.store.referrals import lea_of
from bridge.store.sessions import sessions_of
from consent.calendar import end_of
from consent.law import load_law

FACT = "sessions_within_limit"


def count_sessions(
    connection: Connection,
    parts: Parts,
    agreements: Sequence[CompiledAgreement],
    student_id: str,
) -> None:
    """Record whether the sessions on record are within the limit, in the writer's transaction.

    Called whenever a session is kept or renewed. The student is locked before the sessions are
    counted, so no release commits on a count that an acknowledged session has made out of date.

    Args:
        connection: the database.
        parts: clock and identifiers.
        agreements: those that bind the provider whose sessions they are.
        student_id: whose sessions.
    """
    asking = [each for each in agreements if _asks(each.entry.jurisdiction)]
    lea = lea_of(connection, student_id) if asking else ""
    for agreement in asking:
        if agreement.entry.lea == lea:
            lock_students(connection, [student_id], share=False)
            _record(connection, parts, agreement, student_id)


@lru_cache(maxsize=64)
def _asks(jurisdiction: str) -> bool:
    return any(FACT in basis.needs for basis in load_law(jurisdiction).bases)


def _record(
    connection: Connection, parts: Parts, agreement: CompiledAgreement, student_id: str
) -> None:
    now, source_id = parts.clock.now(), f"session-count/{agreement.id}"
    count = sessions_of(connection, agreement.entry.provider, student_id)
    within, until = _within(agreement, count, now)
    row = EVIDENCE.c
    standing = select(row.value, row.valid_to).where(
        row.source_id == source_id,
        row.student_id == student_id,
        row.superseded_at.is_(None),
        row.valid_to > now,
    )
    if [tuple(found) for found in connection.execute(standing)] == [(within, until)]:
        return
    said = NewEvidence(
        id=parts.identifiers.issue(source_id, student_id, str(within), now.isoformat()),
        fact=FACT,
        value=within,
        valid_from=now,
        valid_to=until,
        recorded_at=now,
        source="session-count",
        source_id=source_id,
        agreement_id=agreement.id,
        student_id=student_id,
    )
    with seen_anew(connection, parts, [student_id]):
        supersede(connection, source_id, student_id, now)
        record_evidence(connection, [said])


def _within(
    agreement: CompiledAgreement, count: int | None, now: datetime
) -> tuple[bool | None, datetime]:
    """Return whether the count is within the limit, None if nobody can say, and until when."""
    zone = agreement.agreement.effective.tz
    today = now.astimezone(ZoneInfo(zone)).date()
    own = agreement.template.settings.minor_consent.session_limit
    try:
        law = load_law(agreement.entry.jurisdiction).parameter("minor_consent.session_limit", today)
    except LookupError:
        return None, end_of(today, zone)
    if count is None:
        return None, end_of(law.last, zone)
    limits = [limit for limit in (law.value, own) if limit is not None]
    return all(count <= limit for limit in limits), end_of(law.last, zone)
