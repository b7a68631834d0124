"""Verbs, media types, preferences: the same for everybody, decided before any data is looked at."""

import pytest

from bridge.api.negotiation import negotiated
from bridge.api.search import SearchReader
from bridge.app import create_app
from bridge.store.search.index import PARAMETERS
from tests.support.worlds import Web, World, referral

NOBODY = "00000000-0000-8000-8000-000000000000"


@pytest.fixture
def asked(lite: World) -> tuple[Web, str]:
    lite.refer([referral(1)])
    return lite.web(), f"/fhir/Task/{lite.id_of('Task', 'R-1')}"


def test_head_is_get_without_the_body(asked: tuple[Web, str]) -> None:
    web, path = asked
    for place in (path, "/fhir/Task", "/fhir/metadata", f"/fhir/Task/{NOBODY}", "/healthz"):
        got, head = web.get(place), web.send("HEAD", place)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert {n: v for n, v in head.headers.items() if n != "content-length"} == {
            n: v for n, v in got.headers.items() if n != "content-length"
        }
        assert head.headers["content-length"] == got.headers["content-length"]


ALLOWED = [
    ("/fhir/Task", "GET, POST, HEAD, OPTIONS"),
    ("/fhir/Encounter", "GET, POST, HEAD, OPTIONS"),
    ("/fhir/Patient", "GET, HEAD, OPTIONS"),
    (f"/fhir/Task/{NOBODY}", "GET, PUT, PATCH, HEAD, OPTIONS"),
    (f"/fhir/Patient/{NOBODY}", "GET, HEAD, OPTIONS"),
]


@pytest.mark.parametrize(("path", "allow"), ALLOWED)
def test_a_method_that_is_not_offered_says_what_is(
    asked: tuple[Web, str], lite: World, path: str, allow: str
) -> None:
    for caller in (asked[0], lite.anonymous):
        options = caller.send("OPTIONS", path)
        assert (options.status_code, options.content) == (204, b"")
        assert options.headers["allow"] == allow
        refused = caller.send("DELETE", path)
        assert (refused.status_code, refused.headers["allow"]) == (405, allow)
    if "POST" not in allow and not path.endswith(NOBODY):
        created = asked[0].send("POST", path, json={"resourceType": "Patient"})
        assert (created.status_code, created.headers["allow"]) == (405, allow)


def test_what_is_not_offered_is_the_same_for_a_hidden_and_an_absent_resource(
    asked: tuple[Web, str], lite: World
) -> None:
    cove = lite.web("cove-ehr")
    for method in ("DELETE", "POST", "TRACE"):
        hidden, absent = cove.send(method, asked[1]), cove.send(method, f"/fhir/Task/{NOBODY}")
        assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content)
    for end in ("/$everything", "/_history/x/y", "/$diff"):
        assert cove.get(asked[1] + end).status_code == 404


def test_the_history_of_a_type_or_of_the_system_is_not_offered(asked: tuple[Web, str]) -> None:
    for path in ("/fhir/_history", "/fhir/Task/_history", "/fhir/Patient/_history"):
        assert asked[0].get(path).status_code == 404


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/fhir+json", 200),
        ("application/json", 200),
        ("text/html, */*;q=0.1", 200),
        ("application/fhir+json; fhirVersion=4.0", 200),
        ("application/fhir+json; fhirVersion=5.0", 406),
        ("application/fhir+xml", 406),
        ("application/fhir+xml, application/json;q=0", 406),
        ("text/turtle", 406),
    ],
)
def test_only_json_of_r4_is_answered(asked: tuple[Web, str], accept: str, status: int) -> None:
    for path in (asked[1], "/fhir/Task", "/fhir/metadata", f"/fhir/Task/{NOBODY}/_history"):
        answer = asked[0].get(path, headers={"Accept": accept})
        assert answer.status_code == (404 if NOBODY in path and status == 200 else status)
        if status == 406:
            assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_body_of_another_type_is_refused(asked: tuple[Web, str]) -> None:
    web, path = asked
    xml, patch = {"Content-Type": "application/fhir+xml"}, {"Content-Type": "application/json"}
    sends = (
        ("PUT", path, xml),
        ("POST", "/fhir/Encounter", xml),
        ("POST", "/fhir", xml),
        ("PATCH", path, patch),
        ("POST", "/fhir/Task/_search", {"Content-Type": "application/json"}),
        ("POST", "/fhir/Task/$validate", xml),
    )
    for method, place, headers in sends:
        answer = web.send(method, place, content=b"<Task/>", headers=headers)
        assert answer.status_code == 415, (method, place)


def test_a_part_of_a_resource_is_refused(asked: tuple[Web, str]) -> None:
    web, path = asked
    for place in (path, f"/fhir/Task/{NOBODY}"):
        assert web.get(place, headers={"Range": "bytes=0-1"}).status_code == 416


def test_a_client_may_ask_to_be_read_leniently(asked: tuple[Web, str]) -> None:
    lenient = {"Prefer": "handling=lenient"}
    path = "/fhir/Task?colour=red&status=requested&_sort=status"
    assert asked[0].get(path).status_code == 400
    answer = asked[0].get(path, headers=lenient)
    (link,) = (x["url"] for x in answer.json()["link"] if x["relation"] == "self")

    assert answer.status_code == 200
    assert link.endswith("/Task?status=requested")


def test_a_summary_brings_back_nothing(asked: tuple[Web, str]) -> None:
    web, path = asked
    whole = web.get(path).json()
    for query in (
        "_summary=true",
        "_summary=text",
        "_elements=focus,description,note",
        "_summary=data",
    ):
        part = web.get(f"{path}?{query}").json()
        assert {n: v for n, v in part.items() if n != "meta"}.items() <= whole.items()
        assert {"resourceType", "id", "status", "intent"} <= part.keys()
        assert part["meta"]["versionId"] == whole["meta"]["versionId"]
        if query != "_summary=data":
            assert part["meta"]["tag"][0]["code"] == "SUBSETTED"
            assert part["meta"]["security"] == whole["meta"]["security"]
    (entry,) = (
        e["resource"]
        for e in web.get("/fhir/Task?_elements=focus").json()["entry"]
        if e["search"]["mode"] == "match"
    )
    assert set(entry) == {"resourceType", "id", "meta", "status", "intent", "focus"}
    assert web.get(f"{path}?_summary=count").status_code == 400


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_a_count_is_an_entry_like_any_other(asked: tuple[Web, str], kind: str) -> None:
    web, _ = asked
    urls = ("Task?_summary=count", "Task?_count=0", "Task?status=rejected&_summary=count")
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    sent = web.send(
        "POST", "/fhir", json={"resourceType": "Bundle", "type": kind, "entry": entries}
    )

    assert sent.status_code == 200, sent.text
    assert [each["resource"]["total"] for each in sent.json()["entry"]] == [1, 1, 0]


def test_what_a_search_finds_is_included_both_ways_and_only_what_may_be_read(world: World) -> None:
    world.refer([referral(1), referral(2, releases=())])
    web = world.web()
    reverse = "_revinclude=Task:focus&_revinclude=Provenance:target&_include=ServiceRequest:subject"
    entries = web.get(f"/fhir/ServiceRequest?{reverse}").json()["entry"]
    modes = [(e["search"]["mode"], e["resource"]["resourceType"]) for e in entries]

    assert modes.count(("match", "ServiceRequest")) == 1
    for kind in ("Task", "Provenance", "Patient"):
        assert modes.count(("include", kind)) == 1
    (origin,) = (e["resource"] for e in entries if e["resource"]["resourceType"] == "Provenance")
    counts = [r["id"] for r in web.found("/fhir/Observation")]
    told = {t["reference"] for t in origin["target"] if t["reference"].startswith("Observation/")}
    assert told == {f"Observation/{i}" for i in counts}
    narrow = world.web(scope="system/ServiceRequest.rs")
    kinds = {
        e["resource"]["resourceType"]
        for e in narrow.get(f"/fhir/ServiceRequest?{reverse}").json()["entry"]
    }
    assert kinds == {"ServiceRequest", "OperationOutcome"}


def test_a_chain_needs_the_scope_of_what_it_reaches(lite: World) -> None:
    lite.refer([referral(1)])
    path = f"/fhir/Task?patient.identifier={lite.id_of('Patient', '1001')}"

    assert lite.web().get(path).json()["total"] == 1
    assert lite.web(scope="system/Task.rs").get(path).status_code == 403
    assert lite.web("cove-ehr").get(path).json()["total"] == 0
    assert lite.web("millbrook-sis").get(path).status_code == 400


def test_every_type_is_read_searched_and_has_its_versions(lite: World) -> None:
    web = lite.web()
    for kind in PARAMETERS:
        assert web.get(f"/fhir/{kind}").status_code == 200
        for end in ("", "/_history", "/_history/1"):
            assert web.get(f"/fhir/{kind}/{NOBODY}{end}").status_code == 404
        assert web.get(f"/fhir/{kind}?colour=red").status_code == 400
    for kind in ("Flag", "CarePlan", "Binary"):
        assert web.get(f"/fhir/{kind}").status_code == 404


def test_an_answer_in_parts_is_noticed(asked: tuple[Web, str]) -> None:
    web, path = Web(create_app(asked[0].app.state.bridge), asked[0].token), asked[1]
    web.app.dependency_overrides[negotiated] = lambda: None
    with pytest.raises(AssertionError):
        test_a_part_of_a_resource_is_refused((web, path))


def test_a_chain_that_asks_for_no_scope_is_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SearchReader, "types_reached", staticmethod(lambda _: ()))
    with pytest.raises(AssertionError):
        test_a_chain_needs_the_scope_of_what_it_reaches(lite)
