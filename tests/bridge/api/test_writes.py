"""Writing: JSON Patch, corrected sessions, transactions, what a write returns, what is refused."""

import base64
from typing import Any

import orjson
import pytest

from bridge.api.patches import patched
from bridge.errors import RefusedError
from tests.support.worlds import (
    FHIR,
    Json,
    Web,
    World,
    encounter,
    moved,
    post_session,
    put_task,
    referral,
)

PATCH = {"Content-Type": "application/json-patch+json"}
NOBODY = "00000000-0000-8000-8000-000000000000"


def referred(world: World) -> tuple[Web, Json]:
    world.refer([referral(1)])
    web = world.web()
    (task,) = web.found("/fhir/Task")
    return web, task


def tag(resource: Json) -> dict[str, str]:
    return {"If-Match": f'W/"{resource["meta"]["versionId"]}"'}


def patch(web: Web, path: str, operations: Any, **headers: str) -> Any:  # noqa: ANN401 - JSON
    content = orjson.dumps(operations)
    return web.send("PATCH", path, content=content, headers={**PATCH, **headers})


DOCUMENT: Json = {"a": [1, {"b": "x"}], "c~d": {"e/f": True}, "g": None}
PATCHED: list[tuple[list[Json], Json]] = [
    ([{"op": "add", "path": "/h", "value": 1}], {**DOCUMENT, "h": 1}),
    ([{"op": "add", "path": "/a/0", "value": 0}], {**DOCUMENT, "a": [0, 1, {"b": "x"}]}),
    ([{"op": "add", "path": "/a/-", "value": 2}], {**DOCUMENT, "a": [1, {"b": "x"}, 2]}),
    ([{"op": "remove", "path": "/a/1/b"}], {**DOCUMENT, "a": [1, {}]}),
    ([{"op": "replace", "path": "/c~0d/e~1f", "value": 0}], {**DOCUMENT, "c~d": {"e/f": 0}}),
    ([{"op": "move", "from": "/a/1", "path": "/g"}], {**DOCUMENT, "a": [1], "g": {"b": "x"}}),
    ([{"op": "copy", "from": "/a/0", "path": "/h"}], {**DOCUMENT, "h": 1}),
    ([{"op": "test", "path": "/a/1", "value": {"b": "x"}}], DOCUMENT),
]
NOT_PATCHED: list[Any] = [
    {},
    [],
    [{}],
    [{"op": "add", "path": "/h"}],
    [{"op": "swap", "path": "/a", "value": 1}],
    [{"op": ["add"], "path": "/a", "value": 1}],
    [{"op": "remove", "path": "/h"}],
    [{"op": "replace", "path": "/h", "value": 1}],
    [{"op": "add", "path": "", "value": {}}],
    [{"op": "add", "path": "a", "value": 1}],
    [{"op": "add", "path": 3, "value": 1}],
    [{"op": "add", "path": "/a/3", "value": 1}],
    [{"op": "add", "path": "/a/01", "value": 1}],
    [{"op": "add", "path": "/a/-1", "value": 1}],
    [{"op": "remove", "path": "/a/-"}],
    [{"op": "add", "path": "/a/0/x", "value": 1}],
    [{"op": "test", "path": "/a/0", "value": 2}],
    [{"op": "test", "path": "/a/0", "value": True}],
    [{"op": "test", "path": "/nothing", "value": None}],
    [{"op": "move", "from": "/a", "path": "/a/0"}],
    [{"op": "copy", "from": "/h", "path": "/i"}],
    [{"op": "test", "path": "/a/0", "value": 1}] * 101,
]


@pytest.mark.parametrize(("operations", "expected"), PATCHED)
def test_a_patch_changes_what_it_says(operations: list[Json], expected: Json) -> None:
    kept = orjson.dumps(DOCUMENT)

    assert patched(DOCUMENT, operations) == expected
    assert orjson.dumps(DOCUMENT) == kept


@pytest.mark.parametrize("operations", NOT_PATCHED)
def test_a_patch_that_does_not_fit_is_refused(operations: Any) -> None:  # noqa: ANN401 - JSON
    with pytest.raises(RefusedError):
        patched(DOCUMENT, operations)


def test_a_task_is_moved_on_by_a_patch(world: World) -> None:
    web, task = referred(world)
    path = f"/fhir/Task/{task['id']}"
    accept = [{"op": "replace", "path": "/status", "value": "accepted"}]
    assert patch(web, path, accept).status_code == 428
    assert patch(web, path, accept, **{"If-Match": 'W/"x"'}).status_code == 412
    done = patch(web, path, accept, **tag(task))

    assert done.status_code == 200, done.text
    assert done.json()["status"] == "accepted"
    assert patch(web, path, accept, **tag(task)).status_code == 412
    back = [{"op": "replace", "path": "/status", "value": "requested"}]
    assert patch(web, path, back, **tag(done.json())).status_code == 422
    stolen = [{"op": "replace", "path": "/owner/reference", "value": "Organization/x"}]
    assert patch(web, path, stolen, **tag(done.json())).status_code == 422


def test_a_patch_reaches_only_what_its_sender_was_shown(lite: World) -> None:
    web, task = referred(lite)
    path = f"/fhir/Task/{task['id']}"
    stored = lite.stored("Task", task["id"])
    hidden = set(stored) - set(task)
    answers = {
        patch(
            web, path, [{"op": "test", "path": f"/{n}", "value": stored.get(n)}], **tag(task)
        ).text
        for n in {*hidden, "nothing"}
    }

    assert len(answers) == 1
    cove = lite.web("cove-ehr")
    operations = [{"op": "test", "path": "/status", "value": "requested"}]
    theirs, none = patch(cove, path, operations), patch(cove, f"/fhir/Task/{NOBODY}", operations)
    assert (theirs.status_code, theirs.content) == (404, none.content)


def test_a_write_returns_as_much_as_is_asked_for(lite: World) -> None:
    web, task = referred(lite)
    path, wanted = f"/fhir/Task/{task['id']}", {"Prefer": "return=minimal"}
    sent = web.send("PUT", path, json=moved(task, "accepted"), headers={**tag(task), **wanted})
    assert (sent.status_code, sent.content) == (200, b"")
    now = web.get(path)
    assert sent.headers["etag"] == now.headers["etag"]
    wanted = {"Prefer": "respond-async;q=1, return=OperationOutcome"}
    headers = {**tag(now.json()), **wanted}
    sent = web.send("PUT", path, json=moved(now.json(), "in-progress"), headers=headers)
    assert sent.json()["resourceType"] == "OperationOutcome"
    assert sent.json()["issue"][0]["severity"] == "information"
    made = web.send(
        "POST",
        "/fhir/Encounter",
        json=encounter(task, "s1"),
        headers={"Prefer": "return=minimal"},
    )
    assert (made.status_code, made.content) == (201, b"")
    assert web.get(made.headers["location"]).status_code == 200


def test_a_corrected_session_stays_the_same_students_session(world: World) -> None:
    world.refer([referral(1), referral(2)])
    web = world.web()
    one, two = web.found("/fhir/Task")
    made = post_session(web, encounter(one, "s1")).json()
    path = f"/fhir/Encounter/{made['id']}"
    wrong = (
        {"subject": two["for"]},
        {"basedOn": [two["focus"]]},
        {"identifier": [{"system": "https://harbor.example/sessions", "value": "s2"}]},
        {"id": NOBODY},
        {"status": "banana"},
    )
    for change in wrong:
        sent = web.send("PUT", path, json={**made, **change}, headers=tag(made))
        assert sent.status_code == 422, (change, sent.text)
    assert web.send("PUT", path, json=made).status_code == 428
    sent = web.send("PUT", path, json={**made, "status": "cancelled"}, headers=tag(made))
    assert sent.status_code == 200, sent.text
    stale = web.send("PUT", path, json={**made, "status": "finished"}, headers=tag(made))
    assert stale.status_code == 412
    theirs = world.web("cove-ehr").send("PUT", path, json=made, headers=tag(made))
    assert theirs.status_code == 404


def test_a_session_that_turns_out_to_be_protected_is_protected_in_all_its_versions(
    world: World,
) -> None:
    web, task = referred(world)
    made = post_session(web, encounter(task, "s1")).json()
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "42CFRPart2"}
    sent = web.send(
        "PUT",
        f"/fhir/Encounter/{made['id']}",
        json={**made, "meta": {"security": [label]}},
        headers=tag(made),
    )

    assert sent.status_code == 200, sent.text
    with world.bridge.engine.connect() as connection:
        query = f"SELECT element FROM record WHERE id = '{made['id']}'"  # noqa: S608 - of this test
        assert connection.exec_driver_sql(query).scalar_one() == "sud.row"


def bundle(kind: str, *entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(method: str, url: str, resource: Json | None = None, **more: Any) -> Json:  # noqa: ANN401 - fields as a case changes them
    request = {"method": method, "url": url, **more.pop("request", {})}
    body = {} if resource is None else {"resource": resource}
    return {"request": request, **body, **more}


def test_a_transaction_does_all_or_nothing(world: World) -> None:
    web, task = referred(world)
    name = "urn:uuid:9f3b6c0e-0000-4000-8000-000000000001"
    session = entry("POST", "Encounter", encounter(task, "s1"), fullUrl=name)
    done = moved(task, "accepted")
    output = [{"type": {"text": "Session"}, "valueReference": {"reference": name}}]
    answered = entry(
        "PUT",
        f"Task/{task['id']}",
        {**done, "output": output},
        request={"ifMatch": tag(task)["If-Match"]},
    )
    read = entry("GET", f"{FHIR}/ServiceRequest?_count=1")
    broken = entry("POST", "Encounter", encounter(task, "s2", status="banana"))
    before = world.counts()

    refused = web.send("POST", "/fhir", json=bundle("transaction", session, answered, broken))
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"][0].startswith("Bundle.entry[2]")
    assert {n: c for n, c in world.counts().items() if not n.startswith("identity")} == {
        n: c for n, c in before.items() if not n.startswith("identity")
    }

    # A read sees what the writes before it did, whatever the order it was written in.
    kept = web.send("POST", "/fhir", json=bundle("transaction", read, answered, session))
    assert kept.status_code == 200, kept.text
    assert [e["response"]["status"] for e in kept.json()["entry"]] == ["200", "200", "201"]
    (made,) = web.found("/fhir/Encounter")
    link = kept.json()["entry"][1]["resource"]["output"][0]["valueReference"]["reference"]
    assert link == f"Encounter/{made['id']}"


def test_a_transaction_that_reads_what_is_hidden_is_like_one_that_reads_nothing(
    lite: World,
) -> None:
    _, task = referred(lite)
    cove = lite.web("cove-ehr")
    answers = [
        cove.send("POST", "/fhir", json=bundle("transaction", entry("GET", f"Task/{record_id}")))
        for record_id in (task["id"], NOBODY)
    ]

    assert [a.status_code for a in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    with lite.bridge.engine.connect() as connection:
        noted = connection.exec_driver_sql("SELECT record_id FROM unanswered_request").scalars()
        assert set(noted) == {task["id"], NOBODY}


NAME = "urn:uuid:9f3b6c0e-0000-4000-8000-000000000001"
NAMED: Json = {
    "resourceType": "Encounter",
    "identifier": [{"system": "s", "value": "v"}],
}
ODD_TRANSACTIONS = (
    bundle("transaction", {}),
    bundle("transaction", entry("GET", "http://[bad")),
    bundle("transaction", entry("POST", "Encounter", {"basedOn": [{"reference": NAME}]})),
    bundle("transaction", *[entry("POST", "Encounter", NAMED, fullUrl=NAME)] * 2),
    bundle("transaction", *[entry("PUT", "Task/1", {"resourceType": "Task"})] * 2),
    bundle("transaction", *[entry("GET", "Task")] * 101),
)


@pytest.mark.parametrize("sent", ODD_TRANSACTIONS)
def test_a_transaction_that_is_not_understood_is_refused(lite: World, sent: Json) -> None:
    web, _ = referred(lite)

    assert web.send("POST", "/fhir", json=sent).status_code in (400, 422)


def test_a_patch_that_copies_a_place_into_itself_does_not_fill_the_machine(lite: World) -> None:
    web, task = referred(lite)
    doubling = [{"op": "copy", "from": "/for", "path": f"/for/x{n}"} for n in range(100)]
    asked = web.send("PATCH", f"/fhir/Task/{task['id']}", json=doubling, headers=PATCH | tag(task))

    assert asked.status_code == 422, asked.text


def test_no_long_address_stands_wherever_a_bundle_names_its_entry(lite: World) -> None:
    web, _ = referred(lite)
    named = entry("PUT", "Task/" + "x" * 100_000, {"resourceType": "Task"}, fullUrl=NAME)
    naming = {**NAMED, "basedOn": [{"reference": NAME}] * 1000}
    sent = bundle("transaction", named, entry("POST", "Encounter", naming))

    asked = web.send("POST", "/fhir", json=sent)
    assert (asked.status_code, "names no entry" in asked.text) == (400, True)


def test_a_patch_in_a_bundle_is_the_data_of_a_binary(lite: World) -> None:
    web, task = referred(lite)
    accept = orjson.dumps([{"op": "replace", "path": "/status", "value": "accepted"}])
    binary = {
        "resourceType": "Binary",
        "contentType": "application/json-patch+json",
        "data": base64.b64encode(accept).decode(),
    }
    asked = entry("PATCH", f"Task/{task['id']}", binary, request={"ifMatch": tag(task)["If-Match"]})
    plain = entry("PATCH", f"Task/{task['id']}", {"op": "replace"})
    refused, done = web.send("POST", "/fhir", json=bundle("batch", plain, asked)).json()["entry"]

    assert refused["response"]["status"] == "400"
    assert done["resource"]["status"] == "accepted"


def test_an_empty_bundle_is_answered_with_an_empty_one(lite: World) -> None:
    web, _ = referred(lite)
    for kind in ("batch", "transaction"):
        answer = web.send("POST", "/fhir", json=bundle(kind))
        assert answer.json() == {"resourceType": "Bundle", "type": f"{kind}-response"}


def test_a_task_sent_to_be_checked_is_told_what_is_wrong_and_kept_nowhere(lite: World) -> None:
    web, task = referred(lite)
    before = lite.counts()
    fine = web.send("POST", "/fhir/Task/$validate", json=task)
    assert fine.status_code == 200
    assert [i["severity"] for i in fine.json()["issue"]] == ["information"]
    parameters = {
        "resourceType": "Parameters",
        "parameter": [{"name": "resource", "resource": {**task, "status": "banana"}}],
    }
    wrong = web.send("POST", "/fhir/Task/$validate", json=parameters)
    assert wrong.status_code == 200
    assert wrong.json()["issue"][0]["expression"] == ["Task.status"]
    assert "banana" not in wrong.text
    assert web.send("POST", "/fhir/Encounter/$validate", json=task).status_code == 400
    assert web.send("POST", "/fhir/Flag/$validate", json=task).status_code == 404
    assert lite.counts() == before


def test_a_move_by_put_and_by_patch_are_one(lite: World) -> None:
    lite.refer([referral(1), referral(2)])
    web = lite.web()
    one, two = web.found("/fhir/Task")
    by_put = put_task(web, one, "accepted").json()
    operations = [{"op": "replace", "path": "/status", "value": "accepted"}]
    by_patch = patch(web, f"/fhir/Task/{two['id']}", operations, **tag(two)).json()

    assert set(by_put) == set(by_patch)
    assert by_put["status"] == by_patch["status"]
