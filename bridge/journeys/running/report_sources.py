"""A source of facts says that it lives, or is known to be down: what it supplies is then unknown.

``consent/facts.csv`` says what an unknown fact counts as: a court order or a refusal counts as
there, a consent or an enrolment as not there. So nothing leaves on the strength of a list that
nobody can read. A source that must be heard of, and is not, goes down by itself: the statement that
it cannot say is recorded in advance, and each word of it moves that statement on.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from bridge.errors import BridgeError
from bridge.gate import agreements_of
from bridge.parts import Parts
from bridge.store.database.engine import read, write
from bridge.store.directory import students_of
from bridge.store.facts.conditions import EVIDENCE
from bridge.store.facts.evidence import (
    ALWAYS_TO,
    NewEvidence,
    lock_students,
    record_evidence,
    supersede,
)
from bridge.store.facts.openings import look_at_agreements
from bridge.store.intake import take_turn, touch
from bridge.store.referrals import requests_under
from consent.facts import load_facts

# The bridge itself knows these at every moment; no source outside can fail to say them.
OWN = ("in_force", "provider_active", "pseudonymised")


@dataclass(frozen=True, slots=True)
class SourceState:
    """Since when (or from when) a district's source of one fact cannot say."""

    fact: str
    unknown_from: datetime


def source_down(parts: Parts, lea: str, fact: str) -> None:
    """Record that who supplies a fact for a district cannot say, from now on.

    Raises:
        BridgeError: there is no such fact, or the district has no agreement.
    """
    _report(parts, lea, fact, timedelta())


def source_heard(parts: Parts, lea: str, fact: str, good_for: timedelta | None = None) -> None:
    """Record that a source speaks again.

    Referrals that waited for it get a new change number, so that a partner who polls learns of
    them.

    Args:
        parts: the bridge's parts.
        lea: short name of the district.
        fact: what it supplies.
        good_for: it counts as down unless it is heard of again within this time; None for a source
            that is up until somebody says otherwise.

    Raises:
        BridgeError: there is no such fact, the district has no agreement, or the time is none.
    """
    if good_for is not None and good_for <= timedelta():
        raise BridgeError("a source is heard of for some hours, not for none")
    _report(parts, lea, fact, good_for)


def sources(parts: Parts, lea: str) -> list[SourceState]:
    """Return the sources of a district that are down, or will be unless heard of, by fact."""
    with read(parts.engine) as connection:
        found = dict(_standing(connection, lea))
    return [SourceState(fact, found[fact]) for fact in sorted(found)]


def _report(parts: Parts, lea: str, fact: str, unknown_in: timedelta | None) -> None:
    if fact not in load_facts() or fact in OWN:
        raise BridgeError(
            "no source outside the bridge supplies such a fact; see consent/facts.csv"
        )
    with write(parts.engine) as connection:
        take_turn(connection)
        bound = agreements_of(connection, "lea", lea)
        if not bound:
            raise BridgeError(f"{lea} has no agreement")
        # Every release of the district waits: none is committed on what was known before.
        people = {student.id for student in students_of(connection, lea).values()}
        lock_students(connection, people, share=False)
        now, source_id = parts.clock.now(), _source_id(lea, fact)
        was_down = any(name == fact and since <= now for name, since in _standing(connection, lea))
        if was_down and unknown_in != timedelta():
            look_at_agreements(connection, [a.id for a in bound], now)
        supersede(connection, source_id, "", now)
        if unknown_in is not None:
            rows = [
                NewEvidence(
                    id=parts.identifiers.issue(source_id, agreement.id, now.isoformat()),
                    fact=fact,
                    value=None,
                    valid_from=now + unknown_in,
                    recorded_at=now,
                    source="source-state",
                    source_id=source_id,
                    agreement_id=agreement.id,
                )
                for agreement in bound
            ]
            record_evidence(connection, rows)
        if was_down and unknown_in != timedelta():
            touch(connection, requests_under(connection, [a.id for a in bound]), now)


def _standing(connection: Connection, lea: str) -> list[tuple[str, datetime]]:
    row, prefix = EVIDENCE.c, _source_id(lea, "")
    query = select(row.fact, row.source_id, row.valid_from).where(
        row.student_id == "",
        row.value.is_(None),
        row.superseded_at.is_(None),
        row.valid_to == ALWAYS_TO,
    )
    found = connection.execute(query)
    return [(each.fact, each.valid_from) for each in found if each.source_id == prefix + each.fact]


def _source_id(lea: str, fact: str) -> str:
    return f"source/{lea}/{fact}"
