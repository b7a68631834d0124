"""A school withdraws a referral, or sends it again; what each side then has, and may know."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from bridge.errors import BridgeError
from bridge.gate import release_own_referrals
from bridge.journeys.referrals.withdraw_referral import (
    OwnNumber,
    cancel_unanswered,
    enter_in_error,
    resubmit_referral,
    withdraw_referral,
)
from tests.support.worlds import CARE_CONSENT, LEA, Json, World, caller, put_task, referral

R0 = OwnNumber(LEA, "harbor", "R-0")
SIS = caller("millbrook-sis")
FOLLOW_UP = "https://schoolbridge.example/fhir/CodeSystem/follow-up"
BSER = "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS"


def coded(code: str, system: str = FOLLOW_UP) -> Json:
    return {"businessStatus": {"coding": [{"system": system, "code": code}]}}


def task_of(world: World) -> Json:
    read: Json = world.web().get(f"/fhir/Task/{world.id_of('Task', 'R-0')}").json()
    return read


def asked(world: World) -> list[Json]:
    """The requests to stop, as the provider finds them."""
    return world.web().found("/fhir/Task?code=abort")


def answer(world: World, status: str, code: str, consent: str = "guardian") -> None:
    care = [{"url": CARE_CONSENT, "valueCode": consent}]
    sent = put_task(world.web(), task_of(world), status, extension=care, **coded(code))
    assert sent.status_code == 200, sent.text
    world.clock.advance(timedelta(seconds=1))


def begun(world: World, consent: str = "guardian") -> None:
    world.refer([referral(0)])
    answer(world, "accepted", "accepted", consent)
    answer(world, "in-progress", "services-started", consent)


def told(world: World) -> dict[str, Any]:
    (row,) = world.bridge.gate.follow_up(SIS).rows
    return asdict(row)


def test_before_the_start_a_referral_is_cancelled_at_once(world: World) -> None:
    world.refer([referral(0)])
    withdraw_referral(world.parts, R0)
    task = task_of(world)
    assert (task["status"], task["statusReason"]["text"]) == (
        "cancelled",
        "Withdrawn by the school",
    )
    assert (told(world)["status"], told(world)["status_on"]) == (
        "withdrawn-by-school",
        "2026-10-15",
    )
    assert put_task(world.web(), task, "accepted").status_code == 422
    versions = world.web().get(f"/fhir/Task/{task['id']}/_history").json()["entry"]
    assert [v["resource"]["status"] for v in versions] == ["cancelled", "requested"]


def test_after_the_start_the_provider_is_asked_and_the_referral_goes_on(world: World) -> None:
    begun(world)
    withdraw_referral(world.parts, R0)
    (request,) = asked(world)
    task = task_of(world)
    assert (request["status"], request["focus"]["reference"]) == (
        "requested",
        f"Task/{task['id']}",
    )
    assert task["status"] == "in-progress"
    assert told(world)["status"] == "services-started"
    assert put_task(world.web(), task, "on-hold", **coded("services-paused")).status_code == 200


def test_a_provider_that_agrees_ends_the_referral(world: World) -> None:
    begun(world)
    withdraw_referral(world.parts, R0)
    (request,) = asked(world)
    agreed = put_task(world.web(), request, "accepted")
    assert agreed.status_code == 200, agreed.text
    assert agreed.json()["status"] == "accepted"
    assert task_of(world)["status"] == "cancelled"
    assert told(world)["status"] == "withdrawn-by-school"
    assert put_task(world.web(), request, "accepted").status_code == 412


def test_a_provider_that_does_not_agree_says_why_and_goes_on(world: World) -> None:
    begun(world)
    withdraw_referral(world.parts, R0)
    (request,) = asked(world)
    silent = {**request, "statusReason": None}
    del silent["statusReason"]
    etag = {"If-Match": f'W/"{request["meta"]["versionId"]}"'}
    path = f"/fhir/Task/{request['id']}"
    without = world.web().send("PUT", path, json={**silent, "status": "rejected"}, headers=etag)
    assert without.status_code == 422
    refused = put_task(world.web(), request, "rejected")
    assert refused.status_code == 200, refused.text
    assert refused.json()["statusReason"]["text"] == "No place is free"
    assert task_of(world)["status"] == "in-progress"
    assert told(world)["status"] == "services-started"


@pytest.mark.parametrize("status", ["in-progress", "completed", "cancelled", "failed", "draft"])
def test_a_request_to_stop_is_answered_and_nothing_else(lite: World, status: str) -> None:
    begun(lite)
    withdraw_referral(lite.parts, R0)
    (request,) = asked(lite)
    kept = lite.stored("Task", request["id"])
    refused = put_task(lite.web(), request, status)
    assert refused.status_code == 422
    assert "from requested to: accepted or rejected" in refused.text
    other = put_task(lite.web(), request, "accepted", priority="stat")
    assert other.status_code == 422
    assert lite.stored("Task", request["id"]) == kept


@pytest.mark.parametrize("said", [coded("withdrawn-by-school"), coded("6.0", BSER)])
def test_a_provider_may_cancel_the_referral_itself_once_it_was_asked(
    lite: World, said: Json
) -> None:
    begun(lite)
    assert put_task(lite.web(), task_of(lite), "cancelled", **said).status_code == 422
    withdraw_referral(lite.parts, R0)
    cancelled = put_task(lite.web(), task_of(lite), "cancelled", **said)
    assert cancelled.status_code == 200, cancelled.text
    (request,) = asked(lite)
    assert request["status"] == "accepted"


def test_withdrawing_again_changes_nothing(lite: World) -> None:
    begun(lite)
    withdraw_referral(lite.parts, R0)
    counts = lite.counts()
    withdraw_referral(lite.parts, R0)
    assert lite.counts() == counts
    assert len(asked(lite)) == 1


def test_a_referral_that_has_ended_stays_as_it_ended(lite: World) -> None:
    lite.refer([referral(0)])
    answer(lite, "rejected", "declined-by-provider")
    withdraw_referral(lite.parts, R0)
    assert task_of(lite)["status"] == "rejected"
    assert told(lite)["status"] == "declined-by-provider"


def test_what_was_returned_is_sent_again(world: World) -> None:
    world.refer([referral(0)])
    answer(world, "accepted", "accepted")
    answer(world, "on-hold", "returned-incomplete")
    assert told(world)["status"] == "returned-incomplete"
    resubmit_referral(world.parts, R0)
    assert told(world)["status"] == "sent"
    task = task_of(world)
    assert (task["status"], task["businessStatus"]["coding"][0]["code"]) == ("on-hold", "sent")
    answer(world, "in-progress", "contacting-family")


def test_what_was_not_returned_is_not_sent_again(lite: World) -> None:
    lite.refer([referral(0)])
    answer(lite, "accepted", "accepted")
    answer(lite, "on-hold", "waitlisted")
    counts = lite.counts()
    resubmit_referral(lite.parts, R0)
    assert lite.counts() == counts


@pytest.mark.parametrize("act", [withdraw_referral, resubmit_referral])
@pytest.mark.parametrize(
    "own", [OwnNumber(LEA, "harbor", "R-9"), OwnNumber("elsewhere", "harbor", "R-0")]
)
def test_another_districts_referral_is_not_there(
    lite: World, act: Callable[..., None], own: OwnNumber
) -> None:
    lite.refer([referral(0)])
    with pytest.raises(BridgeError, match="no such referral"):
        act(lite.parts, own)


def test_a_school_that_may_not_learn_of_care_learns_nothing_by_withdrawing(
    lite: World, make_twin: Callable[[], World]
) -> None:
    """A minor treated alone, against a referral nobody has answered: alike at every step."""
    twin = make_twin()
    begun(lite, "minor")
    twin.refer([referral(0)])
    seen: list[list[object]] = []
    for world in (lite, twin):
        steps: list[object] = [told(world)]
        for act in (resubmit_referral, withdraw_referral, withdraw_referral, resubmit_referral):
            act(world.parts, R0)  # type: ignore[operator] # any of the acts
            own = release_own_referrals(world.bridge, SIS).referrals
            steps += [told(world), [len(each.resources) for each in own]]
        seen.append(steps)
    assert seen[0] == seen[1]
    assert told(lite)["status"] == "withdrawn-by-school"
    (request,) = asked(lite)
    assert put_task(lite.web(), request, "rejected").status_code == 200
    assert told(lite) == told(twin)


def test_a_request_nobody_answers_does_not_hold_a_child_up(world: World) -> None:
    begun(world)
    cancel_unanswered(world.parts, R0)
    assert task_of(world)["status"] == "in-progress"  # nobody was asked
    withdraw_referral(world.parts, R0)
    cancel_unanswered(world.parts, R0)
    task = task_of(world)
    assert (task["status"], task["statusReason"]["text"]) == (
        "cancelled",
        "Withdrawn by the school",
    )
    assert [request["status"] for request in asked(world)] == ["accepted"]
    assert told(world)["status"] == "withdrawn-by-school"
    cancel_unanswered(world.parts, R0)
    assert task_of(world) == task


def test_a_request_that_was_refused_was_answered(lite: World) -> None:
    begun(lite)
    withdraw_referral(lite.parts, R0)
    (request,) = asked(lite)
    assert put_task(lite.web(), request, "rejected").status_code == 200
    cancel_unanswered(lite.parts, R0)
    assert task_of(lite)["status"] == "in-progress"


@pytest.mark.parametrize("answered", [None, "guardian", "minor"])
def test_what_was_never_meant_reads_as_withdrawn_whatever_the_provider_did(
    world: World, answered: str | None
) -> None:
    if answered is None:
        world.refer([referral(0)])
    else:
        begun(world, answered)
    enter_in_error(world.parts, R0)
    task = task_of(world)
    order = world.web().get(f"/fhir/{task['focus']['reference']}").json()
    assert (task["status"], order["status"]) == ("entered-in-error", "entered-in-error")
    assert "businessStatus" not in task
    row = told(world)
    assert (row["status"], row["status_on"]) == (
        "withdrawn-by-school",
        world.clock.now().date().isoformat(),
    )
    assert [request["status"] for request in asked(world)] == ["accepted"]
    assert put_task(world.web(), task, "accepted").status_code == 422
    counts = world.counts()
    enter_in_error(world.parts, R0)
    assert world.counts() == counts


def test_another_district_ends_nothing(lite: World) -> None:
    begun(lite)
    for ends in (cancel_unanswered, enter_in_error):
        with pytest.raises(BridgeError):
            ends(lite.parts, OwnNumber("elsewhere", "harbor", "R-0"))
