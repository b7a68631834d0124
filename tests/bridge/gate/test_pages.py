"""An answer is given again only where it is what would be decided now, and entered each time."""

import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from bridge.clock import ShiftedClock
from bridge.gate import Query, Released
from bridge.gate.accounts.audit_events import audit_events
from bridge.gate.disclosures import subject_of
from bridge.gate.hot.asked import Hit
from bridge.gate.hot.together import Together
from bridge.gate.released import ReleasedAccount
from bridge.journeys.families.account_for import account_for
from bridge.journeys.families.record_releases import revoke_release
from bridge.ledger.append import erase
from bridge.ledger.check import verify_log
from bridge.ledger.entry import Entry, Kind
from bridge.ledger.lookup import about
from bridge.store.database.engine import read, write
from bridge.store.search.stands import in_one_text, places_in
from bridge.store.vault import Order
from tests.support.races import READERS, run_races
from tests.support.reads import Reads
from tests.support.worlds import LEA, NOW, World, caller, form_health, make_world, referral

REQUEST = "ServiceRequest"
REQUESTS = Query(REQUEST, limit=20)
RACES = int(os.environ.get("SCHOOLBRIDGE_RACES") or 40)  # noqa: TID251 - how long to test


class Counted(Together):
    """Counts the searches that were answered from memory."""

    again = 0

    def _found_again(self, *told: Any) -> Hit | None:  # noqa: ANN401 - as Together
        hit = super()._found_again(*told)
        self.again += hit is not None
        return hit


class IgnoresIncluded(Counted):
    """Does not ask whether what was included still stands."""

    def _stand(self, _: object, hits: Sequence[Hit]) -> list[bool]:
        return [True] * len(hits)


class IgnoresStudents(IgnoresIncluded):
    """Takes no notice of what moved about a student either."""

    def _rows(self, *told: Any) -> str:  # noqa: ANN401 - as Together
        first: dict[int, int] = self.__dict__.setdefault("first", {})
        found = places_in(super()._rows(*told))
        return in_one_text(
            p._replace(version=first.setdefault(p.written, p.version)) for p in found
        )


@pytest.fixture
def reads(world: World) -> Iterator[Reads]:
    """Two referrals that may be seen, searched for once, and one that may not."""
    world.refer([referral(1), referral(2), referral(3, releases=(form_health(),))])
    made = Reads(world, Counted)
    found(made)
    yield made
    made.together.close()


def found(reads: Reads, query: Query = REQUESTS) -> Released:
    return reads.search(reads.world.web().token, query, "patient")


def again(reads: Reads) -> int:
    assert isinstance(reads.together, Counted)
    return reads.together.again


def change(world: World, sql: str, **values: object) -> None:
    with write(world.bridge.engine) as connection:
        connection.execute(text(sql), values)


def told(released: Released) -> tuple[object, ...]:
    return (released.matches, released.included, released.total, released.last)


def disclosures(world: World, number: int) -> list[int]:
    """Return where each disclosure about a student stands in the ledger."""
    with read(world.bridge.engine) as connection:
        student = world.bridge.identifiers.issue("student", LEA, str(1000 + number))
        every = about(connection, subject_of(world.bridge.identifiers, student))
        return [each.index for each in every if each.entry.kind is Kind.RELEASE]


def test_an_answer_given_again_is_what_the_gate_gives(reads: Reads) -> None:
    decided = reads.world.bridge.gate.search(caller(), REQUESTS, ("patient",))
    for _ in range(2):
        assert told(found(reads)) == told(decided)
    assert again(reads) == 2


def test_other_questions_that_find_the_same_are_answered_with_their_own_totals_and_places(
    reads: Reads,
) -> None:
    for query in (Query(REQUEST, limit=2), Query(REQUEST, limit=2, counted=True),
                  Query(REQUEST, order=Order("authored"), limit=3)):  # fmt: skip
        decided = reads.world.bridge.gate.search(caller(), query, ("patient",))
        found(reads, query)
        assert told(found(reads, query)) == told(decided)
    assert again(reads) >= 4


def test_each_disclosure_counts_each_time_for_whom_it_is_about(reads: Reads) -> None:
    for _ in range(3):
        found(reads)
    assert disclosures(reads.world, 1) == [0, 2, 4, 4, 5, 5, 6, 6]
    assert disclosures(reads.world, 3) == []
    with read(reads.world.bridge.engine) as connection:
        assert verify_log(connection, reads.world.agreement).sound


def test_each_time_is_an_event_for_an_auditor_and_a_line_of_the_account(reads: Reads) -> None:
    world = reads.world
    before, lines = audited(world), len(account(world).lines)
    for _ in range(2):
        found(reads)

    events = audited(world)
    more = [event for event in events if event not in before]
    assert len({event["id"] for event in events}) == len(events)
    assert len(more) == 2 * len(before)
    assert {event["recorded"] for event in more} == {NOW.isoformat().replace("+00:00", "Z")}
    assert len(account(world).lines) == lines + 4
    assert len(set(account(world).lines)) < len(account(world).lines)


def audited(world: World) -> list[Any]:
    with read(world.bridge.engine) as connection:
        events = audit_events(connection, world.bridge.identifiers, world.agreement)
        return [orjson.loads(event.body) for event in events]


def account(world: World) -> ReleasedAccount:
    return account_for(world.parts, LEA, "1001", ("records_custodian", ""))


def test_a_search_that_finds_nothing_is_answered_at_once_and_noted(reads: Reads) -> None:
    world, named = reads.world, Query(REQUEST, ids=(reads.world.id_of(REQUEST, "R-3"),), limit=1)
    before = world.counts()
    assert found(reads, named).total == 0
    assert again(reads) == 1
    after = world.counts()
    assert after["unanswered_request"] == before["unanswered_request"] + 1
    assert after["ledger_entry"] == before["ledger_entry"]


def test_changes_of_what_may_not_be_known_leave_it_as_it_is(reads: Reads) -> None:
    world = reads.world
    body = "UPDATE record SET body = replace(body, '\"order\"', '\"plan\"'), change = change + 1000"
    change(world, f"{body} WHERE id = :id", id=world.id_of(REQUEST, "R-3"))
    found(reads)
    change(world, "DELETE FROM signed_release WHERE student_id = :s",
           s=world.bridge.identifiers.issue("student", LEA, "1003"))  # fmt: skip
    found(reads)
    assert again(reads) == 2


def revoked(reads: Reads) -> Released:
    record_id = reads.world.id_of(REQUEST, "R-1")
    form = reads.world.bridge.identifiers.issue("release", record_id, "education")
    assert revoke_release(reads.world.parts, form)
    return found(reads)


def test_a_revocation_takes_its_record_out_of_it(reads: Reads) -> None:
    found(reads)
    left = revoked(reads)
    assert [match.id for match in left.matches] == [reads.world.id_of(REQUEST, "R-2")]
    assert len(left.included) == 1
    assert again(reads) == 1
    found(reads)
    assert again(reads) == 2


def observations_gone(reads: Reads) -> bool:
    """Tell whether an answer still leads to records that are gone."""
    found(reads)
    change(reads.world, "DELETE FROM record WHERE type = 'Observation'")
    return not any(b"Observation/" in match.body for match in found(reads).matches)


def patients_corrected(reads: Reads) -> bool:
    """Tell whether an answer says what its Patients say now."""
    found(reads)
    renamed = 'body = replace(body, \'"family":"\', \'"family":"Z\'), change = change + 1000'
    change(reads.world, f"UPDATE record SET {renamed} WHERE type = 'Patient'")  # noqa: S608 - ours
    return all(b'"family":"Z' in each.body for each in found(reads).included)


def test_what_moved_of_a_student_counts(reads: Reads) -> None:
    assert observations_gone(reads)


def test_what_moved_of_what_is_included_counts(reads: Reads) -> None:
    assert patients_corrected(reads)


@pytest.mark.parametrize(
    ("kind", "noticed"),
    [(IgnoresStudents, observations_gone), (IgnoresIncluded, patients_corrected)],
)
def test_a_page_used_although_something_moved_is_noticed(
    lite: World, kind: type[Together], noticed: Callable[[Reads], bool]
) -> None:
    lite.refer([referral(1), referral(2)])
    reads = Reads(lite, kind)
    found(reads)
    found(reads)
    # Its permits are as good as ever: only the page is trusted.
    reads.together._permits.clear = lambda: None  # type: ignore[method-assign] # the test keeps what would be dropped
    reads.together._pages.clear = lambda: None  # type: ignore[method-assign] # the test keeps what would be dropped
    assert not noticed(reads)
    reads.together.close()


def test_nothing_that_was_deleted_is_kept(reads: Reads) -> None:
    assert reads.together._pages._held
    change(reads.world, "DELETE FROM record WHERE type = 'Observation'")
    reads.read(reads.world.web().token, "Task", "none")
    assert not reads.together._pages._held


def test_after_an_erasure_from_the_ledger_it_is_entered_anew(reads: Reads) -> None:
    world = reads.world
    erasure = Entry(world.agreement, Kind.ERASURE, refers=(0,))
    with write(world.bridge.engine) as connection:
        erase(connection, erasure, world.bridge.clock)
    before = len(disclosures(world, 1))
    assert len(found(reads).matches) == 2
    assert len(disclosures(world, 1)) == before + 2
    with read(world.bridge.engine) as connection:
        assert verify_log(connection, world.agreement).sound


def test_under_another_copy_of_the_log_it_is_entered_anew(reads: Reads) -> None:
    before = reads.world.counts()["ledger_entry"]
    change(reads.world, "UPDATE ledger_entry SET leaf = :leaf WHERE position = 3", leaf=bytes(32))
    assert len(found(reads).matches) == 2
    assert reads.world.counts()["ledger_entry"] == before + 4


@pytest.mark.turns(2)
@pytest.mark.slow
def test_no_answer_is_given_again_after_a_revocation(database_url: str, tmp_path: Path) -> None:
    world = make_world(database_url, tmp_path, ShiftedClock(NOW))
    seed = random.SystemRandom().randrange(10**6)
    races = run_races(world, RACES, seed, searching=True)
    assert [race for race in races if race.after > race.before] == [], seed
    # Some came first, and some too late; each tells of a referral and of a Patient.
    assert 2 * RACES < sum(race.before for race in races) < 2 * RACES * (1 + READERS)
    sys.stdout.write(f"{len(races)} races, seed {seed}\n")
    world.bridge.engine.dispose()
