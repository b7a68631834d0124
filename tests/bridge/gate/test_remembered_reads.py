"""What is remembered of a decision never lets out what a new decision would not."""

import os
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, text

from bridge.clock import ShiftedClock
from bridge.errors import ForbiddenError, UnauthorizedError
from bridge.gate.hot.asked import Hit
from bridge.gate.hot.together import Together
from bridge.identity import disable_client
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.running.report_sources import source_down, source_heard
from bridge.ledger.append import erase
from bridge.ledger.check import verify_log
from bridge.ledger.entry import Entry, Kind
from bridge.ledger.errors import LedgerHalted
from bridge.ledger.halting import halt_all, resume
from bridge.ledger.lookup import about
from bridge.store.database.engine import read, write
from tests.support.races import READERS, REQUEST, run_races
from tests.support.reads import Reads
from tests.support.worlds import (
    COVE,
    NOW,
    World,
    caller,
    form_education,
    form_health,
    make_world,
    referral,
)

RACES = int(os.environ.get("SCHOOLBRIDGE_RACES") or 60)  # noqa: TID251 - how long to test


class TrustsItsMemory(Together):
    """Does not ask whether the record and what is known of its student still stand."""

    def _stand(self, moment: Any, hits: Sequence[Hit]) -> list[bool]:  # noqa: ANN401 - as the method it stands for
        return [True] * len(super()._stand(moment, hits))


class KeepsItsMoment(Together):
    """Asks only once what holds for everybody."""

    first: dict[str, int] | None = None

    def _moment(self, connection: Connection, found: Any) -> Any:  # noqa: ANN401 - as the method it stands for
        moment = super()._moment(connection, found)
        self.first = self.first or moment.versions
        return replace(moment, versions=self.first)


def release_id(world: World, number: str) -> str:
    return world.bridge.identifiers.issue("release", world.id_of(REQUEST, number), "education")


@pytest.fixture
def reads(world: World) -> Iterator[Reads]:
    """Two referrals that may be seen, each read once, and one that may not."""
    world.refer([referral(1), referral(2), referral(3, releases=(form_health(),))])
    made = Reads(world)
    token = world.web().token
    for number in ("R-1", "R-2"):
        assert made.read(token, REQUEST, world.id_of(REQUEST, number)) is not None
    yield made
    made.together.close()


def seen(reads: Reads, number: str = "R-1", kind: str = REQUEST) -> bool:
    return reads.read(reads.world.web().token, kind, reads.world.id_of(kind, number)) is not None


def entries(world: World) -> int:
    return world.counts()["ledger_entry"]


def test_a_remembered_read_gives_what_the_gate_gives(reads: Reads) -> None:
    world, token = reads.world, reads.world.web().token
    for kind in (REQUEST, "Task"):
        record_id = world.id_of(kind, "R-1")
        decided = world.bridge.gate.read(caller(), kind, record_id)
        for _ in range(2):
            assert reads.read(token, kind, record_id) == decided


def kinds(world: World, last: int) -> list[str]:
    """Return the kinds of the last entries of the ledger."""
    with read(world.bridge.engine) as connection:
        found = connection.execute(text("SELECT kind FROM ledger_entry ORDER BY position"))
        return [kind for (kind,) in found][-last:]


def test_a_read_given_again_is_entered_as_that(reads: Reads) -> None:
    world = reads.world
    for _ in range(4):
        assert seen(reads)
    assert kinds(world, 4) == ["release", "again", "again", "again"]
    with read(world.bridge.engine) as connection:
        assert verify_log(connection, world.agreement).sound
        body = connection.execute(text("SELECT body FROM ledger_entry ORDER BY position DESC"))
        student = orjson.loads(bytes(body.fetchmany(4)[-1][0]))["subject"]
        told = [
            (each.entry.resource, each.entry.elements, each.entry.ruling)
            for each in about(connection, student)
            if each.entry.resource and each.entry.resource.type == REQUEST
        ]
    assert told[-4:] == told[-1:] * 4


def test_what_is_not_decided_as_before_is_entered_in_full(reads: Reads) -> None:
    for _ in range(3):
        assert seen(reads)
    with write(reads.world.bridge.engine) as connection:
        connection.execute(text("UPDATE student SET version = version + 1"))
    assert seen(reads)
    assert kinds(reads.world, 2) == ["again", "release"]


def test_after_an_erasure_from_the_ledger_a_read_is_entered_anew(reads: Reads) -> None:
    world = reads.world
    for _ in range(3):
        assert seen(reads)
    erasure = Entry(world.agreement, Kind.ERASURE, refers=(entries(world) - 3,))
    with write(world.bridge.engine) as connection:
        erase(connection, erasure, world.bridge.clock)
    for _ in range(2):
        assert seen(reads)
    assert kinds(world, 3) == ["erasure", "release", "release"]
    with read(world.bridge.engine) as connection:
        assert verify_log(connection, world.agreement).sound


def test_under_another_copy_of_the_log_a_read_is_entered_anew(reads: Reads) -> None:
    for _ in range(3):
        assert seen(reads)
    with write(reads.world.bridge.engine) as connection:
        connection.execute(text("UPDATE ledger_entry SET leaf = :leaf"), {"leaf": bytes(32)})
    assert seen(reads)
    assert kinds(reads.world, 2) == ["again", "release"]


def test_each_read_has_its_entry_and_the_log_holds(reads: Reads) -> None:
    world, token = reads.world, reads.world.web().token
    before = entries(world)
    named = [(REQUEST, world.id_of(REQUEST, n)) for n in ("R-1", "R-2", "R-3", "R-1")] * 5
    asked = reads.ask(token, named)
    assert [a.found is not None for a in asked] == [True, True, False, True] * 5
    assert entries(world) == before + 15
    with read(world.bridge.engine) as connection:
        assert verify_log(connection, world.agreement).sound
        bodies = connection.execute(text("SELECT body FROM ledger_entry ORDER BY position DESC"))
        assert all(b'"kind":"release"' in bytes(body) for (body,) in bodies.fetchmany(15))


def test_nothing_leaves_once_the_release_is_revoked(reads: Reads) -> None:
    assert revoke_release(reads.world.parts, release_id(reads.world, "R-1"))
    before = entries(reads.world)
    assert not seen(reads)
    assert entries(reads.world) == before
    assert seen(reads, "R-2")


def test_another_worker_learns_of_a_revocation(reads: Reads) -> None:
    other = Reads(reads.world)
    assert seen(other)
    assert revoke_release(reads.world.parts, release_id(reads.world, "R-1"))
    assert not seen(other)
    other.together.close()


def test_nothing_leaves_while_a_source_cannot_say(reads: Reads) -> None:
    source_down(reads.world.parts, "millbrook", "dissent")
    assert not seen(reads)
    source_heard(reads.world.parts, "millbrook", "dissent")
    assert seen(reads)


def test_a_source_that_is_not_heard_of_closes_by_itself(reads: Reads) -> None:
    source_heard(reads.world.parts, "millbrook", "dissent", timedelta(minutes=3))
    assert seen(reads)
    reads.world.clock.advance(timedelta(minutes=2, seconds=59))
    assert seen(reads)
    reads.world.clock.advance(timedelta(seconds=1))
    assert not seen(reads)


def test_nothing_leaves_under_a_log_that_is_halted(reads: Reads) -> None:
    with write(reads.world.bridge.engine) as connection:
        halt_all(connection, [])
    for _ in range(2):
        with pytest.raises(LedgerHalted):
            seen(reads)
    assert not seen(reads, "R-3")
    with write(reads.world.bridge.engine) as connection:
        resume(connection, reads.world.agreement, "operator", reads.world.clock)
    assert seen(reads)


def test_a_form_ends_on_its_last_day(world: World) -> None:
    last = form_education(expires_on=world.clock.now().date())
    world.refer([referral(1, releases=(last,))])
    reads = Reads(world)
    assert seen(reads)
    world.clock.advance(timedelta(hours=13, minutes=59))  # the district is four hours behind
    assert seen(reads)
    world.clock.advance(timedelta(minutes=2))
    assert not seen(reads)
    reads.together.close()


def test_a_clock_that_is_set_back_uses_nothing_remembered(reads: Reads) -> None:
    reads.world.clock.advance(timedelta(days=-40))  # before the forms were recorded
    assert not seen(reads)


def test_a_client_that_is_shut_out_reads_nothing_more(reads: Reads) -> None:
    token = reads.world.web().token
    assert reads.read(token, REQUEST, reads.world.id_of(REQUEST, "R-1"))
    with write(reads.world.bridge.engine) as connection:
        disable_client(connection, "harbor-ehr")
    with pytest.raises(UnauthorizedError):
        reads.read(token, REQUEST, reads.world.id_of(REQUEST, "R-1"))


def test_a_token_ends_at_its_time(reads: Reads) -> None:
    token = reads.world.web().token
    reads.world.clock.advance(timedelta(seconds=299))
    assert reads.read(token, REQUEST, reads.world.id_of(REQUEST, "R-1"))
    reads.world.clock.advance(timedelta(seconds=1))
    with pytest.raises(UnauthorizedError):
        reads.read(token, REQUEST, reads.world.id_of(REQUEST, "R-1"))


def test_a_token_of_less_reach_reads_less(reads: Reads) -> None:
    token = reads.world.web(scope="system/Task.rs").token
    with pytest.raises(ForbiddenError):
        reads.read(token, REQUEST, reads.world.id_of(REQUEST, "R-1"))
    assert reads.read(token, "Task", reads.world.id_of("Task", "R-1"))


def test_what_one_party_was_given_another_is_not(reads: Reads) -> None:
    other = reads.world.web("cove-ehr").token
    assert reads.read(other, REQUEST, reads.world.id_of(REQUEST, "R-1")) is None
    assert reads.read(other, REQUEST, reads.world.id_of(REQUEST, "R-1", COVE)) is None


def test_a_memory_that_is_trusted_after_a_revocation_is_noticed(world: World) -> None:
    world.refer([referral(1)])
    reads = Reads(world, TrustsItsMemory)
    assert seen(reads)
    assert revoke_release(world.parts, release_id(world, "R-1"))
    assert seen(reads)  # what the tests above would not let pass
    reads.together.close()


def test_a_memory_of_what_held_for_everybody_is_noticed(lite: World) -> None:
    # (On PostgreSQL the counter that is held until the commit would tell as well.)
    lite.refer([referral(1)])
    reads = Reads(lite, KeepsItsMoment)
    assert seen(reads)
    source_down(lite.parts, "millbrook", "dissent")
    assert seen(reads)
    reads.together.close()


def test_a_link_leads_no_further_once_its_target_is_gone(reads: Reads) -> None:
    token, world = reads.world.web().token, reads.world
    found = reads.read(token, REQUEST, world.id_of(REQUEST, "R-1"))
    assert b"Observation/" in found.body
    with write(world.bridge.engine) as connection:
        connection.execute(text("DELETE FROM record WHERE type = 'Observation'"))
    again = reads.read(token, REQUEST, world.id_of(REQUEST, "R-1"))
    assert b"Observation/" not in again.body
    assert again.version != found.version


def test_an_erased_record_is_in_nobodys_memory(reads: Reads) -> None:
    token, world = reads.world.web().token, reads.world
    with write(world.bridge.engine) as connection:
        connection.execute(text("DELETE FROM record WHERE type = 'ServiceRequest'"))
    assert reads.read(token, "Task", world.id_of("Task", "R-2")) is not None
    held = reads.together._permits._held
    assert {kind for _, kind, _ in held} == {"Task"}


def test_an_unanswered_read_is_noted(reads: Reads) -> None:
    before = reads.world.counts()["unanswered_request"]
    assert not seen(reads, "R-3")
    assert reads.world.counts()["unanswered_request"] == before + 1


def test_a_hidden_record_costs_what_an_absent_one_costs(lite: World) -> None:
    lite.refer([referral(1), referral(2), referral(3, releases=(form_health(),))])
    reads, token = Reads(lite), lite.web().token
    ids = {n: lite.id_of(REQUEST, n) for n in ("R-1", "R-2", "R-3", "R-9")}
    for number in ("R-1", "R-2"):
        assert reads.read(token, REQUEST, ids[number]) is not None
    hidden = reads.statements(token, REQUEST, ids["R-3"])
    assert hidden == reads.statements(token, REQUEST, ids["R-9"])
    # Of two that were read before, one was revoked since and one is gone.
    assert revoke_release(lite.parts, release_id(lite, "R-1"))
    with write(lite.bridge.engine) as connection:
        connection.execute(text("DELETE FROM search_value"))
        gone = text("UPDATE record SET id = 'x', change = change + 1000 WHERE id = :id")
        connection.execute(gone, {"id": ids["R-2"]})
    revoked = reads.statements(token, REQUEST, ids["R-1"])
    assert revoked == reads.statements(token, REQUEST, ids["R-2"])
    reads.together.close()


def test_one_read_that_fails_takes_no_other_with_it(reads: Reads) -> None:
    world, token = reads.world, reads.world.web().token
    named = [(REQUEST, world.id_of(REQUEST, "R-1")), (REQUEST, "\ud800"), ("Task", "none")]
    good, bad, absent = reads.ask(token, named)
    assert [a.found is not None for a in (good, bad, absent)] == [True, False, False]
    assert [a.error is not None for a in (good, bad, absent)] == [False, True, False]


def test_the_races_notice_a_memory_that_is_trusted(database_url: str, tmp_path: Path) -> None:
    world = make_world(database_url, tmp_path, ShiftedClock(NOW))
    races = run_races(world, 12, random.SystemRandom().randrange(10**6), TrustsItsMemory)
    assert [race for race in races if race.after > race.before]
    world.bridge.engine.dispose()


@pytest.mark.turns(2)
@pytest.mark.slow
def test_no_remembered_release_is_committed_after_a_revocation(
    database_url: str, tmp_path: Path
) -> None:
    world = make_world(database_url, tmp_path, ShiftedClock(NOW))
    seed = random.SystemRandom().randrange(10**6)
    races = run_races(world, RACES, seed)
    assert [race for race in races if race.after > race.before] == [], seed
    # It was a race: some reads came first, and some too late.
    assert RACES < sum(race.before for race in races) < RACES * (1 + READERS)
    worst = max(race.in_flight for race in races)
    sys.stdout.write(f"{len(races)} races, worst in flight {1000 * worst:.1f} ms, seed {seed}\n")
    world.bridge.engine.dispose()
