"""Versions, dates and tags of what a client is shown: no more of the past than of the present."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.clock import FixedClock
from bridge.journeys.families.record_releases import revoke_release
from tests.support.worlds import (
    NOW,
    Json,
    Web,
    World,
    encounter,
    form_education,
    make_world,
    post_session,
    put_task,
    referral,
)


@pytest.fixture
def timed(database_url: str, tmp_path: Path) -> Iterator[World]:
    """A world whose business time can be moved on while tokens live."""
    made = make_world(database_url, tmp_path, FixedClock(NOW, NOW))
    yield made
    made.bridge.engine.dispose()


def later(world: World, minutes: int = 1) -> None:
    world.clock.instant += timedelta(minutes=minutes)


def history(web: Web, path: str) -> list[Json]:
    answer = web.get(f"{path}/_history")
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] == len(answer.json()["entry"])
    return [entry["resource"] for entry in answer.json()["entry"]]


def test_a_task_has_the_versions_it_went_through_the_latest_first(timed: World) -> None:
    timed.refer([referral(1)])
    web = timed.web()
    path = f"/fhir/Task/{timed.id_of('Task', 'R-1')}"
    for status in ("accepted", "in-progress"):
        later(timed)
        assert put_task(web, web.get(path).json(), status).status_code == 200
    versions = history(web, path)

    assert [v["status"] for v in versions] == ["in-progress", "accepted", "requested"]
    assert versions[0] == web.get(path).json()
    assert len({v["meta"]["versionId"] for v in versions}) == 3
    dates = [v["meta"]["lastUpdated"] for v in versions]
    assert dates == sorted(dates, reverse=True)
    assert len(set(dates)) == 3
    for version in versions:
        one = web.get(f"{path}/_history/{version['meta']['versionId']}")
        assert one.json() == version
        assert one.headers["etag"] == f'W/"{version["meta"]["versionId"]}"'


def test_a_history_can_be_cut_by_time_and_number(timed: World) -> None:
    timed.refer([referral(1)])
    web, path = timed.web(), f"/fhir/Task/{timed.id_of('Task', 'R-1')}"
    later(timed)
    assert put_task(web, web.get(path).json(), "accepted").status_code == 200
    since = (NOW + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert len(web.get(f"{path}/_history?_since={since}").json()["entry"]) == 1
    assert len(web.get(f"{path}/_history?_count=1").json()["entry"]) == 1
    for odd in ("_since=yesterday", "_sort=x", "_count=x", "status=accepted", "_since=2026-10-15"):
        assert web.get(f"{path}/_history?{odd}").status_code == 400, odd


def test_no_older_version_shows_what_the_current_one_may_not_show(timed: World) -> None:
    web = timed.web()
    timed.refer([referral(1, student={"phone": "555-0101"}, releases=(form_education(),))])
    later(timed)
    again = referral(2, student={"local_id": "1001", "family_name": "Åsen"}, releases=())
    timed.refer([again])
    path = f"/fhir/Patient/{timed.id_of('Patient', '1001')}"
    versions = history(web, path)
    stored = timed.stored("Patient", path.rpartition("/")[2])

    assert [v["name"][0]["family"] for v in versions] == ["Åsen", "Winterbourne"]
    assert stored["gender"] == "female"
    assert {v["gender"] for v in versions} == {"unknown"}
    assert all("1001" not in str(v["identifier"]) for v in versions)


def test_versions_are_decided_under_todays_consent(timed: World) -> None:
    timed.refer([referral(1)])
    web, path = timed.web(), f"/fhir/Task/{timed.id_of('Task', 'R-1')}"
    later(timed)
    assert put_task(web, web.get(path).json(), "accepted").status_code == 200
    first = history(web, path)[1]["meta"]["versionId"]
    request = timed.id_of("ServiceRequest", "R-1")
    issued = timed.bridge.identifiers.issue("release", request, "education")
    assert revoke_release(timed.parts, issued)
    absent = web.get("/fhir/Task/00000000-0000-8000-8000-000000000000/_history")

    for gone in (f"{path}/_history", f"{path}/_history/{first}", path):
        answer = web.get(gone)
        assert (answer.status_code, answer.content) == (404, absent.content)


def test_the_versions_of_a_hidden_resource_are_like_those_of_none(timed: World) -> None:
    timed.refer([referral(1)])
    path = f"/fhir/Task/{timed.id_of('Task', 'R-1')}"
    version = history(timed.web(), path)[0]["meta"]["versionId"]
    cove = timed.web("cove-ehr")
    none = "/fhir/Task/00000000-0000-8000-8000-000000000000"

    for end in ("/_history", f"/_history/{version}", "/_history/x"):
        hidden, absent = cove.get(path + end), cove.get(none + end)
        assert (hidden.status_code, hidden.content) == (404, absent.content)
        assert dict(hidden.headers) == dict(absent.headers)


def edited(world: World, line: str) -> None:
    """Let the district change what no provider is told: the student's address."""
    later(world)
    world.refer([referral(1, student={"address_line": line})])


def test_hidden_edits_move_neither_tag_nor_date_nor_place_nor_versions(timed: World) -> None:
    timed.refer([referral(1), referral(2)])
    web = timed.web()
    path = f"/fhir/Patient/{timed.id_of('Patient', '1001')}"
    before, listed = web.get(path), web.get("/fhir/Patient").content
    for n in range(20):
        edited(timed, f"{n} Elm Row")
    after = web.get(path)
    since = (NOW + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert "19 Elm Row" in str(timed.stored("Patient", path.rpartition("/")[2]))
    assert (after.content, after.headers) == (before.content, before.headers)
    assert len(history(web, path)) == 1
    assert web.get(f"/fhir/Patient?_lastUpdated=gt{since}&_summary=count").json()["total"] == 0
    assert told(web.get("/fhir/Patient").content) == told(listed)
    assert web.found("/fhir/Patient?_count=1") == web.found("/fhir/Patient?_count=9")


def told(bundle: bytes) -> bytes:
    return bundle.partition(b'"type":"searchset"')[2]


def test_a_change_that_is_shown_moves_all_of_them(timed: World) -> None:
    timed.refer([referral(1), referral(2)])
    web = timed.web()
    path = f"/fhir/Patient/{timed.id_of('Patient', '1001')}"
    before = web.get(path)
    edited(timed, "1 Elm Row")
    later(timed)
    timed.refer([referral(1, student={"address_line": "1 Elm Row", "family_name": "Quist"})])
    after = web.get(path)
    since = before.json()["meta"]["lastUpdated"].replace("+00:00", "Z")

    assert after.headers["etag"] != before.headers["etag"]
    assert after.headers["last-modified"] != before.headers["last-modified"]
    assert [p["id"] for p in web.found("/fhir/Patient")][-1] == after.json()["id"]
    assert [p["id"] for p in web.found(f"/fhir/Patient?_lastUpdated=gt{since}")] == [
        after.json()["id"]
    ]
    assert len(history(web, path)) == 2


def test_a_hidden_edit_between_two_pages_loses_and_doubles_nothing(timed: World) -> None:
    timed.refer(referral(n) for n in range(5))
    web = timed.web()
    first = web.get("/fhir/Patient?_count=2").json()
    link = next(x["url"] for x in first["link"] if x["relation"] == "next")
    edited(timed, "7 Elm Row")
    seen = [e["resource"]["id"] for e in first["entry"] if e["search"]["mode"] == "match"]
    seen += [p["id"] for p in web.found(link)]

    assert len(seen) == len(set(seen)) == 5


def test_a_client_that_has_a_version_is_not_sent_it_again(timed: World) -> None:
    timed.refer([referral(1)])
    web, path = timed.web(), f"/fhir/Task/{timed.id_of('Task', 'R-1')}"
    got = web.get(path)
    tag = got.headers["etag"]
    conditions = ({"If-None-Match": tag}, {"If-None-Match": f'"x", {tag}'})
    for headers in conditions:
        again = web.get(path, headers=headers)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    later(timed)
    assert put_task(web, got.json(), "accepted").status_code == 200
    for headers in conditions:
        assert web.get(path, headers=headers).status_code == 200


def test_a_date_alone_never_says_that_nothing_has_changed(timed: World) -> None:
    """A consent for less, or one that ends with a day, moves no date of the record."""
    timed.refer([referral(1)])
    web, path = timed.web(), f"/fhir/Task/{timed.id_of('Task', 'R-1')}"
    got = web.get(path)
    dates = (got.headers["last-modified"], "Fri, 31 Dec 2100 00:00:00 GMT", "soon")

    for date in dates:
        again = web.get(path, headers={"If-Modified-Since": date})
        assert (again.status_code, again.content) == (200, got.content)
    now = {"If-None-Match": '"x"', "If-Modified-Since": dates[0]}
    assert web.get(path, headers=now).status_code == 200


def test_a_tag_of_a_hidden_resource_gets_nothing(timed: World) -> None:
    timed.refer([referral(1)])
    path = f"/fhir/Task/{timed.id_of('Task', 'R-1')}"
    got = timed.web().get(path).headers
    stolen = {"If-None-Match": got["etag"], "If-Modified-Since": got["last-modified"]}

    assert timed.web("cove-ehr").get(path, headers=stolen).status_code == 404


def test_a_session_keeps_its_versions_and_its_kind(timed: World) -> None:
    timed.refer([referral(1)])
    web = timed.web()
    (task,) = web.found("/fhir/Task")
    made = post_session(web, encounter(task, "s1")).json()
    later(timed)
    sent = {**made, "status": "cancelled"}
    tag = {"If-Match": f'W/"{made["meta"]["versionId"]}"'}
    changed = web.send("PUT", f"/fhir/Encounter/{made['id']}", json=sent, headers=tag)

    assert changed.status_code == 200, changed.text
    assert changed.json()["status"] == "cancelled"
    assert [v["status"] for v in history(web, f"/fhir/Encounter/{made['id']}")] == [
        "cancelled",
        "finished",
    ]
