"""Each request for a student's record is kept, also when nothing was given (34 CFR 99.32(a)(1))."""

from datetime import timedelta

import pytest

from bridge.gate import Match, Query
from bridge.gate.accounts.requests import enter_requests
from bridge.gate.disclosures import subject_of
from bridge.journeys.families.account_for import account_for
from bridge.ledger.append import logs
from bridge.ledger.check import verify_log
from bridge.ledger.entry import Kind, Recorded
from bridge.ledger.lookup import about
from bridge.store.database.engine import read, write
from tests.support.worlds import LEA, World, caller, referral

HIDDEN = {"releases": ()}  # a referral nobody signed for


def entered(world: World, local_id: str = "1001") -> list[Recorded]:
    student = world.bridge.identifiers.issue("student", LEA, local_id)
    with write(world.bridge.engine) as connection:
        enter_requests(connection, world.parts)
        found = list(about(connection, subject_of(world.bridge.identifiers, student)))
    return [each for each in found if each.entry.kind is Kind.DENY]


def ask(world: World, kind: str = "ServiceRequest", client: str = "harbor-ehr") -> None:
    record_id = world.id_of(kind, "R-1")
    assert world.bridge.gate.read(caller(client), kind, record_id, "req") is None


def test_a_request_for_a_withheld_record_is_entered_with_who_asked_and_when(world: World) -> None:
    world.refer([referral(1, **HIDDEN)])
    came = world.clock.now()
    ask(world)
    world.clock.advance(timedelta(hours=2))
    (found,) = entered(world)
    entry = found.entry
    assert (entry.log, entry.releasing, entry.receiving) == (world.agreement, LEA, "harbor")
    assert (entry.role, entry.purpose, entry.request) == ("intake", "refer", "req")
    assert (entry.asked_at, entry.elements, entry.ruling) == (came, (), None)


def test_asking_again_that_day_is_one_entry_and_the_next_day_another(world: World) -> None:
    world.refer([referral(1, **HIDDEN)])
    for kind in ("ServiceRequest", "Task", "ServiceRequest"):
        ask(world, kind)
    assert len(entered(world)) == 1
    ask(world, "Task")
    assert len(entered(world)) == 1
    world.clock.advance(timedelta(days=1))
    ask(world)
    assert len(entered(world)) == 2


def test_each_party_that_asks_has_its_entry(lite: World) -> None:
    lite.refer([referral(1, **HIDDEN)])
    for client in ("harbor-ehr", "cove-ehr"):
        ask(lite, client=client)
    assert {each.entry.receiving for each in entered(lite)} == {"harbor", "cove"}


def test_a_search_for_one_person_is_a_request_and_a_poll_is_none(world: World) -> None:
    world.refer([referral(1, **HIDDEN)])
    request = world.stored("ServiceRequest", world.id_of("ServiceRequest", "R-1"))
    gate = world.bridge.gate
    for query in (Query("Task"), Query("Task", updated=(("gt", world.clock.now()),))):
        gate.search(caller(), query)
    assert entered(world) == []
    for _ in range(3):
        person = Match("patient", ((None, request["subject"]["reference"]),))
        gate.search(caller(), Query("ServiceRequest", matches=(person,)))
    found = entered(world)
    assert [each.entry.resource.type for each in found if each.entry.resource] == ["Patient"]


def test_what_was_given_and_what_is_not_there_leave_no_such_entry(world: World) -> None:
    world.refer([referral(1)])
    assert world.bridge.gate.read(caller(), "Task", world.id_of("Task", "R-1"))
    assert world.bridge.gate.read(caller(), "Task", "no-such-task") is None
    assert entered(world) == []
    assert world.counts()["unanswered_request"] == 0


def test_the_same_is_written_at_once_for_a_withheld_record_and_for_none(world: World) -> None:
    world.refer([referral(1, **HIDDEN)])
    before = world.counts()
    ask(world)
    withheld = world.counts()
    world.bridge.gate.read(caller(), "ServiceRequest", "0" * 36, "req")
    absent = world.counts()
    grown = [
        {name: after[name] - prior[name] for name in after if after[name] != prior[name]}
        for prior, after in ((before, withheld), (withheld, absent))
    ]
    assert grown == [{"unanswered_request": 1}] * 2


def test_over_http_both_get_the_same_bytes(lite: World) -> None:
    lite.refer([referral(1, **HIDDEN)])
    web = lite.web()
    answers = {
        (answer.status_code, answer.content)
        for record_id in (lite.id_of("Task", "R-1"), "no-such-task")
        for answer in [web.get(f"/fhir/Task/{record_id}")]
    }
    assert len(answers) == 1
    assert len(entered(lite)) == 1


@pytest.mark.parametrize("asker", ["records_custodian", "auditor"])
def test_the_account_tells_of_it_and_the_ledger_still_verifies(world: World, asker: str) -> None:
    world.refer([referral(1, **HIDDEN)])
    ask(world)
    (event,) = account_for(world.parts, LEA, "1001", (asker, "")).events
    assert (event.kind, event.recipient) == ("asked", "Harbor Family Centers")
    with read(world.bridge.engine) as connection:
        assert all(verify_log(connection, log).sound for log in logs(connection))


def test_a_guardian_is_not_told_while_the_care_may_be_the_minors_own(lite: World) -> None:
    lite.refer([referral(1, **HIDDEN)])
    ask(lite)
    assert account_for(lite.parts, LEA, "1001", ("guardian", "Max Winterbourne")).events == ()
