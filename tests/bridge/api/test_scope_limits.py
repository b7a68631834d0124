"""A token whose scopes have limits reaches what matches them, by every way in, and nothing else."""

from collections.abc import Callable

import pytest

from tests.support.worlds import (
    BASE,
    TOKEN_URL,
    Json,
    Web,
    World,
    client_key,
    encounter,
    post_session,
    put_task,
    referral,
)

ONLY_NEW = "system/Task.cruds?status=requested system/ServiceRequest.rs system/Patient.rs"


@pytest.fixture
def referred(world: World) -> World:
    """Three referrals, of which the first was accepted."""
    world.refer([referral(n) for n in range(3)])
    answer = put_task(world.web(), world.web().get(place(world, 0)).json(), "accepted")
    assert answer.status_code == 200, answer.text
    return world


def place(world: World, number: int) -> str:
    return f"/fhir/Task/{world.id_of('Task', f'R-{number}')}"


def by_read(web: Web, world: World) -> set[str]:
    ids = [world.id_of("Task", f"R-{n}") for n in range(3)]
    return {i for i in ids if web.get(f"/fhir/Task/{i}").status_code == 200}


def by_search(web: Web, _world: World) -> set[str]:
    return {found["id"] for found in web.found("/fhir/Task")}


def by_pages(web: Web, _world: World) -> set[str]:
    return {found["id"] for found in web.found("/fhir/Task?_count=1")}


def by_id(web: Web, world: World) -> set[str]:
    ids = ",".join(world.id_of("Task", f"R-{n}") for n in range(3))
    return {found["id"] for found in web.found(f"/fhir/Task?_id={ids}")}


def by_post(web: Web, _world: World) -> set[str]:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    bundle = web.send("POST", "/fhir/Task/_search", content="_count=9", headers=kind).json()
    return {entry["resource"]["id"] for entry in bundle.get("entry", []) if is_task(entry)}


def by_batch(web: Web, world: World) -> set[str]:
    urls = [place(world, n).removeprefix("/fhir/") for n in range(3)]
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answers = web.send("POST", "/fhir", json=bundle).json()["entry"]
    return {entry["resource"]["id"] for entry in answers if "resource" in entry}


def by_transaction(web: Web, world: World) -> set[str]:
    found = set()
    for number in range(3):  # one that gets nothing undoes the whole of it
        entry = {"request": {"method": "GET", "url": place(world, number).removeprefix("/fhir/")}}
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
        answer = web.send("POST", "/fhir", json=bundle)
        found |= {one["resource"]["id"] for one in answer.json().get("entry", [])}
    return found


def by_history(web: Web, world: World) -> set[str]:
    places = {world.id_of("Task", f"R-{n}"): f"{place(world, n)}/_history" for n in range(3)}
    return {one for one, where in places.items() if web.get(where).status_code == 200}


def by_count(web: Web, world: World) -> set[str]:
    ids = [world.id_of("Task", f"R-{n}") for n in range(3)]
    total = {i: web.get(f"/fhir/Task?_id={i}&_summary=count").json()["total"] for i in ids}
    return {i for i, found in total.items() if found}


def by_export(web: Web, _world: World) -> set[str]:
    started = web.get("/fhir/$export?_type=Task", headers={"Prefer": "respond-async"})
    manifest = web.get(started.headers["content-location"].removeprefix(BASE)).json()
    urls = [file["url"].removeprefix(BASE) for file in manifest["output"]]
    lines = [line for url in urls for line in web.get(url).text.splitlines()]
    return {line.split('"id":"')[1].split('"')[0] for line in lines}


def is_task(entry: Json) -> bool:
    return bool(entry["resource"]["resourceType"] == "Task")


WAYS = [
    by_read,
    by_search,
    by_pages,
    by_id,
    by_post,
    by_batch,
    by_transaction,
    by_history,
    by_count,
    by_export,
]
Way = Callable[[Web, World], set[str]]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_only_what_matches_the_limit_is_reached(referred: World, way: Way) -> None:
    limited = referred.web(scope=ONLY_NEW)
    new = {referred.id_of("Task", f"R-{n}") for n in (1, 2)}
    assert way(limited, referred) == new
    assert len(way(referred.web(), referred)) == 3


def test_what_is_out_of_reach_is_as_absent_as_what_is_not_there(referred: World) -> None:
    limited = referred.web(scope=ONLY_NEW)
    absent = limited.get("/fhir/Task/00000000-0000-8000-8000-000000000000")
    out_of_reach = limited.get(place(referred, 0))
    assert (out_of_reach.status_code, out_of_reach.content) == (404, absent.content)
    assert limited.get("/fhir/Task").json()["total"] == 2
    assert limited.get("/fhir/Task?status=accepted").json()["total"] == 0


@pytest.mark.parametrize(
    ("scope", "numbers"),
    [
        ("system/Task.rs?status=requested system/Task.rs?status=accepted", {0, 1, 2}),
        ("system/Task.rs?status=requested,accepted", {0, 1, 2}),
        ("system/Task.rs?status=accepted", {0}),
        ("system/Task.rs?status=accepted&intent=proposal", set()),
        ("system/Task.r?status=requested system/Task.s?status=accepted", {0}),
        ("system/Task.rs?owner=Organization/elsewhere", set()),
    ],
)
def test_alternatives_widen_and_parameters_of_one_scope_narrow(
    referred: World, scope: str, numbers: set[int]
) -> None:
    found = by_search(referred.web(scope=scope), referred)
    assert found == {referred.id_of("Task", f"R-{n}") for n in numbers}


def test_a_limit_on_the_owner_keeps_what_is_for_the_owner(referred: World) -> None:
    owner = referred.web().get(place(referred, 1)).json()["owner"]["reference"]
    for written in (owner, owner.removeprefix("Organization/")):
        limited = referred.web(scope=f"system/Task.rs?owner={written}")
        assert len(by_search(limited, referred)) == 3


def test_what_is_included_is_within_the_limits_of_its_own_type(referred: World) -> None:
    asked = "/fhir/Task?_include=Task:focus&_include=Task:patient"
    for limit, kinds in (
        ("system/ServiceRequest.rs?status=completed system/Patient.rs", {"Task", "Patient"}),
        ("system/ServiceRequest.rs?status=active", {"Task", "ServiceRequest"}),
        ("system/Patient.s", {"Task"}),
    ):
        web = referred.web(scope=f"system/Task.rs {limit}")
        entries = web.get(asked).json()["entry"]
        found = {one["resource"]["resourceType"] for one in entries} - {"OperationOutcome"}
        assert found == kinds


def test_what_refers_to_a_match_is_within_the_limits_of_its_own_type(referred: World) -> None:
    asked = "/fhir/ServiceRequest?_revinclude=Task:focus"
    for scope, count in (
        ("system/ServiceRequest.rs system/Task.rs?status=requested", 2),
        ("system/ServiceRequest.rs system/Task.rs?status=completed", 0),
        ("system/ServiceRequest.rs system/Task.rs", 3),
        ("system/ServiceRequest.rs system/Task.r", 0),
    ):
        entries = referred.web(scope=scope).get(asked).json()["entry"]
        assert (scope, sum(is_task(entry) for entry in entries)) == (scope, count)


def test_a_chain_asks_for_the_type_it_leads_to_without_limits(referred: World) -> None:
    asked = "/fhir/Task?patient.identifier=x"
    for scope, status in (
        ("system/Task.rs system/Patient.rs?identifier=x", 403),
        ("system/Task.rs", 403),
        ("system/Task.rs system/Patient.rs", 200),
    ):
        assert (scope, referred.web(scope=scope).get(asked).status_code) == (scope, status)


def test_a_patch_is_within_the_limits_of_the_update(referred: World) -> None:
    limited = referred.web(scope="system/Task.rs system/Task.u?status=requested")
    kind = {"Content-Type": "application/json-patch+json"}
    patch = [{"op": "replace", "path": "/status", "value": "in-progress"}]
    before = referred.web().get(place(referred, 0))
    headers = kind | {"If-Match": before.headers["etag"]}
    answer = limited.send("PATCH", place(referred, 0), json=patch, headers=headers)
    assert answer.status_code == 404
    assert referred.web().get(place(referred, 0)).content == before.content


def test_a_task_out_of_reach_cannot_be_changed_nor_moved_out_of_it(referred: World) -> None:
    limited = referred.web(scope="system/Task.rs system/Task.u?status=requested")
    for number in (0, 1):
        before = referred.web().get(place(referred, number)).json()
        status = "in-progress" if number == 0 else "accepted"
        answer = put_task(limited, before, status)
        assert (number, answer.status_code) == (number, 404)
        assert referred.web().get(place(referred, number)).json() == before


def test_a_session_out_of_reach_is_not_kept(referred: World) -> None:
    task = referred.web().get(place(referred, 0)).json()
    limited = referred.web(scope="system/*.rs system/Encounter.c?status=planned")
    assert post_session(limited, encounter(task, "s-1")).status_code == 403
    assert referred.web().found("/fhir/Encounter") == []
    fitting = referred.web(scope="system/*.rs system/Encounter.c?status=finished")
    assert post_session(fitting, encounter(task, "s-1")).status_code == 201


def test_what_a_session_answers_must_be_within_reach(referred: World) -> None:
    task = referred.web().get(place(referred, 0)).json()
    scope = "system/Encounter.cr system/ServiceRequest.rs?status=completed"
    assert post_session(referred.web(scope=scope), encounter(task, "s-1")).status_code == 422
    without = referred.web(scope="system/Encounter.c")
    assert post_session(without, encounter(task, "s-1")).status_code == 201


@pytest.mark.parametrize(
    "scope",
    [
        "system/Task.rs?description=x",
        "system/Task.rs?status:not=x",
        "system/Task.rs?patient.name=x",
        "system/Task.rs?_id=x",
        "system/Task.rs?status=",
        "system/Task.rs?status=a,,b",
        "system/*.rs?status=active",
        "system/Claim.rs",
        "system/Task.rs?status=x%00",
    ],
)
def test_a_limit_that_cannot_be_enforced_is_not_granted(lite: World, scope: str) -> None:
    assertion = client_key().assertion("harbor-ehr", TOKEN_URL, lite.clock.now())
    answer = lite.ask_token(assertion, scope)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize("limit", ["identifier=urn:x|1", "patient=x", "category=x"])
def test_who_gets_coded_rows_cannot_bisect_them_with_a_limit(lite: World, limit: str) -> None:
    assertion = client_key().assertion("state-hub", TOKEN_URL, lite.clock.now())
    answer = lite.ask_token(assertion, f"system/ServiceRequest.rs?{limit}")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_recalls_and_follow_up_are_not_covered_by_a_scope_with_limits(lite: World) -> None:
    limited = lite.web(scope="system/Task.rs?status=requested")
    assert limited.get("/fhir/Task/$recalls").status_code == 403
    school = lite.web("millbrook-sis", scope="system/Task.rs?status=requested")
    assert school.get("/school/follow-up").status_code == 403
    assert lite.web("millbrook-sis").get("/school/follow-up").status_code == 200


def test_an_older_version_is_within_the_limits_itself(referred: World) -> None:
    """What was accepted is in reach; that it was requested before is not."""
    place_of = f"{place(referred, 0)}/_history"
    whole = referred.web().get(place_of).json()
    accepted = referred.web(scope="system/Task.rs?status=accepted")
    told = accepted.get(place_of).json()
    statuses = [[e["resource"]["status"] for e in each["entry"]] for each in (whole, told)]
    (older,) = (e for e in whole["entry"] if e["resource"]["status"] == "requested")
    version = older["resource"]["meta"]["versionId"]

    assert statuses == [["accepted", "requested"], ["accepted"]]
    assert referred.web().get(f"{place_of}/{version}").status_code == 200
    assert accepted.get(f"{place_of}/{version}").status_code == 404
    either = referred.web(scope="system/Task.rs?status=accepted,requested")
    assert either.get(place_of).json()["total"] == 2
