"""A school's system asks to stop a referral over the API: a Task with the code abort. Made up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bridge.identity import Party, Registration, Standing, read_scopes, register_client
from bridge.journeys.referrals.withdraw_referral import OwnNumber, withdraw_referral
from bridge.store.database.engine import write
from tests.support.stopping import ABORT
from tests.support.stopping import request_to_stop as request
from tests.support.worlds import (
    CARE_CONSENT,
    COVE,
    FHIR,
    LEA,
    Json,
    Web,
    World,
    caller,
    client_key,
    put_task,
    referral,
)

FOLLOW_UP = "https://schoolbridge.example/fhir/CodeSystem/follow-up"
NOBODY = "00000000-0000-8000-8000-000000000000"
SCHOOL = "millbrook-sis"


def numbered(number: str, **more: object) -> Json:
    return request({"identifier": {"value": number}}, **more)


def about(world: World, number: str = "R-0") -> Json:
    return request({"reference": f"Task/{world.id_of('Task', number)}"})


def post(world: World, body: Json, scope: str = "system/*.cruds") -> httpx.Response:
    return world.web(SCHOOL, scope).send("POST", "/fhir/Task", json=body)


def answer(world: World, status: str, code: str, consent: str = "guardian") -> None:
    task = world.web().get(f"/fhir/Task/{world.id_of('Task', 'R-0')}").json()
    said = {"businessStatus": {"coding": [{"system": FOLLOW_UP, "code": code}]}}
    care = [{"url": CARE_CONSENT, "valueCode": consent}]
    assert put_task(world.web(), task, status, extension=care, **said).status_code == 200
    world.clock.advance(timedelta(seconds=1))


def told(world: World) -> dict[str, str]:
    rows = world.bridge.gate.follow_up(caller(SCHOOL)).rows
    return {row.referral: row.status for row in rows}


def asked(world: World) -> list[Json]:
    return world.web().found("/fhir/Task?code=abort")


def test_before_the_start_the_referral_is_cancelled(world: World) -> None:
    world.refer([referral(0), referral(1)])
    answered = post(world, about(world))
    assert answered.status_code == 201, answered.text
    sent, task_id = answered.json(), world.id_of("Task", "R-0")
    assert answered.headers["location"].startswith(f"{FHIR}/Task/{sent['id']}/")
    assert (sent["status"], sent["focus"]) == ("requested", {"reference": f"Task/{task_id}"})
    assert sent["code"] == ABORT
    assert {*sent} == {
        *("resourceType", "id", "meta", "status", "intent", "code", "focus", "authoredOn"),
        *("requester", "owner"),
    }
    assert told(world) == {"R-0": "withdrawn-by-school", "R-1": "sent"}
    assert world.web().get(f"/fhir/Task/{task_id}").json()["status"] == "cancelled"


def test_after_the_start_the_provider_is_asked_and_answers(world: World) -> None:
    world.refer([referral(0)])
    answer(world, "accepted", "accepted")
    answer(world, "in-progress", "services-started")
    sent = post(world, about(world)).json()
    (found,) = asked(world)
    assert (found["id"], found["status"]) == (sent["id"], "requested")
    assert found["focus"] == sent["focus"]
    assert told(world) == {"R-0": "services-started"}
    assert put_task(world.web(), found, "accepted").status_code == 200
    assert told(world) == {"R-0": "withdrawn-by-school"}


def test_asking_again_changes_nothing_and_is_answered_alike(lite: World) -> None:
    lite.refer([referral(0)])
    first, kept = post(lite, about(lite)), lite.counts()
    lite.clock.advance(timedelta(days=1))
    again = post(lite, numbered("R-0"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.content, first.headers["etag"]) == (again.content, again.headers["etag"])
    assert lite.counts() == kept


def test_what_was_withdrawn_on_a_page_is_there_already(lite: World) -> None:
    lite.refer([referral(0)])
    withdraw_referral(lite.parts, OwnNumber(LEA, "harbor", "R-0"))
    assert post(lite, about(lite)).status_code == 200
    assert len(asked(lite)) == 1


ANSWERS: tuple[tuple[tuple[str, str], ...], ...] = (
    (("accepted", "accepted"), ("in-progress", "services-started")),
    (("rejected", "declined-by-provider"),),
    (("accepted", "accepted"), ("completed", "discharged")),
)


@pytest.mark.parametrize("answers", ANSWERS)
@pytest.mark.parametrize("consent", ["guardian", "minor"])
def test_the_answer_is_the_same_whatever_the_provider_did(
    lite: World,
    make_twin: Callable[[], World],
    answers: tuple[tuple[str, str], ...],
    consent: str,
) -> None:
    twin, got = make_twin(), list[tuple[object, ...]]()
    for each in (lite, twin):
        each.refer([referral(0)])
    for status, code in answers:
        answer(lite, status, code, consent)
        twin.clock.advance(timedelta(seconds=1))
    for each in (lite, twin):
        school = each.web(SCHOOL)
        for body in (about(each), numbered("R-0"), about(each)):
            reply = school.send("POST", "/fhir/Task", json=body)
            heads = {n: v for n, v in reply.headers.items() if n not in ("date", "x-request-id")}
            got.append((reply.status_code, reply.content, heads))
        place = f"/fhir/Task/{reply.json()['id']}"
        got.append((school.get(place).status_code,))
    assert got[:4] == got[4:]
    assert [row[0] for row in got[:4]] == [201, 200, 200, 404]


def test_a_referral_is_named_in_each_way(lite: World) -> None:
    lite.refer([referral(n) for n in range(4)])
    task = lite.web().get(f"/fhir/Task/{lite.id_of('Task', 'R-0')}").json()
    system = task["identifier"][0]["system"]
    ways = (
        request(task["focus"]),
        request({"identifier": {"system": system, "value": "R-1"}}),
        numbered("R-2", owner=task["owner"], requester=task["requester"]),
        about(lite, "R-3"),
    )
    assert [post(lite, body).status_code for body in ways] == [201] * 4
    assert set(told(lite).values()) == {"withdrawn-by-school"}


def test_a_number_that_two_providers_have_needs_the_owner(lite: World) -> None:
    lite.refer([referral(0)])
    lite.refer([referral(0)], COVE)
    refused = post(lite, numbered("R-0"))
    assert (refused.status_code, "give the owner" in refused.text) == (422, True)
    task = lite.stored("Task", lite.id_of("Task", "R-0", COVE))
    assert post(lite, numbered("R-0", owner=task["owner"])).status_code == 201
    rows = lite.bridge.gate.follow_up(caller(SCHOOL)).rows
    assert {row.provider: row.status for row in rows} == {
        "Harbor Family Centers": "sent",
        "Cove Counseling": "withdrawn-by-school",
    }


@pytest.mark.parametrize("number", ["R\0-0", "R-0'", "x" * 5000, "%", ""])
def test_a_number_of_any_kind_is_looked_for_or_refused(world: World, number: str) -> None:
    world.refer([referral(0)])
    assert post(world, numbered(number)).status_code in (400, 422)
    assert told(world) == {"R-0": "sent"}


def test_what_is_not_this_schools_is_as_absent_as_what_is_not_there(lite: World) -> None:
    lite.refer([referral(0)])
    task = lite.web().get(f"/fhir/Task/{lite.id_of('Task', 'R-0')}").json()
    other = {"reference": "Organization/elsewhere"}
    for wrong in (
        numbered("R-9"),
        request({"reference": f"Task/{NOBODY}"}),
        request({"reference": f"ServiceRequest/{NOBODY}"}),
        request({"identifier": {"system": "urn:elsewhere", "value": "R-0"}}),
        request({"display": "R-0"}),
        {**about(lite), "owner": other},
    ):
        refused = post(lite, wrong)
        (issue,) = refused.json()["issue"]
        assert (refused.status_code, issue["expression"]) == (422, ["Task.focus"]), refused.text
    foreign = school_of(lite, "elsewhere", "referral_coordinator")
    refused = foreign.send("POST", "/fhir/Task", json=about(lite))
    assert (refused.status_code, refused.content) == (422, post(lite, numbered("R-9")).content)
    assert lite.web().get(f"/fhir/Task/{task['id']}").json() == task


def school_of(world: World, lea: str, role: str, purpose: str = "follow") -> Web:
    standing = Standing(Party.LEA, lea, "", role, (purpose,), read_scopes("system/*.cruds"))
    with write(world.bridge.engine) as connection:
        registered = Registration(f"{lea}-{role}", standing, client_key().public_jwks())
        register_client(connection, registered, world.clock)
    return world.web(f"{lea}-{role}")


def test_who_may_not_learn_of_the_status_ends_nothing(lite: World) -> None:
    lite.refer([referral(0)])
    refused = school_of(lite, LEA, "administrator").send("POST", "/fhir/Task", json=about(lite))
    assert refused.status_code == 422
    assert told(lite) == {"R-0": "sent"}


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ("system/Task.rs", 403),
        ("system/Task.c", 201),
        ("system/Task.c?code=abort", 201),
        ("system/Task.c?status=requested", 201),
        ("system/Task.c?code=fulfill", 422),
        ("system/Task.c?owner=Organization/elsewhere", 422),
        ("system/Task.c?owner=OWNER", 201),
    ],
)
def test_the_scope_and_its_limits_hold(lite: World, scope: str, status: int) -> None:
    lite.refer([referral(0)])
    task = lite.web().get(f"/fhir/Task/{lite.id_of('Task', 'R-0')}").json()
    scope = scope.replace("OWNER", task["owner"]["reference"])
    assert post(lite, about(lite), scope).status_code == status
    expected = "withdrawn-by-school" if status == 201 else "sent"
    assert told(lite) == {"R-0": expected}


@pytest.mark.parametrize("client", ["harbor-ehr", "state-hub"])
def test_nobody_but_a_school_creates_a_task(lite: World, client: str) -> None:
    lite.refer([referral(0)])
    assert lite.web(client).send("POST", "/fhir/Task", json=about(lite)).status_code == 403
    wide = Standing(Party.PROVIDER, "harbor", "", "intake", ("refer",), read_scopes("system/*.c"))
    with write(lite.bridge.engine) as connection:
        registered = Registration("harbor-wide", wide, client_key().public_jwks())
        register_client(connection, registered, lite.clock)
    sent = lite.web("harbor-wide").send("POST", "/fhir/Task", json=about(lite))
    assert sent.status_code == 403


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"code": {"coding": [{**ABORT["coding"][0], "code": "fulfill"}]}}, "Task.code"),
        ({"status": "draft"}, "Task.status"),
        ({"intent": "plan"}, "Task.intent"),
        ({"note": [{"text": "She moved away"}]}, "Task.note"),
        ({"statusReason": {"text": "She moved away"}}, "Task.statusReason"),
        ({"for": {"reference": f"Patient/{NOBODY}"}}, "Task.for"),
        ({"focus": None}, "Task.focus"),
    ],
)
def test_another_task_is_refused_and_nothing_of_it_is_said_again(
    lite: World, change: Json, path: str
) -> None:
    lite.refer([referral(0)])
    body: Json = {k: v for k, v in {**about(lite), **change}.items() if v is not None}
    refused = post(lite, body)
    assert refused.status_code == 422, refused.text
    assert path in [place for i in refused.json()["issue"] for place in i.get("expression", ())]
    assert "moved away" not in refused.text
    assert told(lite) == {"R-0": "sent"}


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_an_entry_of_a_bundle_does_the_same(lite: World, kind: str) -> None:
    lite.refer([referral(0)])
    entry = {"resource": about(lite), "request": {"method": "POST", "url": "Task"}}
    bundle = {"resourceType": "Bundle", "type": kind, "entry": [entry]}
    reply: Any = lite.web(SCHOOL).send("POST", "/fhir", json=bundle).json()
    assert reply["entry"][0]["response"]["status"].startswith("201"), reply
    assert told(lite) == {"R-0": "withdrawn-by-school"}


def test_the_statement_and_the_description_say_what_is_created(lite: World) -> None:
    (rest,) = lite.anonymous.get("/fhir/metadata").json()["rest"]
    (task,) = (each for each in rest["resource"] if each["type"] == "Task")
    (said,) = (i["documentation"] for i in task["interaction"] if i["code"] == "create")
    described = lite.anonymous.get("/fhir/openapi.json").json()["paths"]["/Task"]["post"]
    assert "abort" in said
    assert described["description"] == said
