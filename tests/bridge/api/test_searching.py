"""Strict search, pages that lose nothing, includes, and what one party may know of another's."""

import threading
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest

from bridge.api.search import SearchReader
from tests.support.worlds import FHIR, Json, World, put_task, referral

REFUSED = [
    "colour=red",
    "status:above=requested",
    "status:in=requested",
    "status:missing=maybe",
    "authored-on:not=2026-10-15",
    "authored-on=yesterday",
    "focus:Patient=1",
    "owner.name=Harbor",
    "focus:ServiceRequest.status=active",
    "status=|",
    "_id:not=1",
    "_id:missing=true",
    "_query=all",
    "_list=1",
    "_contained=true",
    "_since=2026-10-15T10:00:00Z",
    "_has:Encounter:based-on:status=finished",
    "focus.status=active",
    "_sort=status",
    "_filter=status eq requested",
    "_include=Task:encounter",
    "_include=*",
    "_include:iterate=Task:focus",
    "_revinclude=Encounter:based-on",
    "_count=-1",
    "_count=x",
    "_count=1&_count=2",
    "_lastUpdated=yesterday",
    "_lastUpdated=gt2026-13",
    "_lastUpdated=",
    "_lastUpdated=gt2026-10-15T10:00:00",
    "_lastUpdated=xx2026-10-15T10:00:00Z",
    "_page=1",
    "_page=0-" + "0" * 32,
    "_page=" + "9" * 5000 + "-x",
    "_page=%F0%9D%9F%99-x",
    "_id=a b",
    "_id=",
    "_id=%00",
    "status=%00",
    "status=",
    "_text=anxiety",
    "_content=anxiety",
    "_summary=all",
    "_summary=count&_summary=data",
    "_total=roughly",
    "_elements=",
    "_elements=a b",
    "_sort=-status",
    "_sort=_lastUpdated,_id",
    "_sort=_id",
    "_sort=authored-on,status",
    "_sort=authored-on,_id,_lastUpdated",
    "_sort=authored-on,",
    "_sort=",
    "patient:identifier=https://schoolbridge.example/fhir/NamingSystem/student|1",
    "_format=xml",
    "_revinclude=Provenance:agent",
    "_revinclude=*",
    "_revinclude:iterate=Provenance:target",
]


def test_a_search_that_is_not_understood_is_refused_whole(world: World) -> None:
    world.refer([referral(0)])
    web = world.web()
    before = world.counts()
    for asked in REFUSED:
        answer = web.get(f"/fhir/Task?{asked}")
        assert answer.status_code == 400, (asked[:40], answer.text)
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert world.counts() == before  # nothing was released


def test_a_page_link_of_another_search_or_client_is_refused(lite: World) -> None:
    lite.refer(referral(n) for n in range(3))
    web = lite.web()
    links = {x["relation"]: x["url"] for x in web.get("/fhir/Task?_count=2").json()["link"]}
    page = links["next"].partition("_page=")[2]
    assert web.get(links["next"]).status_code == 200
    assert web.get(f"/fhir/Task?_count=1&_page={page}").status_code == 400
    assert web.get(f"/fhir/ServiceRequest?_count=2&_page={page}").status_code == 400
    assert lite.web("cove-ehr").get(links["next"]).status_code == 400


FOUND = [
    ("status=accepted", {0}),
    ("status=requested", {1, 2}),
    ("status=accepted,requested", {0, 1, 2}),
    ("status=http://hl7.org/fhir/task-status|accepted", {0}),
    ("status=http://hl7.org/fhir/task-status|", {0, 1, 2}),
    ("status=|accepted", set()),
    ("status=https://elsewhere.example|accepted", set()),
    ("status:not=accepted", {1, 2}),
    ("status:not=accepted,requested", set()),
    ("status:missing=false", {0, 1, 2}),
    ("owner:missing=true", set()),
    ("output:missing=true", {0, 1, 2}),
    ("authored-on:missing=true", set()),
    ("authored-on=2026-09-02", {0, 1, 2}),
    ("authored-on=2026-09", {0, 1, 2}),
    ("authored-on=2026", {0, 1, 2}),
    ("authored-on=gt2026-09", set()),
    ("authored-on=lt2026-09-02", set()),
    ("authored-on=ge2026-09-02&authored-on=le2026-09-02", {0, 1, 2}),
    ("authored-on=ne2026-09-02", set()),
    ("authored-on=sa2026-09-01,2025", {0, 1, 2}),
    ("identifier=https://schoolbridge.example/fhir/NamingSystem/referral/millbrook|R-1", {1}),
    ("identifier=https://schoolbridge.example/fhir/NamingSystem/referral/millbrook|", {0, 1, 2}),
    ("identifier=|R-1", set()),
    ("subject:Patient={p1}", {1}),
    ("patient.identifier=https://schoolbridge.example/fhir/NamingSystem/student|{p1}", {1}),
    ("subject.identifier={p1}", {1}),
    ("patient.identifier=1001", set()),
    ("identifier=R-1", {1}),
    ("identifier=R-1,R-2", {1, 2}),
    ("identifier=R-1&identifier=R-2", set()),
    ("_id={1}", {1}),
    ("_id={1},{2}", {1, 2}),
    ("_id={1},{2}&_id={2},{0}", {2}),
    ("_id={1}&_id={2}", set()),
    ("_lastUpdated=gt2026-10-15T13:59:59Z", {0, 1, 2}),
    ("_lastUpdated=gt2026-10-15T14:00:00Z", set()),
    ("_lastUpdated=2026-10-15", {0, 1, 2}),
    ("_lastUpdated=gt2026-10-14", {0, 1, 2}),
    ("_lastUpdated=gt2026-10-15", set()),
    ("_lastUpdated=ne2026-10-15", set()),
    ("_lastUpdated=eb2026-10-16", {0, 1, 2}),
    ("_lastUpdated=ap2026-10-15", {0, 1, 2}),
    ("_lastUpdated=le2026-10-15T10:00:00-04:00", {0, 1, 2}),
    ("focus=ServiceRequest/{s1}", {1}),
    ("focus={s1}", {1}),
    (f"focus={FHIR}/ServiceRequest/{{s1}}", {1}),
    ("owner=Organization/nobody", set()),
]


def told(bundle: Json) -> list[Json]:
    """Return the entries of a search but for the notices."""
    return [e for e in bundle.get("entry", []) if e["search"]["mode"] != "outcome"]


def test_a_search_finds_what_it_asks_for(world: World) -> None:
    world.refer(referral(n) for n in range(3))
    web = world.web()
    ids = [world.id_of("Task", f"R-{n}") for n in range(3)]
    first = web.get(f"/fhir/Task/{ids[0]}").json()
    assert put_task(web, first, "accepted").status_code == 200
    names = {"s1": world.id_of("ServiceRequest", "R-1"), "p1": world.id_of("Patient", "1001")}
    for asked, expected in FOUND:
        path = quote(asked.format(*ids, **names), safe="=&|,:/")
        bundle = web.get(f"/fhir/Task?{path}").json()
        found = {ids.index(e["resource"]["id"]) for e in told(bundle)}
        assert (found, bundle["total"]) == (expected, len(expected)), asked


def test_posting_a_search_finds_the_same(lite: World) -> None:
    lite.refer(referral(n) for n in range(2))
    web, form = lite.web(), "status=requested&identifier=R-1"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = web.send("POST", "/fhir/Task/_search", content=form, headers=kind)
    assert posted.json() == web.get(f"/fhir/Task?{form}").json()
    both = web.send("POST", "/fhir/Task/_search?status=x", content=form, headers=kind)
    assert both.status_code == 400


def test_includes_bring_each_resource_once_and_only_what_may_be_read(world: World) -> None:
    world.refer([referral(0), referral(1, student={"local_id": "1000"}), referral(2, releases=())])
    web = world.web()
    path = "/fhir/Task?_include=Task:focus&_include=Task:patient&_include=Task:owner"
    bundle = web.get(path).json()
    modes = [(e["search"]["mode"], e["resource"]["resourceType"]) for e in bundle["entry"]]
    assert modes.count(("match", "Task")) == bundle["total"] == 2
    assert modes.count(("include", "ServiceRequest")) == 2
    assert modes.count(("include", "Organization")) == 1
    assert modes.count(("outcome", "OperationOutcome")) == 1  # the notices that ride along
    urls = [e["fullUrl"] for e in told(bundle)]
    assert len(urls) == len(set(urls))
    assert world.id_of("ServiceRequest", "R-2") not in str(bundle)


def test_an_include_beyond_the_scopes_of_the_token_is_left_out(lite: World) -> None:
    lite.refer([referral(0)])
    web = lite.web(scope="system/Task.rs")
    entries = told(web.get("/fhir/Task?_include=Task:focus&_include=Task:patient").json())
    assert [e["resource"]["resourceType"] for e in entries] == ["Task"]


def test_paging_while_others_write_loses_no_task_and_doubles_no_version(world: World) -> None:
    world.refer(referral(n) for n in range(60))
    web, writer = world.web(), world.web()
    kept = {t["id"]: t for t in web.found("/fhir/Task")}
    stop = threading.Event()

    def write_on() -> None:
        for n, task in enumerate(list(kept.values())[::3]):
            assert put_task(writer, task, "accepted").status_code == 200
            world.refer([referral(100 + n)])
            if stop.is_set():
                return

    threads = [threading.Thread(target=write_on)]
    threads[0].start()
    seen: list[Json] = []
    for _ in range(4):
        seen += web.found("/fhir/Task?_count=7")
    stop.set()
    threads[0].join()
    assert kept.keys() <= {t["id"] for t in seen}
    one_pass = web.found("/fhir/Task?_count=7")
    versions = [(t["id"], t["meta"]["versionId"]) for t in one_pass]
    assert len(versions) == len(set(versions)) == len({i for i, _ in versions})
    assert len(versions) == 60 + world.counts()["student"] - 60


def test_a_poller_with_a_cursor_sees_every_change_of_concurrent_writers(world: World) -> None:
    done: list[int] = []

    def write_on(first: int) -> None:
        for n in range(first, first + 10):
            world.refer([referral(n)])
        done.append(first)

    threads = [threading.Thread(target=write_on, args=(start,)) for start in (0, 100, 200)]
    world.refer([referral(999)])
    web = world.web()
    for thread in threads:
        thread.start()
    page, seen = "/fhir/Task?_count=1", list[str]()
    while True:
        ended = len(done) == 3
        bundle = web.get(page).json()
        seen += [e["resource"]["id"] for e in told(bundle)]
        page = {x["relation"]: x["url"] for x in bundle["link"]}.get("next", page)
        if ended and not bundle.get("entry"):
            break
    for thread in threads:
        thread.join()
    wanted = [referral(n).number for s in (0, 100, 200) for n in range(s, s + 10)] + ["R-999"]
    assert sorted(seen) == sorted(world.id_of("Task", number) for number in wanted)


def test_another_providers_records_are_answered_like_none(world: World) -> None:
    world.refer([referral(0)])
    world.refer([referral(1)], provider="cove")
    cove, unknown = world.web("cove-ehr"), "00000000-0000-8000-8000-000000000000"
    for kind in ("ServiceRequest", "Task", "Patient", "Observation", "RelatedPerson"):
        theirs = {r["id"] for r in world.web().found(f"/fhir/{kind}")}
        assert theirs, kind
        absent = cove.get(f"/fhir/{kind}/{unknown}")
        for record_id in theirs:
            hidden = cove.get(f"/fhir/{kind}/{record_id}")
            assert (hidden.status_code, hidden.content) == (404, absent.content)
            assert dict(hidden.headers) == dict(absent.headers)
            empty = cove.get(f"/fhir/{kind}?_id={record_id}").content
            assert empty.replace(record_id.encode(), b"X") == cove.get(
                f"/fhir/{kind}?_id={unknown}"
            ).content.replace(unknown.encode(), b"X")
        assert not theirs & {r["id"] for r in cove.found(f"/fhir/{kind}")}


def test_an_answer_to_a_hidden_task_is_like_one_to_no_task(world: World) -> None:
    world.refer([referral(0)])
    web, cove = world.web(), world.web("cove-ehr")
    task = web.found("/fhir/Task")[0]
    unknown = {**task, "id": "00000000-0000-8000-8000-000000000000"}
    kept = world.counts()
    hidden, absent = put_task(cove, task, "accepted"), put_task(cove, unknown, "accepted")
    assert (hidden.status_code, hidden.content) == (absent.status_code, absent.content)
    assert hidden.status_code == 404
    assert {n: c for n, c in world.counts().items() if n != "identity_access_token"} == {
        n: c for n, c in kept.items() if n != "identity_access_token"
    }


@pytest.mark.parametrize(
    "names", [("_has",), ("_filter", "_query", "_text", "_list"), ("status:",)]
)
def test_a_parameter_that_is_taken_and_not_understood_is_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    reading = SearchReader.read

    def leaves_out(self: SearchReader, given: Sequence[tuple[str, str]]) -> Any:  # noqa: ANN401 - as the function it stands for
        return reading(self, [pair for pair in given if not pair[0].startswith(names)])

    monkeypatch.setattr(SearchReader, "read", leaves_out)
    with pytest.raises(AssertionError):
        test_a_search_that_is_not_understood_is_refused_whole(lite)
