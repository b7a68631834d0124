"""What the database picks for a guardian's account is what going through every entry comes to."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.gate import Query
from bridge.gate.accounts import account_view
from bridge.gate.accounts.accounting import account_of
from bridge.gate.accounts.minors_own import MINOR
from bridge.gate.released import ReleasedAccount
from bridge.ledger.entry import Kind, Recorded
from bridge.ledger.firsts import Hidden
from bridge.ledger.lookup import about
from bridge.store.database.engine import write
from bridge.store.directory import student_of_key
from bridge.store.facts.conditions import RECORD, Scope
from bridge.store.facts.evidence import evidence_of
from bridge.store.facts.held_facts import RecordFacts
from tests.bridge.journeys.test_accounts_for_families import treated
from tests.support.worlds import LEA, World, caller, referral

STUDENTS = 6


def own_names(world: World, connection: object, student_id: str) -> set[str]:
    """Return what the ledger calls the records that may be the minor's own, one by one."""
    view = evidence_of(connection, {student_id}, world.clock.now())  # type: ignore[arg-type] # a connection
    found = set[str]()
    rows = connection.execute(RECORD.select().where(RECORD.c.student_id == student_id))  # type: ignore[attr-defined] # a table
    for row in rows:
        facts = RecordFacts(
            row.id, student_id, row.referral_id or "", third_party=False, minor=True
        )
        true, _ = view.true_facts((MINOR,), Scope(row.agreement_id, "", "", "", {}), facts)
        if row.referral_id and MINOR in true:
            found |= {row.id, world.bridge.identifiers.pseudonym("state-hub", row.id)}
    return found


def accounts(world: World, number: int) -> tuple[ReleasedAccount, ReleasedAccount]:
    """Return a guardian's account, and what it is where every entry is read and gone through."""

    def every(connection: object, subject: str, _: Hidden) -> list[tuple[Recorded, bool]]:
        own = own_names(world, connection, student.id)
        return [
            (each, bool(each.entry.resource and each.entry.resource.id in own))
            for each in about(connection, subject)  # type: ignore[arg-type] # a connection
            if each.entry.kind is Kind.RELEASE
        ]

    with write(world.bridge.engine) as connection, pytest.MonkeyPatch.context() as patch:
        student = student_of_key(connection, LEA, str(1000 + number))
        assert student
        made = account_of(connection, world.parts, student, "guardian")
        patch.setattr(account_view, "first_releases", every)
        return made, account_of(connection, world.parts, student, "guardian")


def test_the_database_picks_what_going_through_every_entry_comes_to(world: World) -> None:
    draw = random.Random(4)  # noqa: S311 - repeatable
    world.refer([referral(n) for n in range(STUDENTS)])
    world.refer([replace(referral(n), number=f"R-{n}b") for n in range(STUDENTS)])
    kinds = ("ServiceRequest", "Patient", "Task", "Patient", "Observation")
    for n in range(STUDENTS):
        for number in (f"R-{n}", f"R-{n}b"):
            if (whose := draw.choice(("guardian", "minor", ""))) and n:
                treated(world, number, whose)
        for kind in draw.sample(kinds, 3):
            world.clock.advance(timedelta(minutes=1))
            world.bridge.gate.search(caller("harbor-ehr"), Query(kind))
    world.bridge.gate.search(caller("state-hub"), Query("Encounter"))

    picked = [accounts(world, n) for n in range(STUDENTS)]
    assert [made.lines for made, _ in picked] == [whole.lines for _, whole in picked]
    assert [made.events for made, _ in picked] == [whole.events for _, whole in picked]
    # Some of them all, of some the first of each kind, and of some more than one kind.
    assert {line.times for made, _ in picked for line in made.lines} == {0, 1}
    assert max(len({line.elements for line in made.lines}) for made, _ in picked) > 1
