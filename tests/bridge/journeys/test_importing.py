"""Imports: twice is once, a batch that fails leaves nothing, and held rows are let go."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from bridge.errors import BridgeError
from bridge.journeys.files.import_referrals import ReferralImport
from bridge.journeys.files.import_roster import import_roster
from bridge.store.database.engine import read
from bridge.store.directory import held
from bridge.store.facts.evidence import open_students
from mappings.canonical import SourceRow, Student
from mappings.language import Held, HoldCode, HoldReason, Mapped
from tests.support.worlds import HARBOR, LEA, World, caller, form_education, referral


def test_importing_twice_is_importing_once(world: World) -> None:
    rows = [referral(n) for n in range(5)]
    first = world.refer(rows)
    before = world.counts()
    world.clock.advance(timedelta(days=3))  # other stamps must not make it other content
    again = world.refer(rows)
    assert (first.stored, first.unchanged) == (5, 0)
    assert (again.stored, again.unchanged, again.held) == (0, 5, [])
    assert world.counts() == before


def test_a_referral_that_comes_again_with_other_content_is_held_whole(world: World) -> None:
    world.refer([referral(1)])
    before = world.counts()
    kept = world.stored("ServiceRequest", world.id_of("ServiceRequest", "R-1"))
    again = world.refer([replace(referral(1), description="Something else.")])
    assert [row.codes for row in again.held] == [("differs-from-import",)]
    assert world.stored("ServiceRequest", world.id_of("ServiceRequest", "R-1")) == kept
    assert world.counts() == before | {"held_row": 1}


def test_a_batch_that_breaks_off_leaves_nothing_of_itself(world: World) -> None:
    rows = [Mapped(referral(n), n) for n in range(6)]
    student = Mapped(Student("9", "Winterbourne", "Kim", date(2012, 3, 4)), 7)  # no referral
    before = world.counts()
    importing = ReferralImport(world.parts, LEA, HARBOR)
    with pytest.raises(BridgeError):
        importing.run([*rows, student])
    assert world.counts() == before
    assert importing.run(rows).stored == 6


def test_only_the_batch_that_breaks_off_is_undone(world: World) -> None:
    rows = [Mapped(referral(n), n) for n in range(201)]
    student = Mapped(Student("9", "Winterbourne", "Kim", date(2012, 3, 4)), 7)
    importing = ReferralImport(world.parts, LEA, HARBOR)
    with pytest.raises(BridgeError):
        importing.run([*rows, student])
    assert world.counts()["student"] == 200
    done = importing.run(rows)
    assert (done.stored, done.unchanged) == (1, 200)


def waiting(world: World) -> list[tuple[int, str]]:
    with read(world.bridge.engine) as connection:
        return [(row.row, row.reasons[0]) for row in held(connection, LEA)]


def test_a_held_row_waits_until_it_comes_in_good_order(world: World) -> None:
    origin = SourceRow("test-form", "referrals.csv", 3, "R-1")
    reason = HoldReason(HoldCode.EMPTY, "Urgency", "is empty", "say how urgent it is")
    importing = ReferralImport(world.parts, LEA, HARBOR)
    for _ in range(2):
        report = importing.run([Held(origin, (reason,))])
        assert (report.read, len(report.held)) == (1, 1)
    assert len(waiting(world)) == 1
    assert importing.run([Mapped(referral(1), 3)]).stored == 1
    assert waiting(world) == []


def test_counts_add_up_whatever_comes(world: World) -> None:
    world.refer([referral(0)])
    origin = SourceRow("test-form", "referrals.csv", 9, "R-9")
    reason = HoldReason(HoldCode.EMPTY, "Urgency", "is empty", "say how urgent it is")
    rows = [
        Mapped(referral(0), 2),
        Mapped(replace(referral(0), description="Other."), 3),
        Mapped(referral(1), 4),
        Held(origin, (reason,)),
    ]
    report = ReferralImport(world.parts, LEA, HARBOR).run(rows)
    assert (report.stored, report.unchanged, len(report.held)) == (1, 1, 2)
    assert report.read == report.stored + report.unchanged + len(report.held) + report.duplicates


def enrolled(world: World) -> int:
    with read(world.bridge.engine) as connection:
        return len(open_students(connection, "enrolled", world.clock.now()))


def test_a_student_who_left_stops_the_release_at_once_and_may_come_back(world: World) -> None:
    world.refer([referral(1)])
    gate, request = world.bridge.gate, world.id_of("ServiceRequest", "R-1")
    assert gate.read(caller(), "ServiceRequest", request)
    gone = replace(referral(1).student, enrolled=False)
    assert import_roster(world.parts, LEA, [Mapped(gone, 2)]).ended == 1
    assert enrolled(world) == 0
    assert gate.read(caller(), "ServiceRequest", request) is None
    world.clock.advance(timedelta(days=1))
    import_roster(world.parts, LEA, [Mapped(referral(1).student, 2)])
    assert gate.read(caller(), "ServiceRequest", request)


def test_a_roster_that_does_not_say_who_is_enrolled_changes_nothing(world: World) -> None:
    world.refer([referral(1)])
    before = enrolled(world)
    unsaid = replace(referral(1).student, enrolled=None)
    report = import_roster(world.parts, LEA, [Mapped(unsaid, 2)])
    assert (report.read, report.unsaid, report.left, report.ended) == (1, 1, 0, 0)
    assert enrolled(world) == before == 1


def test_a_consent_that_comes_later_shows_the_referral_to_who_polls_by_time(world: World) -> None:
    world.refer([referral(1, releases=())])
    web = world.web()
    assert web.found("/fhir/Task") == []
    world.clock.advance(timedelta(minutes=1))
    since = datetime(2026, 10, 15, 14, 0, 30, tzinfo=UTC).isoformat().replace("+00:00", "Z")
    world.refer([referral(1)])
    assert len(web.found(f"/fhir/Task?_lastUpdated=gt{since}")) == 1


def test_two_releases_of_one_form_hold_the_row_and_store_nothing_of_it(world: World) -> None:
    twice = (form_education(), form_education(answer="refused"))
    rows = [Mapped(referral(1, releases=twice), 2)]
    report = ReferralImport(world.parts, LEA, HARBOR).run(rows)
    assert (report.stored, [row.codes for row in report.held]) == (0, [("form-repeated",)])
    assert "release record" in report.held[0].texts[0]


def test_a_form_pending_at_first_counts_once_its_row_comes_signed(world: World) -> None:
    world.refer([referral(1, releases=(form_education(answer="pending", signed_on=None),))])
    request = world.id_of("ServiceRequest", "R-1")
    gate = world.bridge.gate
    assert gate.read(caller(), "ServiceRequest", request) is None
    again = world.refer([referral(1, releases=(form_education(),))])
    assert (again.unchanged, again.held) == (1, [])
    assert gate.read(caller(), "ServiceRequest", request)
    once_more = world.refer([referral(1, releases=(form_education(),))])
    assert (once_more.unchanged, once_more.held) == (1, [])


def test_an_answer_on_file_is_not_changed_by_importing_the_row_again(world: World) -> None:
    world.refer([referral(1, releases=(form_education(answer="refused"),))])
    again = world.refer([referral(1, releases=(form_education(),))])
    assert [row.codes for row in again.held] == [("release-changed",)]
    request = world.id_of("ServiceRequest", "R-1")
    assert world.bridge.gate.read(caller(), "ServiceRequest", request) is None
