"""What an export can be asked for: by address or body, for everything, persons or a group."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from bridge.api import export_files
from bridge.app import create_app
from bridge.context import Bridge
from bridge.gate import Gate
from bridge.identity import TokenCache
from bridge.journeys.families.record_releases import revoke_release
from tests.support.exports import (
    ASYNC,
    POSTED,
    kicked_off,
    parameters,
    posted,
    rows_of,
    served,
)
from tests.support.worlds import Json, Web, World, referral


def test_an_export_asked_for_by_post_is_the_one_by_get(lite: World) -> None:
    served(lite, 1)
    web = lite.web()
    place = posted(
        web,
        "/fhir/$export",
        ("_type", "valueString", "Task,ServiceRequest"),
        ("_type", "valueCode", "Encounter"),
        ("_since", "valueInstant", "2026-01-01T00:00:00Z"),
        ("_outputFormat", "valueString", "ndjson"),
    )
    rows = rows_of(web, place)
    assert rows == rows_of(
        web,
        kicked_off(web, "?_type=Task&_type=ServiceRequest,Encounter&_since=2026-01-01T00:00:00Z"),
    )
    assert set(rows) == {"Task", "ServiceRequest", "Encounter"}
    assert web.get(place).json()["request"].endswith("/fhir/$export")


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        "no json",
        '{"resourceType": "Parameters", "parameter": {}}',
        parameters(("_type", "valueReference", "Task")),
        parameters(("patient", "valueString", "Patient/1")),
        parameters(("_type", "valueString", "Claim")),
        '{"resourceType": "Parameters", "parameter": [{"name": "_type"}]}',
        '{"resourceType": "Parameters", "parameter": [{"name": "_type", "valueString": 1}]}',
    ],
)
def test_a_body_that_asks_for_no_export_is_refused(lite: World, body: str) -> None:
    answer = lite.web().send("POST", "/fhir/$export", headers=POSTED, content=body)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert lite.counts()["export_job"] == 0


def test_a_body_of_another_type_and_parameters_in_two_places_are_refused(lite: World) -> None:
    web = lite.web()
    form = {**ASYNC, "Content-Type": "application/x-www-form-urlencoded"}
    assert web.send("POST", "/fhir/$export", headers=form, content="_type=Task").status_code == 415
    both = web.send("POST", "/fhir/$export?_type=Task", headers=POSTED, content=parameters())
    assert both.status_code == 400


@pytest.mark.parametrize("path", ["/fhir/Patient/$export", "/fhir/Group/all/$export"])
def test_an_export_of_persons_holds_what_belongs_to_them(lite: World, path: str) -> None:
    served(lite, 2)
    web = lite.web()
    whole = rows_of(web, kicked_off(web))
    answer = web.get(path, headers=ASYNC)
    rows = rows_of(web, answer.headers["Content-Location"])
    assert whole.keys() - rows.keys() == {"Organization", "Location"}
    assert rows == {kind: whole[kind] for kind in rows}
    assert rows == rows_of(web, posted(web, path))
    assert len(rows["Patient"]) == 2
    listed = rows_of(web, posted(web, path, ("_type", "valueString", "Patient,Organization")))
    assert set(listed) == {"Patient"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_group_that_is_not_there_is_not_found(lite: World, method: str) -> None:
    answer = lite.web().send(method, "/fhir/Group/another/$export", headers=POSTED)
    assert answer.status_code == 404
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_revoked_student_is_in_no_group(lite: World) -> None:
    lite.refer(referral(n) for n in range(2))
    web = lite.web()
    answer = web.get("/fhir/Group/all/$export", headers=ASYNC)
    request = lite.id_of("ServiceRequest", "R-0")
    revoke_release(lite.parts, lite.bridge.identifiers.issue("release", request, "education"))
    rows = rows_of(web, answer.headers["Content-Location"])
    assert [row["id"] for row in rows["ServiceRequest"]] == [lite.id_of("ServiceRequest", "R-1")]
    assert len(rows["Patient"]) == 1


def filtered(web: Web, *filters: str) -> dict[str, list[Json]]:
    asked = urlencode([("_typeFilter", each) for each in filters])
    return rows_of(web, kicked_off(web, f"?_type=Task,ServiceRequest&{asked}"))


def test_a_filter_limits_its_own_type_and_several_are_alternatives(world: World) -> None:
    world.refer(referral(n) for n in range(3))
    web = world.web()
    tasks = [world.id_of("Task", f"R-{n}") for n in range(3)]
    requests = [world.id_of("ServiceRequest", f"R-{n}") for n in range(3)]

    def found(*filters: str) -> tuple[set[str], set[str]]:
        rows = filtered(web, *filters)
        told = ({row["id"] for row in rows.get(kind, [])} for kind in ("Task", "ServiceRequest"))
        return next(told), next(told)

    every = set(requests)
    assert found("Task?status=requested") == (set(tasks), every)
    assert found("Task?status=completed") == (set(), every)
    assert found(f"Task?focus=ServiceRequest/{requests[1]}") == ({tasks[1]}, every)
    two = [f"Task?focus=ServiceRequest/{requests[n]}&status=requested" for n in (0, 2)]
    assert found(*two) == ({tasks[0], tasks[2]}, every)
    assert found(",".join(two)) == ({tasks[0], tasks[2]}, every)
    assert found("Task?status=completed,requested") == (set(tasks), every)
    assert found(*two, f"ServiceRequest?_id={requests[0]}")[1] == {requests[0]}
    assert found("ServiceRequest?authored=lt2026-01-01")[1] == set()


def test_filters_that_cannot_be_alternatives_are_refused(lite: World) -> None:
    one = urlencode([("_typeFilter", "Task?_id=a"), ("_typeFilter", "Task?status=requested")])
    assert lite.web().get(f"/fhir/$export?{one}", headers=ASYNC).status_code == 400


def test_an_export_until_an_instant(world: World) -> None:
    world.refer([referral(0)])
    world.clock.advance(timedelta(hours=1))
    until = world.clock.now().isoformat().replace("+00:00", "Z")
    world.refer([referral(1)])
    web = world.web()
    rows = rows_of(web, kicked_off(web, f"?_type=ServiceRequest&_until={until}"))
    assert [row["id"] for row in rows["ServiceRequest"]] == [world.id_of("ServiceRequest", "R-0")]


def test_the_manifest_says_until_when_it_holds_and_names_nothing_deleted(lite: World) -> None:
    served(lite, 1)
    web = lite.web()
    place = kicked_off(web)
    answer = web.get(place)
    assert answer.headers["expires"] == "Thu, 15 Oct 2026 15:00:00 GMT"
    assert answer.json()["deleted"] == []
    assert answer.json()["request"].endswith("/fhir/$export")


def test_an_export_outlives_the_process_that_began_it(world: World) -> None:
    served(world, 2)
    web = world.web()
    place = kicked_off(web)
    before = rows_of(web, place)
    again = Web(create_app(open_again(world)), web.token)
    assert rows_of(again, place) == before


def open_again(world: World) -> Bridge:
    """Return a bridge that remembers nothing but what the database holds."""
    bridge = world.bridge
    return replace(
        bridge,
        gate=Gate(bridge.engine, bridge.clock, bridge.identifiers),
        tokens=TokenCache(),
    )


def test_a_file_comes_in_parts_by_size_and_in_the_order_of_change(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.refer(referral(n) for n in range(9))
    web = world.web()
    place = kicked_off(web, "?_type=ServiceRequest")
    whole = rows_of(web, place)["ServiceRequest"]
    monkeypatch.setattr(export_files, "FIRST_PART", 2)
    for size in (1, 3000, 4_000_000):
        monkeypatch.setattr(export_files, "PART_BYTES", size)
        assert rows_of(web, place)["ServiceRequest"] == whole
    assert [row["id"] for row in whole] == [
        world.id_of("ServiceRequest", f"R-{n}") for n in range(9)
    ]


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize("client", ["harbor-ehr", "state-hub"])
def test_an_instant_of_no_year_is_refused(lite: World, client: str, edge: str) -> None:
    query = urlencode({"_type": "ServiceRequest", "_since": edge})
    answer = lite.web(client).get(f"/fhir/$export?{query}", headers=ASYNC)
    assert answer.status_code == 400, answer.text
