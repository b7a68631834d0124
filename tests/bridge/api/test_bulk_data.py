"""What HL7 Bulk Data Access 2.0 says of a server, as a client sees it."""

import json
from datetime import datetime, timedelta

import pytest

from tests.support.exports import ASYNC, POSTED, kicked_off, parameters, rows_of, served
from tests.support.worlds import BASE, Json, Web, World, referral

OUTCOME = "application/fhir+json"


def manifest_of(web: Web, query: str = "") -> Json:
    found: Json = web.get(kicked_off(web, query)).json()
    return found


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("accept", ["application/fhir+json", "*/*", ""])
def test_a_kick_off_is_accepted_with_the_place_to_poll(
    lite: World, method: str, accept: str
) -> None:
    headers = {**(POSTED if method == "POST" else ASYNC), **({"Accept": accept} if accept else {})}
    content = parameters() if method == "POST" else ""
    answer = lite.web().send(method, "/fhir/$export", headers=headers, content=content)
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["content-location"].startswith(f"{BASE}/fhir/bulk/")


def test_a_manifest_has_its_fields_and_their_types(lite: World) -> None:
    served(lite, 1)
    web = lite.web()
    answer = web.get(kicked_off(web, "?_type=ServiceRequest,Encounter"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    manifest = answer.json()
    assert datetime.fromisoformat(manifest["transactionTime"]) == lite.clock.now()
    assert manifest["request"] == f"{BASE}/fhir/$export?_type=ServiceRequest,Encounter"
    assert manifest["requiresAccessToken"] is True
    assert [set(file) for file in manifest["output"]] == [{"type", "url"}] * 2
    assert [file["type"] for file in manifest["output"]] == ["Encounter", "ServiceRequest"]
    for file in (*manifest["output"], *manifest["error"]):
        assert file["url"].startswith(f"{BASE}/fhir/bulk/")
        assert web.get(file["url"]).status_code == 200
    assert manifest["deleted"] == []
    assert [file["type"] for file in manifest["error"]] in ([], ["OperationOutcome"])


def test_a_file_is_ndjson_of_one_type(lite: World) -> None:
    served(lite, 3)
    web = lite.web()
    for file in manifest_of(web)["output"]:
        answer = web.get(file["url"], headers={"Accept": "application/fhir+ndjson"})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("application/fhir+ndjson")
        assert answer.text.endswith("}\n")
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert {line["resourceType"] for line in lines} == {file["type"]}


@pytest.mark.parametrize("said", ["application/fhir%2Bndjson", "application/ndjson", "ndjson"])
def test_every_spelling_of_ndjson_is_taken(lite: World, said: str) -> None:
    kicked_off(lite.web(), f"?_outputFormat={said}")


def test_a_repeated_parameter_is_a_list(lite: World) -> None:
    served(lite, 1)
    web = lite.web()
    repeated = rows_of(web, kicked_off(web, "?_type=Task&_type=Encounter&_type=Patient"))
    assert repeated == rows_of(web, kicked_off(web, "?_type=Task,Encounter,Patient"))
    assert set(repeated) == {"Task", "Encounter", "Patient"}


def test_an_export_holds_what_the_scopes_cover(lite: World) -> None:
    served(lite, 2)
    whole = rows_of(lite.web(), kicked_off(lite.web()))
    assert {"Provenance", "Patient", "Task", "Encounter", "ServiceRequest"} <= set(whole)
    web = lite.web(scope="system/Task.rs system/Patient.rs?_id=nobody system/Encounter.rs")
    assert set(rows_of(web, kicked_off(web))) == {"Task", "Encounter"}
    place = kicked_off(lite.web())
    assert web.get(f"{place}/ServiceRequest.ndjson").status_code == 403
    limited = lite.web(scope="system/Task.rs?status=completed")
    assert rows_of(limited, kicked_off(limited)) == {}


def test_a_group_is_exported_since_an_instant(lite: World) -> None:
    lite.refer([referral(0)])
    lite.clock.advance(timedelta(hours=1))
    since = lite.clock.now().isoformat().replace("+00:00", "Z")
    lite.refer([referral(1)])
    web = lite.web()
    answer = web.get(f"/fhir/Group/all/$export?_since={since}&_type=Task", headers=ASYNC)
    rows = rows_of(web, answer.headers["content-location"])["Task"]
    assert [row["id"] for row in rows] == [lite.id_of("Task", "R-1")]


def test_only_the_latest_version_is_exported(lite: World) -> None:
    lite.refer([referral(0)])
    web = lite.web()
    (task,) = web.found("/fhir/Task")
    etag = web.get(f"/fhir/Task/{task['id']}").headers["etag"]
    changed = {**task, "status": "accepted"}
    headers = {"If-Match": etag, "Content-Type": OUTCOME}
    answer = web.send(
        "PUT", f"/fhir/Task/{task['id']}", headers=headers, content=json.dumps(changed)
    )
    assert answer.status_code == 200, answer.text
    rows = rows_of(web, kicked_off(web, "?_type=Task"))["Task"]
    assert [row["status"] for row in rows] == ["accepted"]


def assert_outcome(web: Web, method: str, path: str, status: int) -> None:
    answer = web.send(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith(OUTCOME)
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_an_errored_kick_off_is_an_outcome(lite: World) -> None:
    assert_outcome(lite.web(), "GET", "/fhir/$export", 400)
    assert_outcome(lite.anonymous, "GET", "/fhir/$export", 401)
    assert_outcome(lite.web(), "GET", "/fhir/Group/another/$export", 404)


def test_an_errored_status_request_is_an_outcome(lite: World) -> None:
    nowhere = "/fhir/bulk/" + "0" * 32
    assert_outcome(lite.web(), "GET", nowhere, 404)
    assert_outcome(lite.anonymous, "GET", nowhere, 401)


def test_an_errored_delete_is_an_outcome(lite: World) -> None:
    assert_outcome(lite.web(), "DELETE", "/fhir/bulk/" + "0" * 32, 404)
    assert_outcome(lite.anonymous, "DELETE", "/fhir/bulk/" + "0" * 32, 401)
