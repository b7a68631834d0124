"""A search takes from memory what still stands, and nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from bridge.errors import GateError
from bridge.gate import Query, Released
from bridge.gate.hot.permits import Permit
from bridge.gate.hot.remembered import Answering, Remembered
from bridge.gate.hot.together import Together
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.running.report_sources import source_down, source_heard
from bridge.ledger.check import verify_log
from bridge.ledger.lookup import of_request
from bridge.store.database.engine import read, write
from bridge.store.vault import Order, Stored
from tests.support.reads import Reads
from tests.support.worlds import World, caller, form_health, referral

REQUEST = "ServiceRequest"
REQUESTS = Query(REQUEST, limit=20)


class TrustsItsMemory(Remembered):
    """Does not ask whether a record and what is known of its student still stand."""

    @staticmethod
    def _same(permit: Permit, stored: Stored) -> bool:
        return permit.stored.id == stored.id


class TrustingSearches(Together):
    """Answers searches with such a memory."""

    def _memory(self, moment: Any) -> Remembered:  # noqa: ANN401 - as Together
        said = self._said[1]
        return TrustsItsMemory(self._permits, moment.epoch, None, self._answering, said)

    def _found_again(self, *_: object) -> None:
        return None


class HearsOfNobodyInParticular(Together):
    """Does not know what is said of anybody."""

    def _memory(self, moment: Any) -> Remembered:  # noqa: ANN401 - as Together
        return replace(super()._memory(moment), said=frozenset())


@pytest.fixture
def reads(world: World) -> Iterator[Reads]:
    """Two referrals that may be seen, searched for once, and one that may not."""
    world.refer([referral(1), referral(2), referral(3, releases=(form_health(),))])
    made = Reads(world)
    found(made)
    yield made
    made.together.close()


def found(reads: Reads, query: Query = REQUESTS) -> Released:
    return reads.search(reads.world.web().token, query, "patient")


def told(released: Released) -> tuple[object, ...]:
    return (released.matches, released.included, released.total, released.last)


def test_what_is_remembered_is_what_the_gate_gives(reads: Reads) -> None:
    for query in (REQUESTS, Query("Task", limit=20)):
        includes = ("patient",)
        decided = reads.world.bridge.gate.search(caller(), query, includes)
        for _ in range(2):
            assert told(found(reads, query)) == told(decided)
            assert len(decided.matches) == 2


def test_each_resource_has_its_entry_and_the_log_holds(reads: Reads) -> None:
    before = reads.world.counts()["ledger_entry"]
    again = found(reads)
    assert (len(again.matches), len(again.included)) == (2, 2)
    assert reads.world.counts()["ledger_entry"] == before + 1  # which repeats the four of before
    with read(reads.world.bridge.engine) as connection:
        assert verify_log(connection, reads.world.agreement).sound
        told = list(of_request(connection, "search"))
    assert sorted((each.index, each.repeats) for each in told) == [
        *((n, None) for n in range(4)),
        *((4, n) for n in range(4)),
    ]


def test_a_search_remembers_for_reads_and_reads_for_searches(reads: Reads) -> None:
    token, world = reads.world.web().token, reads.world
    matches = {match.id: match for match in found(reads).matches}
    for number in ("R-1", "R-2"):
        record_id = world.id_of(REQUEST, number)
        assert reads.read(token, REQUEST, record_id) == matches[record_id]


def test_nothing_of_a_revoked_release_is_found_again(reads: Reads) -> None:
    record_id = reads.world.id_of(REQUEST, "R-1")
    release = reads.world.bridge.identifiers.issue("release", record_id, "education")
    assert revoke_release(reads.world.parts, release)
    again = found(reads)
    assert [match.id for match in again.matches] == [reads.world.id_of(REQUEST, "R-2")]
    assert len(again.included) == 1
    assert told(again) == told(reads.world.bridge.gate.search(caller(), REQUESTS, ("patient",)))


def test_nothing_is_found_while_a_source_cannot_say(reads: Reads) -> None:
    source_down(reads.world.parts, "millbrook", "dissent")
    assert found(reads).matches == ()
    source_heard(reads.world.parts, "millbrook", "dissent")
    assert len(found(reads).matches) == 2


def test_a_memory_that_does_not_hear_what_is_said_of_anybody_lets_nothing_out(
    lite: World,
) -> None:
    lite.refer([referral(1)])
    reads = Reads(lite, HearsOfNobodyInParticular)
    assert len(found(reads).matches) == 1
    source_down(lite.parts, "millbrook", "dissent")
    with pytest.raises(GateError):
        found(reads)
    reads.together.close()


def test_what_is_included_stands_in_one_order_whatever_found_it_first(world: World) -> None:
    world.refer([referral(1), referral(2), referral(3)])
    includes = ("focus",)
    tasks = Query("Task", order=Order(descending=True), limit=20)
    decided = told(world.bridge.gate.search(caller(), tasks, includes))
    for descending in (True, False):
        reads = Reads(world)
        found(reads, Query(REQUEST, order=Order("authored", descending=descending), limit=20))
        assert told(reads.search(world.web().token, tasks, *includes)) == decided
        reads.together.close()


def _lose_observations(world: World) -> None:
    with write(world.bridge.engine) as connection:
        connection.execute(text("DELETE FROM record WHERE type = 'Observation'"))


def test_a_match_says_no_more_than_it_may_now(reads: Reads) -> None:
    assert any(b"Observation/" in match.body for match in found(reads).matches)
    _lose_observations(reads.world)
    assert not any(b"Observation/" in match.body for match in found(reads).matches)


def test_a_match_that_was_corrected_says_what_it_says_now(reads: Reads) -> None:
    _correct(reads.world)
    assert all(b'"plan"' in match.body for match in found(reads).matches)


def test_a_memory_that_is_trusted_is_noticed(lite: World) -> None:
    lite.refer([referral(1)])
    reads = Reads(lite, TrustingSearches)
    found(reads)
    _correct(lite)
    assert not any(b'"plan"' in match.body for match in found(reads).matches)
    reads.together.close()


def test_a_search_that_asks_nothing_of_what_stands_lets_nothing_out(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answering, "stands", lambda *_: True)
    lite.refer([referral(1), referral(2)])
    reads = Reads(lite)
    assert len(found(reads).matches) == 2
    record_id = lite.id_of(REQUEST, "R-1")
    assert revoke_release(
        lite.parts, lite.bridge.identifiers.issue("release", record_id, "education")
    )
    with pytest.raises(GateError):
        found(reads)
    reads.together.close()


def test_what_is_forgotten_stands_no_more(reads: Reads) -> None:
    held = reads.together._permits
    (whose, kind, record_id), *_ = held._held
    assert record_id in held.marks_of(whose)[kind]
    held.forget((whose, kind, record_id))
    assert record_id not in held.marks_of(whose)[kind]
    held.clear()
    assert held.marks_of(whose) == {}


def _correct(world: World) -> None:
    sql = (
        "UPDATE record SET body = replace(body, '\"order\"', '\"plan\"'), change = change + 1000"
        " WHERE type = 'ServiceRequest'"
    )
    with write(world.bridge.engine) as connection:
        connection.execute(text(sql))
