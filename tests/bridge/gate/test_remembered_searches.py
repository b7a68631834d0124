"""A search takes from memory what still stands, and nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, text

from bridge.errors import GateError
from bridge.gate import Query, Released
from bridge.gate.hot import permits, remembered
from bridge.gate.hot.known import Known
from bridge.gate.hot.permits import Permit
from bridge.gate.hot.remembered import Remembered
from bridge.gate.hot.together import Together
from bridge.journeys.families.record_releases import revoke_release
from bridge.journeys.running.report_sources import source_down, source_heard
from bridge.ledger.check import verify_log
from bridge.ledger.lookup import of_request
from bridge.store.database.engine import read, write
from bridge.store.facts.conditions import EVIDENCE
from bridge.store.vault import Match, Order, Stored
from tests.leaks.work import counted
from tests.support.reads import Reads
from tests.support.worlds import World, caller, form_health, referral

REQUEST = "ServiceRequest"
REQUESTS = Query(REQUEST, limit=20)
WAITING = Query(REQUEST, limit=20, matches=(Match("status", ((None, "active"),)),))


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
    monkeypatch.setattr(remembered, "_opened", lambda *_: text("(1 = 1)"))
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


def known_of(reads: Reads, kind: str = REQUEST) -> Known:
    """Return what is remembered by numbers alone for the one who asks."""
    (known,) = (k for (_, of), k in reads.together._permits._known.items() if of == kind)
    return known


def number_of(reads: Reads, number: str) -> int:
    key = {"id": reads.world.id_of(REQUEST, number)}
    with read(reads.world.bridge.engine) as connection:
        return int(
            connection.execute(text("SELECT change FROM record WHERE id = :id"), key).scalar_one()
        )


def test_what_is_forgotten_stands_no_more(lite: World) -> None:
    lite.refer([referral(1), referral(2), referral(3, releases=(form_health(),))])
    reads = Reads(lite)
    found(reads)
    held, known = reads.together._permits, known_of(reads)
    change = number_of(reads, "R-1")
    (key,) = (key for key, permit in held._held.items() if permit.stored.written == change)
    assert known.versions[change] >= 0
    held.forget(key)
    assert change not in known.versions
    held.clear()
    assert known.versions == {}
    reads.together.close()


class AsksAnew(Known):
    """Takes nothing down of what is withheld."""

    def note(self, change: int, version: int, sometime: int) -> int:
        return sometime


def steps_of(world: World, monkeypatch: pytest.MonkeyPatch, kind: type[Known]) -> tuple[int, int]:
    """Return the steps of a poll among what is withheld: the first, and one given again."""
    monkeypatch.setattr(permits, "Known", kind)
    reads, took = Reads(world), list[int]()
    for _ in range(4):
        with counted(world.bridge.engine) as work:
            assert len(found(reads, WAITING).matches) == 1
        took.append(work.steps)
    reads.together.close()
    return took[0], took[-1]


def test_what_is_withheld_is_looked_at_once(lite: World, monkeypatch: pytest.MonkeyPatch) -> None:
    withheld = 40
    lite.refer([referral(n, releases=(form_health(),)) for n in range(2, 2 + withheld)])
    lite.refer([referral(1)])
    _, again = steps_of(lite, monkeypatch, Known)
    assert again < 80 * withheld  # of each its number alone is looked at: measured 57
    _, anew = steps_of(lite, monkeypatch, AsksAnew)
    assert anew > 130 * withheld  # what would be noticed: measured 157


def test_what_may_be_known_again_is_found_at_once(lite: World) -> None:
    lite.refer([referral(1), referral(3, releases=(form_health(),))])
    reads = Reads(lite)
    hidden = number_of(reads, "R-3")
    for _ in range(2):
        assert len(found(reads).matches) == 1
    assert known_of(reads).versions[hidden] < 0
    lite.refer([referral(3)])  # with a form that is signed later
    assert len(found(reads).matches) == 2
    assert known_of(reads).versions[number_of(reads, "R-3")] >= 0
    reads.together.close()


def test_what_may_be_known_from_a_day_on_is_found_that_day(lite: World) -> None:
    begins = lite.clock.now() + timedelta(minutes=7)
    lite.refer([referral(1), referral(3)])
    with write(lite.bridge.engine) as connection:
        moved = text("UPDATE evidence SET valid_from = :at WHERE fact = 'c_ferpa'"
                     " AND student_id = :of")  # fmt: skip
        of = connection.execute(
            text("SELECT student_id FROM record WHERE id = :id"),
            {"id": lite.id_of(REQUEST, "R-3")},
        ).scalar_one()
        moved = moved.bindparams(bindparam("at", type_=EVIDENCE.c.valid_from.type))
        assert connection.execute(moved, {"at": begins, "of": of}).rowcount
    reads = Reads(lite)
    for _ in range(2):
        assert len(found(reads).matches) == 1
    assert number_of(reads, "R-3") not in known_of(reads).versions
    lite.clock.advance(timedelta(minutes=8))
    assert len(found(reads).matches) == 2
    reads.together.close()


def _correct(world: World) -> None:
    sql = (
        "UPDATE record SET body = replace(body, '\"order\"', '\"plan\"'), change = change + 1000"
        " WHERE type = 'ServiceRequest'"
    )
    with write(world.bridge.engine) as connection:
        connection.execute(text(sql))
