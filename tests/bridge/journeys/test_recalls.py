"""Recall notices: drafted, sent, read and acknowledged. All people made up."""

from datetime import timedelta
from typing import Any

import pytest

from bridge.gate import Query
from bridge.journeys.families.guardian_blocks import Order, record_order
from bridge.journeys.families.recall_releases import (
    all_recalls,
    recall_form,
    recall_referral,
    send_recalls,
)
from bridge.journeys.families.record_releases import revoke_release
from bridge.ledger.entry import Kind
from bridge.ledger.lookup import entries
from bridge.store.database.engine import read
from tests.support.profiles import validate
from tests.support.worlds import LEA, Web, World, caller, referral


def release_id(world: World, form: str = "education") -> str:
    request_id = world.id_of("ServiceRequest", "R-1")
    return world.bridge.identifiers.issue("release", request_id, form)


def released(world: World) -> World:
    world.refer([referral(1)])
    for kind in ("ServiceRequest", "Patient", "ServiceRequest"):
        world.bridge.gate.search(caller(), Query(kind))
    return world


def notices(web: Web) -> list[dict[str, Any]]:
    bundle = web.get("/fhir/Task/$recalls").json()
    return [entry["resource"] for entry in bundle.get("entry", [])]


def acknowledge(web: Web, task: dict[str, Any], **changes: Any) -> Any:  # noqa: ANN401 - fields as a case changes them
    body = {**task, "status": "completed"} | changes
    etag = {"If-Match": f'W/"{task["meta"]["versionId"]}"'}
    return web.send("PUT", f"/fhir/Task/{task['id']}", json=body, headers=etag)


def test_revoking_drafts_a_notice_for_each_recipient_of_what_went_out(world: World) -> None:
    assert revoke_release(released(world).parts, release_id(world))
    (recall,) = all_recalls(world.parts)
    assert (recall.recipient, recall.reason, recall.state) == ("harbor", "revoked", "drafted")
    lines = {line.type: line for line in recall.lines}
    assert lines["ServiceRequest"].indexes == (0, 2)
    assert "referral.reason" in lines["ServiceRequest"].elements
    assert lines["Patient"].indexes == (1,)


def test_a_form_nothing_went_out_under_needs_no_notice(lite: World) -> None:
    lite.refer([referral(1)])
    assert revoke_release(lite.parts, release_id(lite))
    assert all_recalls(lite.parts) == []


def test_the_recipients_system_reads_the_notice_once_it_is_sent_and_acknowledges_it(
    world: World,
) -> None:
    revoke_release(released(world).parts, release_id(world))
    web = world.web()
    assert notices(web) == []
    assert (send_recalls(world.parts), send_recalls(world.parts)) == (1, 0)
    (task,) = notices(web)
    assert all_recalls(world.parts)[0].state == "read"
    assert web.get(f"/fhir/Task/{task['id']}").json() == task
    done = acknowledge(web, task)
    assert (done.status_code, done.json()["status"]) == (200, "completed")
    assert all_recalls(world.parts)[0].state == "acknowledged"


def test_a_notice_tells_what_the_recipient_has_and_nothing_about_the_person(lite: World) -> None:
    revoke_release(released(lite).parts, release_id(lite))
    send_recalls(lite.parts)
    text = lite.web().get("/fhir/Task/$recalls").text
    assert lite.id_of("ServiceRequest", "R-1") in text
    assert f"{lite.agreement}#" not in text
    for secret in ("inter", "Child1", "R-1", "2012-03-04", "nxiety", "1001"):
        assert secret not in text.replace("interagency", "")


def test_another_organisation_neither_sees_nor_acknowledges_a_notice(world: World) -> None:
    revoke_release(released(world).parts, release_id(world))
    send_recalls(world.parts)
    (task,) = notices(world.web())
    other = world.web("cove-ehr")
    absent = {**task, "id": "recall-" + "0" * 36}
    assert notices(other) == []
    for sent in (task, absent):
        assert other.get(f"/fhir/Task/{sent['id']}").status_code == 404
        assert acknowledge(other, sent).status_code == 404
    assert all_recalls(world.parts)[0].state == "read"


def test_an_acknowledgement_needs_the_version_read_and_the_status_completed(lite: World) -> None:
    revoke_release(released(lite).parts, release_id(lite))
    send_recalls(lite.parts)
    web = lite.web()
    (task,) = notices(web)
    path = f"/fhir/Task/{task['id']}"
    assert web.send("PUT", path, json={**task, "status": "completed"}).status_code == 428
    stale = {**task, "meta": {"versionId": "0"}}
    assert acknowledge(web, stale).status_code == 412
    assert acknowledge(web, task, status="rejected").status_code == 422
    assert all_recalls(lite.parts)[0].state == "read"


def test_a_referrals_search_never_finds_a_notice(lite: World) -> None:
    revoke_release(released(lite).parts, release_id(lite))
    send_recalls(lite.parts)
    assert lite.web().found("/fhir/Task") == []


def test_a_defective_form_and_a_wrong_student_are_recalled_by_hand(world: World) -> None:
    released(world).bridge.gate.search(caller("state-hub"), Query("ServiceRequest"))
    assert recall_form(world.parts, release_id(world)) == 1
    assert recall_form(world.parts, release_id(world)) == 0
    assert recall_referral(world.parts, world.id_of("ServiceRequest", "R-1")) == 2
    found = {(r.recipient, r.reason) for r in all_recalls(world.parts)}
    assert found == {
        ("harbor", "defective"), ("harbor", "wrong-student"), ("state-hub", "wrong-student"),
    }  # fmt: skip


@pytest.mark.parametrize(("hours", "count"), [(-1, 1), (0, 0)])
def test_an_order_recalls_what_went_out_since_it_began_to_hold(
    lite: World, hours: int, count: int
) -> None:
    released(lite)
    lite.clock.advance(timedelta(minutes=30))
    since = lite.clock.now() + timedelta(hours=hours)
    student = lite.bridge.identifiers.issue("student", LEA, "1001")
    record_order(lite.parts, student, Order(guardian="Max Winterbourne", valid_from=since))
    assert len(all_recalls(lite.parts)) == count


def test_every_step_of_a_notice_stands_in_the_ledger(lite: World) -> None:
    revoke_release(released(lite).parts, release_id(lite))
    send_recalls(lite.parts)
    web = lite.web()
    acknowledge(web, notices(web)[0])
    with read(lite.bridge.engine) as connection:
        found = [e.entry for e in entries(connection, lite.agreement)]
    steps = [e.purpose for e in found if e.kind is Kind.RECALL]
    assert steps == ["revoked", "sent", "read", "acknowledged"]
    assert {e.refers for e in found if e.kind is Kind.RECALL} == {(0, 1, 2)}


@pytest.mark.validator
def test_a_notice_is_a_valid_task(lite: World) -> None:
    revoke_release(released(lite).parts, release_id(lite))
    send_recalls(lite.parts)
    assert validate(notices(lite.web())) == []
