"""A provider records sessions over HTTP: repeats, conflicts, and whose referral it is."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bridge.journeys.families.record_releases import revoke_release
from tests.support.worlds import (
    FHIR,
    SESSIONS,
    Json,
    Web,
    World,
    encounter,
    post_session,
    put_task,
    referral,
)


def referred(world: World, count: int = 1) -> tuple[Web, list[Json]]:
    world.refer(referral(n) for n in range(count))
    web = world.web()
    return web, web.found("/fhir/Task")


def test_a_session_is_kept_once_however_often_it_is_sent(world: World) -> None:
    web, (task,) = referred(world)
    first = post_session(web, encounter(task, "s-1"), "s-1")
    before = world.counts()
    again = post_session(web, encounter(task, "s-1"), "s-1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.headers["Location"].startswith(f"{FHIR}/Encounter/{first.json()['id']}/")
    assert world.counts() == before


def test_the_same_identifier_without_if_none_exist_is_a_conflict(world: World) -> None:
    web, (task,) = referred(world)
    assert post_session(web, encounter(task, "s-1")).status_code == 201
    before = world.counts()
    assert post_session(web, encounter(task, "s-1")).status_code == 409
    assert post_session(web, encounter(task, "s-1"), "s-2").status_code == 409
    changed = encounter(task, "s-1", status="cancelled")
    assert post_session(web, changed, "s-1").status_code == 409
    assert world.counts() == before


def test_a_session_without_an_identifier_of_its_own_is_refused(world: World) -> None:
    web, (task,) = referred(world)
    before = world.counts()
    for identifier in (None, [{"value": "s-1"}], [{"system": SESSIONS}]):
        answer = post_session(web, encounter(task, "s-1", identifier=identifier))
        assert answer.status_code == 422
        assert "Encounter.identifier" in answer.text
    assert world.counts() == before


def test_a_session_of_someone_else_than_the_student_referred_is_refused(world: World) -> None:
    web, (task, other) = referred(world, 2)
    before = world.counts()
    answer = post_session(web, encounter(task, "s-1", subject=other["for"]))
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Encounter.subject"]
    assert world.counts() == before


def hidden_from_harbor(world: World) -> list[str]:
    """Referrals that are there and that this provider may not know of."""
    world.refer([referral(5)], provider="cove")
    world.refer([referral(6, releases=())])
    world.refer([referral(7)])
    request = world.id_of("ServiceRequest", "R-7")
    revoke_release(world.parts, world.bridge.identifiers.issue("release", request, "education"))
    theirs = world.id_of("ServiceRequest", "R-5", "cove")
    return [theirs, world.id_of("ServiceRequest", "R-6"), request]


def test_a_session_of_a_hidden_referral_is_refused_like_one_of_no_referral(world: World) -> None:
    web, (task,) = referred(world)
    answers = set()
    for request in [*hidden_from_harbor(world), "00000000-0000-8000-8000-000000000000"]:
        based_on = [{"reference": f"ServiceRequest/{request}"}]
        answer = post_session(web, encounter(task, "s-1", basedOn=based_on), "s-1")
        answers.add((answer.status_code, answer.content, tuple(sorted(answer.headers.items()))))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 422


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("basedOn", None),
        ("status", "banana"),
        ("class", None),
        ("modifierExtension", [{"url": "https://x.example", "valueBoolean": True}]),
        ("period", {"start": "2026-10-06T10:00:00Z", "end": "2026-10-05T10:00:00Z"}),
        ("resourceType", "Patient"),
    ],
)
def test_a_broken_session_is_refused_and_nothing_is_kept(
    lite: World, name: str, value: object
) -> None:
    web, (task,) = referred(lite)
    before = lite.counts()
    resource = encounter(task, "s-1", **{name: value})
    answer = web.send("POST", "/fhir/Encounter", json=resource)
    assert answer.status_code in (400, 422)
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert "banana" not in answer.text
    assert lite.counts() == before


def test_a_character_no_database_takes_is_refused_alike_on_both(world: World) -> None:
    web, (task,) = referred(world)
    before = world.counts()
    for where in (
        {"identifier": [{"system": SESSIONS, "value": "s\x001"}]},
        {"identifier": [{"system": f"{SESSIONS}\x00", "value": "s-1"}]},
        {"type": [{"text": "Sess\x00ion"}]},
    ):
        answer = post_session(web, encounter(task, "s-1", **where))
        assert answer.status_code == 400, answer.text
    assert world.counts() == before


def test_the_author_is_who_is_signed_in_whatever_the_session_claims(lite: World) -> None:
    web, (task,) = referred(lite)
    claimed = {"reference": "Organization/somebody-else"}
    made = post_session(web, encounter(task, "s-1", serviceProvider=claimed, id="mine"))
    assert made.status_code == 201
    assert made.json()["serviceProvider"] == task["owner"]
    assert made.json()["id"] != "mine"


def batched(web: Web, entries: list[Json]) -> list[Json]:
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answer = web.send("POST", "/fhir", json=bundle)
    assert answer.status_code == 200
    found: list[Json] = answer.json()["entry"]
    return found


def singles(web: Web, entries: list[Json]) -> list[Any]:
    names = {"ifMatch": "If-Match", "ifNoneExist": "If-None-Exist"}
    out = []
    for entry in entries:
        asked = entry["request"]
        headers = {names[n]: v for n, v in asked.items() if n in names}
        how: Json = {"json": entry["resource"]} if "resource" in entry else {}
        out.append(web.send(asked["method"], f"/fhir/{asked['url']}", headers=headers, **how))
    return out


def asked_of(task: Json) -> list[Json]:
    etag = f'W/"{task["meta"]["versionId"]}"'
    path = f"Task/{task['id']}"
    session = {"method": "POST", "url": "Encounter"}
    repeat = {"ifNoneExist": f"identifier={SESSIONS}|s-1"}
    return [
        {"request": {"method": "GET", "url": path}},
        {"request": {"method": "GET", "url": "Task?status=requested"}},
        {"request": {"method": "GET", "url": "Task/no-such-task"}},
        {"request": {"method": "GET", "url": "Task?colour=red"}},
        {"request": {"method": "PUT", "url": "Encounter/some-session"}, "resource": task},
        {"request": {**session, **repeat}, "resource": encounter(task, "s-1")},
        {"request": session, "resource": encounter(task, "s-1")},
        {"request": session, "resource": encounter(task, "s-2", status="banana")},
        {
            "request": {"method": "PUT", "url": path, "ifMatch": etag},
            "resource": {**task, "status": "accepted"},
        },
        {
            "request": {"method": "PUT", "url": path, "ifMatch": etag},
            "resource": {**task, "status": "rejected", "statusReason": {"text": "Full"}},
        },
        {"request": {"method": "GET", "url": path}},
    ]


def test_a_batch_answers_each_entry_as_if_it_had_come_alone(
    world: World, make_twin: Callable[[], World]
) -> None:
    twin = make_twin()  # the same secret and the same records: the same identifiers
    web, (task,) = referred(world)
    other, (same,) = referred(twin)
    assert task == same
    one, many = singles(web, asked_of(task)), batched(other, asked_of(task))
    assert [str(a.status_code) for a in one] == [a["response"]["status"] for a in many]
    for alone, entry in zip(one, many, strict=True):
        body = entry["response"]["outcome"] if alone.status_code >= 400 else entry["resource"]
        assert json.loads(alone.content) == body
        assert alone.headers.get("ETag") == entry["response"].get("etag")
    assert world.counts() == twin.counts()


def test_a_batch_of_nonsense_is_refused_entry_by_entry_or_whole(lite: World) -> None:
    web, (task,) = referred(lite)
    entries = [{}, {"request": 3}, {"request": {"method": "GET", "url": "///?"}}, {"resource": {}}]
    statuses = [e["response"]["status"] for e in batched(web, entries)]  # type: ignore[arg-type] # wrong on purpose
    assert statuses == ["400", "400", "404", "400"]
    message = {"resourceType": "Bundle", "type": "message", "entry": []}
    assert web.send("POST", "/fhir", json=message).status_code == 400
    too_many = {"resourceType": "Bundle", "type": "batch", "entry": [{}] * 101}
    assert web.send("POST", "/fhir", json=too_many).status_code == 400
    assert put_task(web, task, "accepted").status_code == 200


def test_an_appointment_is_kept_like_a_session(world: World) -> None:
    web, (task,) = referred(world)
    appointment = {
        "resourceType": "Appointment",
        "identifier": [{"system": SESSIONS, "value": "a-1"}],
        "status": "booked",
        "basedOn": [task["focus"]],
        "start": "2026-10-20T14:00:00Z",
        "end": "2026-10-20T14:45:00Z",
        "participant": [{"actor": task["for"], "status": "accepted"}],
    }
    assert post_session(web, appointment, "a-1").status_code == 201
    assert post_session(web, appointment, "a-1").status_code == 200
    assert len(web.found("/fhir/Appointment")) == 1
