"""The hub's export over HTTP: what it names, what its files hold at the moment they are sent."""

import json
from datetime import timedelta

import pytest

from bridge.gate.disclosures import subject_of
from bridge.identity import disable_client
from bridge.journeys.families.record_releases import revoke_release
from bridge.ledger.entry import Kind
from bridge.ledger.lookup import about
from bridge.store.database.engine import read, write
from tests.support.exports import ASYNC, kicked_off, served
from tests.support.listed_rows import every_row
from tests.support.worlds import HUB, LEA, Json, Web, World, referral


def files_of(web: Web, place: str) -> dict[str, list[Json]]:
    manifest = web.get(place).json()
    assert manifest["requiresAccessToken"] is True
    assert [file["type"] for file in manifest["error"]] == ["OperationOutcome"]  # its notices
    return {
        file["type"]: [json.loads(line) for line in web.get(file["url"]).text.splitlines()]
        for file in manifest["output"]
    }


def test_an_export_holds_a_coded_row_for_each_referral_and_no_name(world: World) -> None:
    served(world)
    hub = world.web("state-hub")
    rows = files_of(hub, kicked_off(hub))
    assert {kind: len(found) for kind, found in rows.items()} == {
        "ServiceRequest": 3,
        "Encounter": 3,
    }
    text = json.dumps(rows)
    for told in ("Winterbourne", "Child", "R-0", "1000", "Cries", world.id_of("Patient", "1000")):
        assert told not in text
    students = {row["subject"]["reference"] for row in rows["ServiceRequest"]}
    assert students == {row["subject"]["reference"] for row in rows["Encounter"]}


def rows_in_the_ledger(world: World) -> int:
    with read(world.bridge.engine) as connection:
        return sum(1 for _ in every_row(connection))


def test_two_exports_give_the_same_rows_and_each_is_in_the_ledger(world: World) -> None:
    served(world)
    hub = world.web("state-hub")
    before, listed = world.counts(), rows_in_the_ledger(world)
    first, second = (files_of(hub, kicked_off(hub)) for _ in range(2))
    assert first == second
    # One entry for each part of a file, and in it a row for each of its rows.
    assert world.counts()["ledger_entry"] == before["ledger_entry"] + 4
    assert rows_in_the_ledger(world) == listed + 12


def test_an_account_tells_each_row_that_a_hub_was_given(world: World) -> None:
    served(world)
    hub = world.web("state-hub")
    rows = files_of(hub, kicked_off(hub))
    student = world.bridge.identifiers.issue("student", LEA, "1001")
    subject = subject_of(world.bridge.identifiers, student)
    with read(world.bridge.engine) as connection:
        told = [each for each in about(connection, subject) if each.row is not None]
    assert [each.entry.resource.type for each in told if each.entry.resource] == [
        *("Encounter", "ServiceRequest"),
    ]
    given = {row["id"] for found in rows.values() for row in found}
    assert {each.entry.resource.id for each in told if each.entry.resource} <= given
    assert {(each.entry.kind, each.entry.receiving) for each in told} == {(Kind.RELEASE, HUB)}


def test_an_export_of_some_types_and_since_an_instant(world: World) -> None:
    served(world)
    hub = world.web("state-hub")
    assert set(files_of(hub, kicked_off(hub, "?_type=Encounter"))) == {"Encounter"}
    world.clock.advance(timedelta(days=2))  # a hub's rows tell no time of day
    hub = world.web("state-hub")
    since = world.clock.now().isoformat().replace("+00:00", "Z")
    world.refer([referral(50)])
    rows = files_of(hub, kicked_off(hub, f"?_since={since}"))
    assert {kind: len(found) for kind, found in rows.items()} == {"ServiceRequest": 1}


def test_rows_that_came_after_the_kick_off_are_not_in_the_files(world: World) -> None:
    served(world, 2)
    hub = world.web("state-hub")
    place = kicked_off(hub)
    world.refer([referral(50)])
    assert len(files_of(hub, place)["ServiceRequest"]) == 2


def test_a_refusal_between_manifest_and_download_takes_its_row_out(world: World) -> None:
    served(world, 2)
    hub = world.web("state-hub")
    place = kicked_off(hub)
    manifest = hub.get(place).json()
    world.clock.advance(timedelta(days=300))  # the agreement has ended
    hub = world.web("state-hub")
    assert hub.get(place).status_code == 404  # and the export has expired
    assert all(hub.get(file["url"]).status_code == 404 for file in manifest["output"])
    again = kicked_off(hub)
    assert files_of(hub, again) == {}


def test_a_cancelled_export_is_gone_at_once(world: World) -> None:
    served(world, 1)
    hub = world.web("state-hub")
    place = kicked_off(hub)
    files = [file["url"] for file in hub.get(place).json()["output"]]
    assert hub.send("DELETE", place).status_code == 202
    absent = hub.get("/fhir/bulk/" + "0" * 32)
    for path in (place, *files):
        assert (hub.get(path).status_code, hub.get(path).content) == (404, absent.content)
    assert hub.send("DELETE", place).status_code == 404


@pytest.mark.parametrize("stranger", ["other-hub", "harbor-ehr", "millbrook-sis"])
def test_another_clients_export_is_answered_like_none(world: World, stranger: str) -> None:
    served(world, 1)
    hub, other = world.web("state-hub"), world.web(stranger)
    place = kicked_off(hub)
    absent = other.get("/fhir/bulk/" + "0" * 32)
    assert absent.status_code == 404
    for path in (place, f"{place}/ServiceRequest.ndjson"):
        hidden = other.get(path)
        assert (hidden.status_code, hidden.content) == (404, absent.content)
    assert other.send("DELETE", place).status_code == 404
    assert files_of(hub, place)  # it is still the owner's


def test_an_export_expires_after_its_hour(world: World) -> None:
    served(world, 1)
    place = kicked_off(world.web("state-hub"))
    world.clock.advance(timedelta(minutes=59))
    assert world.web("state-hub").get(place).status_code == 200
    world.clock.advance(timedelta(minutes=1))
    assert world.web("state-hub").get(place).status_code == 404
    kicked_off(world.web("state-hub"))
    assert world.counts()["export_job"] == 2  # it can be run again for a day


def test_a_disabled_client_gets_no_file_of_its_export(world: World) -> None:
    served(world, 1)
    hub = world.web("state-hub")
    place = kicked_off(hub)
    with write(world.bridge.engine) as connection:
        disable_client(connection, "state-hub")
    assert hub.get(f"{place}/ServiceRequest.ndjson").status_code == 401


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", {}),
        ("?_type=Claim", ASYNC),
        ("?_since=yesterday", ASYNC),
        ("?_since=2026-10-15T10:00:00", ASYNC),
        ("?_until=2026-10-15", ASYNC),
        ("?_since=2026-10-15T10:00:00Z&_since=2026-10-16T10:00:00Z", ASYNC),
        ("?_typeFilter=Encounter", ASYNC),
        ("?_typeFilter=Encounter%3F", ASYNC),
        ("?_typeFilter=Claim%3Fstatus%3Dactive", ASYNC),
        ("?_typeFilter=Encounter%3Fnote%3Dx", ASYNC),
        ("?_typeFilter=Encounter%3F_sort%3Ddate", ASYNC),
        ("?_typeFilter=Encounter%3F_include%3DEncounter:subject", ASYNC),
        ("?_typeFilter=ServiceRequest%3Fpatient.identifier%3Da|b", ASYNC),
        ("?" + "&".join(["_typeFilter=Encounter%3Fstatus%3Dfinished"] * 21), ASYNC),
        ("?patient=Patient/1", ASYNC),
        ("?_outputFormat=text/csv", ASYNC),
    ],
)
def test_an_export_that_is_not_understood_is_refused(
    lite: World, query: str, headers: dict[str, str]
) -> None:
    answer = lite.web("state-hub").get(f"/fhir/$export{query}", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert lite.counts()["export_job"] == 0


def test_a_provider_may_export_its_referrals_and_a_revoked_one_leaves_the_file(
    world: World,
) -> None:
    world.refer(referral(n) for n in range(3))
    web = world.web()
    place = kicked_off(web, "?_type=ServiceRequest")
    request = world.id_of("ServiceRequest", "R-1")
    assert revoke_release(
        world.parts, world.bridge.identifiers.issue("release", request, "education")
    )
    rows = files_of(web, place)["ServiceRequest"]
    assert {r["id"] for r in rows} == {world.id_of("ServiceRequest", f"R-{n}") for n in (0, 2)}
