"""What is due, for each side, and that it says no more than the status does."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from bridge.errors import BridgeError, SettingsError
from bridge.journeys.referrals.work_list import WorkItem, provider_work, school_work
from tests.support.worlds import (
    CARE_CONSENT,
    HARBOR,
    LEA,
    Json,
    World,
    encounter,
    form_education,
    form_health,
    post_session,
    put_task,
    referral,
)

SCHOOL = (LEA, "referral_coordinator")
EHR = (HARBOR, "intake")
FOLLOW_UP = "https://schoolbridge.example/fhir/CodeSystem/follow-up"


def school(world: World, folder: Path, name: str = "") -> list[tuple[str, str]]:
    return [(i.referral, i.what.rule) for i in school_work(world.bridge, folder, SCHOOL, name)]


def provider(world: World, folder: Path) -> list[tuple[str, str]]:
    return [(i.referral, i.what.rule) for i in provider_work(world.bridge, folder, EHR)]


def answered(world: World, number: int, status: str, code: str, consent: str = "guardian") -> Json:
    """Answer a referral as its provider; returns the Task as it then is."""
    web = world.web()
    task = web.get(f"/fhir/Task/{world.id_of('Task', f'R-{number}')}").json()
    said = {
        "businessStatus": {"coding": [{"system": FOLLOW_UP, "code": code}]},
        "extension": [{"url": CARE_CONSENT, "valueCode": consent}],
    }
    answer = put_task(web, task, status, **said)
    assert answer.status_code == 200, answer.text
    read: Json = answer.json()
    return read


def sent_today(world: World, number: int, **more: object) -> None:
    world.refer([referral(number, authored_on=world.clock.now().date(), **more)])


def test_an_answer_is_waited_for_two_and_then_fourteen_business_days(
    world: World, tmp_path: Path
) -> None:
    sent_today(world, 0)  # a Thursday
    assert school(world, tmp_path) == []
    world.clock.advance(timedelta(days=4))
    assert school(world, tmp_path) == [("R-0", "unanswered")]
    assert provider(world, tmp_path) == [("R-0", "unanswered")]
    world.clock.advance(timedelta(days=16))
    assert school(world, tmp_path) == [("R-0", "unanswered-long")]
    assert provider(world, tmp_path) == []  # it is the school's turn to think of another


def test_a_referral_without_a_signed_form_waits_for_one(lite: World, tmp_path: Path) -> None:
    sent_today(lite, 0, releases=())
    sent_today(lite, 1, releases=(form_education(answer="pending"), form_health()))
    sent_today(lite, 2, releases=(form_education(expires_on=date(2026, 10, 20)), form_health()))
    lite.clock.advance(timedelta(days=7))
    due = dict(school(lite, tmp_path))
    assert due == dict.fromkeys(("R-0", "R-1", "R-2"), "signature")
    assert provider(lite, tmp_path) == []


def test_a_missed_visit_that_is_not_arranged_again_is_told(world: World, tmp_path: Path) -> None:
    sent_today(world, 0)
    answered(world, 0, "accepted", "accepted")
    world.clock.advance(timedelta(days=1))
    answered(world, 0, "in-progress", "intake-scheduled")
    world.clock.advance(timedelta(days=1))
    answered(world, 0, "in-progress", "intake-missed")
    world.clock.advance(timedelta(days=5))
    assert school(world, tmp_path) == []
    world.clock.advance(timedelta(days=1))
    assert school(world, tmp_path) == provider(world, tmp_path) == [("R-0", "no-show")]
    answered(world, 0, "in-progress", "intake-scheduled")
    assert school(world, tmp_path) == provider(world, tmp_path) == []


def test_accepted_without_a_visit_is_told_until_one_is_recorded(
    lite: World, tmp_path: Path
) -> None:
    sent_today(lite, 0)
    web = lite.web()
    task = web.get(f"/fhir/Task/{lite.id_of('Task', 'R-0')}").json()
    care = [{"url": CARE_CONSENT, "valueCode": "guardian"}]
    task = put_task(web, task, "accepted", extension=care).json()
    lite.clock.advance(timedelta(days=21))
    assert school(lite, tmp_path) == provider(lite, tmp_path) == [("R-0", "no-visit")]
    assert post_session(lite.web(), encounter(task, "V-1")).status_code == 201
    assert school(lite, tmp_path) == provider(lite, tmp_path) == []


def test_the_wait_list_is_looked_at_again_every_month(lite: World, tmp_path: Path) -> None:
    sent_today(lite, 0)
    answered(lite, 0, "accepted", "accepted")
    lite.clock.advance(timedelta(seconds=1))
    answered(lite, 0, "on-hold", "waitlisted")
    lite.clock.advance(timedelta(days=30))
    assert school(lite, tmp_path) == provider(lite, tmp_path) == [("R-0", "wait-list-review")]


def test_a_form_that_ends_soon_is_told_to_the_school(lite: World, tmp_path: Path) -> None:
    ends = form_education(expires_on=date(2026, 11, 20))
    sent_today(lite, 0, releases=(ends, form_health()))
    answered(lite, 0, "accepted", "accepted")
    lite.clock.advance(timedelta(days=5))
    assert school(lite, tmp_path) == []
    lite.clock.advance(timedelta(days=1))
    assert school(lite, tmp_path) == [("R-0", "consent-expiring")]
    assert provider(lite, tmp_path) == []


def test_what_is_withheld_is_due_as_if_nobody_had_answered(
    lite: World, make_twin: Callable[[], World], tmp_path: Path
) -> None:
    """A minor treated alone, against a referral nobody has answered."""
    twin = make_twin()
    for each in (lite, twin):
        sent_today(each, 0)
        sent_today(each, 1)
    answered(lite, 0, "accepted", "accepted", consent="minor")
    seen: list[list[list[WorkItem]]] = []
    for each in (lite, twin):
        days = []
        for _ in range(8):
            each.clock.advance(timedelta(days=5))
            days.append(school_work(each.bridge, tmp_path, SCHOOL))
        seen.append(days)
        each.clock.advance(timedelta(days=-40))
    assert seen[0] == seen[1]
    assert {item.referral for item in seen[0][-1]} == {"R-0", "R-1"}


def test_days_the_district_is_closed_do_not_count(lite: World, tmp_path: Path) -> None:
    sent_today(lite, 0)
    lite.clock.advance(timedelta(days=4))
    assert school(lite, tmp_path) == [("R-0", "unanswered")]
    line = "from,to,kind,name\n2026-10-16,2026-10-19,holiday,Two days\n"
    (tmp_path / f"{LEA}.csv").write_text(line, encoding="utf-8")
    assert school(lite, tmp_path) == provider(lite, tmp_path) == []


def test_a_calendar_that_cannot_be_read_is_named_with_its_line(lite: World, tmp_path: Path) -> None:
    (tmp_path / f"{LEA}.csv").write_text("from,to,kind,name\nsoon,,holiday,x\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"millbrook\.csv: calendar\.csv line 2: write a day"):
        school_work(lite.bridge, tmp_path, SCHOOL)


def test_one_schools_list_is_its_own(lite: World, tmp_path: Path) -> None:
    sent_today(lite, 0)
    lite.clock.advance(timedelta(days=4))
    (item,) = school_work(lite.bridge, tmp_path, SCHOOL)
    assert school(lite, tmp_path, item.school) == [("R-0", "unanswered")]
    assert school(lite, tmp_path, "Another school") == []


def test_an_organisation_without_an_agreement_is_told_so(lite: World, tmp_path: Path) -> None:
    with pytest.raises(BridgeError, match="no agreement binds"):
        school_work(lite.bridge, tmp_path, ("elsewhere", "referral_coordinator"))


def test_a_form_for_one_provider_lets_no_referral_go_to_another(
    world: World, tmp_path: Path
) -> None:
    world.refer([referral(0)], "cove")
    pending = (form_education(answer="pending"), form_health(answer="pending"))
    sent_today(world, 0, releases=pending)
    world.clock.advance(timedelta(days=8))

    rules = {(i.provider, i.what.rule) for i in school_work(world.bridge, tmp_path, SCHOOL)}

    assert ("Harbor Family Centers", "signature") in rules


def test_a_guardians_form_ends_on_the_eighteenth_birthday_and_the_student_is_asked(
    lite: World, tmp_path: Path
) -> None:
    """34 CFR 99.5: the right passes to the student; 30 days before, the school is told."""
    sent_today(lite, 0, student={"birth_date": date(2008, 12, 1)})
    lite.clock.advance(
        timedelta(days=date(2026, 11, 30).toordinal() - date(2026, 10, 15).toordinal())
    )
    assert ("R-0", "consent-expiring") in school(lite, tmp_path)
    assert ("R-0", "signature") not in school(lite, tmp_path)
    assert lite.web().found("/fhir/ServiceRequest")
    lite.clock.advance(timedelta(days=1))
    assert lite.web().found("/fhir/ServiceRequest") == []
    lite.clock.advance(timedelta(days=7))
    assert school(lite, tmp_path) == [("R-0", "signature")]
