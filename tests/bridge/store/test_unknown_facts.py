"""A fact of three states counts alike in SQL and in Python, and as the facts table says.

Random evidence about many students, every fact of the table: what a search filter lets through,
what a decision is given, and what ``consent.facts`` makes of the same answers must be one.
"""

import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from bridge.store.database.engine import write
from bridge.store.directory import StudentEntry, put_students
from bridge.store.facts.conditions import (
    EVIDENCE,
    Scope,
    binds,
    clause,
    condition,
    gathered,
)
from bridge.store.facts.evidence import (
    NewEvidence,
    evidence_of,
    record_evidence,
    supersede,
)
from bridge.store.facts.held_facts import RecordFacts
from bridge.store.intake import NewRecord, put_records
from consent.facts import facts_with_unknowns, load_facts
from consent.model import FactName, Filter, Literal
from tests.support.worlds import LEA, World

ROUNDS = int(os.environ.get("SCHOOLBRIDGE_STATES") or 3)  # noqa: TID251 - how long to test
NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
ADULT = date(2008, 10, 1)
DAY = timedelta(days=1)
STUDENTS = 40
# What nobody speaks of: the register itself would know of an order or a refusal.
SILENCE_IS_NO = ("dissent", "recipient_blocked", "third_party_present")
SCOPE = Scope("a1", "referral.reason", "refer", "provider", {})


def random_row(dice: random.Random, number: int) -> NewEvidence:
    """Return a statement that may or may not be about the scope, the student and the instant."""
    chosen: dict[str, Any] = {
        "agreement_id": dice.choice(("", "a1", "a1", "a2")),
        "referral_id": dice.choice(("", "", "other")),
        "element": dice.choice(("", "referral.reason", "visit.dates")),
        "purpose": dice.choice(("", "refer", "follow")),
        "recipient": dice.choice(("", "provider", "lea")),
        "valid_from": NOW + dice.choice((-2, 0, 1)) * DAY,
        "valid_to": NOW + dice.choice((0, 1, 3)) * DAY,
        "recorded_at": NOW + dice.choice((-1, -1, 0, 1)) * DAY,
    }
    student = dice.choice(("", *(f"s{n}" for n in range(STUDENTS)))) if number % 9 else ""
    fact = dice.choice(tuple(load_facts()))
    source = dice.choice(("kept", "superseded"))
    return NewEvidence(
        f"e{number}", fact, source="test", source_id=source, student_id=student,
        value=dice.choice((True, True, False, None)), **chosen,
    )  # fmt: skip


def fill(connection: Connection, dice: random.Random) -> list[NewEvidence]:
    births = {f"s{n}": ADULT + dice.choice((-1, 0, 1)) * DAY for n in range(STUDENTS)}
    put_students(
        connection, {s: StudentEntry(s, LEA, f"local-{s}", born) for s, born in births.items()}
    )
    records = [
        NewRecord(
            {"resourceType": "ServiceRequest", "id": f"r-{s}"},
            LEA, "lea", "harbor", "a1", f"key-{s}", s, f"r-{s}", third_party=dice.random() < 0.2,
        )
        for s in births
    ]  # fmt: skip
    put_records(connection, records, NOW)
    rows = [random_row(dice, n) for n in range(900)]
    record_evidence(connection, rows)
    for student in {row.student_id for row in rows}:
        supersede(
            connection, "superseded", student, NOW - DAY if dice.random() < 0.5 else NOW + DAY
        )
    return rows


def in_sql(connection: Connection, fact: str, write: Callable[[Filter, Scope], str]) -> set[str]:
    """Return the students of whose record the database says that a fact holds."""
    made = clause(write(Filter((((Literal(FactName(fact)),),),)), SCOPE), ["a1"])
    known = binds(NOW, {"a1": ADULT})
    used = {name: value for name, value in known.items() if f":{name}" in made.text}
    query = text(
        "SELECT record.student_id FROM record JOIN student ON student.id = record.student_id"  # noqa: S608 - names of ours
        f" WHERE {made.text}"
    ).bindparams(*made._bindparams.values())
    return set(connection.execute(query, used).scalars())


def people(connection: Connection) -> Iterator[RecordFacts]:
    rows = text(
        "SELECT s.id, s.birth_date, r.id AS record_id, r.third_party"
        " FROM student s JOIN record r ON r.student_id = s.id"
    )
    for row in connection.execute(rows):
        born = (
            row.birth_date
            if isinstance(row.birth_date, date)
            else date.fromisoformat(row.birth_date)
        )
        yield RecordFacts(
            row.record_id,
            row.id,
            row.record_id,
            third_party=bool(row.third_party),
            minor=born > ADULT,
        )


def expected(rows: list[Any], fact: str, about: RecordFacts) -> bool:
    """Say what the facts table makes of the answers given, with no rule of the store's own."""
    given = {
        row.value
        for row in rows
        if row.fact == fact
        and row.student_id in ("", about.student_id)
        and row.agreement_id in ("", "a1")
        and row.referral_id in ("", about.referral_id)
        and row.element in ("", SCOPE.element)
        and row.purpose in ("", SCOPE.purpose)
        and row.recipient in ("", SCOPE.recipient)
        and row.valid_from <= NOW < row.valid_to
        and row.recorded_at <= NOW
        and (row.superseded_at is None or row.superseded_at > NOW)
    }
    if fact == "third_party_present" and about.third_party:
        given.add(True)
    if not given and fact in SILENCE_IS_NO:
        given = {False}
    unknown = None in given
    true = {fact} if True in given and not (unknown and fact not in SILENCE_IS_NO) else set()
    false = {fact} if False in given and not unknown else set()
    if fact == "minor_consented_care" and True in given:
        true, false = {fact}, set()
    return fact in facts_with_unknowns(true, false, about.minor)


def stored(connection: Connection) -> list[Any]:
    return list(connection.execute(EVIDENCE.select()))


@pytest.mark.parametrize("nth", range(ROUNDS))
def test_sql_python_and_the_facts_table_agree_on_every_state(world: World, nth: int) -> None:
    seed = random.SystemRandom().randrange(10**6)
    with write(world.bridge.engine) as connection:
        fill(connection, random.Random(seed))  # noqa: S311 - repeatable, not secret
        rows = stored(connection)
        everybody = list(people(connection))
        view = evidence_of(connection, {about.student_id for about in everybody}, NOW)
        held = 0
        for fact in load_facts():
            sql, at_one_look = (in_sql(connection, fact, way) for way in (condition, gathered))
            python = {a.student_id for a in everybody if view.true_facts([fact], SCOPE, a)[0]}
            table = {a.student_id for a in everybody if expected(rows, fact, a)}
            assert sql == at_one_look == python == table, (seed, nth, fact)
            held += len(table)
    assert 0 < held < STUDENTS * len(load_facts())
