"""Groups: what a partner may name to export less than everything."""

import json
from dataclasses import replace

import pytest

from bridge.identity import Registration, read_scopes, register_client
from bridge.store.database.engine import write
from tests.support.exports import ASYNC, rows_of
from tests.support.worlds import (
    COVE,
    HARBOR,
    Json,
    Web,
    World,
    client_key,
    referral,
    standings,
)

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def groups(web: Web, query: str = "") -> list[Json]:
    bundle = web.get(f"/fhir/Group{query}").json()
    found = [entry["resource"] for entry in bundle.get("entry", [])]
    assert bundle["total"] == len(found)
    return found


def a_hub(world: World) -> Web:
    """Return the web as a hub sees it whose client may read every type."""
    standing = replace(standings()["state-hub"], scopes=read_scopes("system/*.rs"))
    registration = Registration("hub-all", standing, jwks=client_key().public_jwks())
    with write(world.bridge.engine) as connection:
        register_client(connection, registration, world.clock)
    return world.web("hub-all")


def exported(web: Web, group_id: str, query: str = "") -> dict[str, list[Json]]:
    answer = web.get(f"/fhir/Group/{group_id}/$export{query}", headers=ASYNC)
    assert answer.status_code == 202, answer.text
    return rows_of(web, answer.headers["content-location"])


def told(rows: dict[str, list[Json]], kind: str) -> set[str]:
    return {row["id"] for row in rows.get(kind, [])}


def test_a_hub_has_a_group_for_each_agreement_and_exports_each_alone(world: World) -> None:
    world.refer([referral(0), referral(1)])
    world.refer([referral(2)], COVE)
    hub = a_hub(world)
    everybody, *others = groups(hub)
    assert everybody["id"] == "all"
    assert len(others) == 2
    parts = [
        told(exported(hub, each["id"], "?_type=ServiceRequest"), "ServiceRequest")
        for each in others
    ]
    whole = told(exported(hub, "all", "?_type=ServiceRequest"), "ServiceRequest")
    assert parts[0] | parts[1] == whole
    assert not parts[0] & parts[1]
    assert sorted(map(len, parts)) == [1, 2]


def test_an_own_record_is_in_the_group_of_its_agreement_alone(world: World) -> None:
    world.refer([referral(0)])
    provider, other = world.web(), world.web("cove-ehr")
    (_, own) = groups(provider)
    assert told(exported(provider, own["id"]), "Task") == {world.id_of("Task", "R-0", HARBOR)}
    assert exported(other, groups(other)[1]["id"]) == {}


def test_a_group_tells_neither_who_nor_how_many_are_in_it(world: World) -> None:
    web = world.web()
    before = groups(web)
    world.refer(referral(n) for n in range(3))
    assert groups(web) == before
    for each in before:
        assert set(each) == {"resourceType", "id", "active", "type", "actual", "name"}
        assert web.get(f"/fhir/Group/{each['id']}").json() == each
        assert groups(web, f"?_id={each['id']}") == [each]


@pytest.mark.parametrize("path", ["", "/$export"])
def test_anothers_group_is_as_absent_as_none(world: World, path: str) -> None:
    (_, others) = groups(world.web("cove-ehr"))
    web = world.web()
    absent = web.get(f"/fhir/Group/{'0' * 36}{path}", headers=ASYNC)
    hidden = web.get(f"/fhir/Group/{others['id']}{path}", headers=ASYNC)
    assert absent.status_code == hidden.status_code == 404
    assert absent.content == hidden.content
    assert groups(web, f"?_id={others['id']}") == groups(web, "?_id=none") == []


def test_a_group_needs_a_scope_and_no_other_parameter(lite: World) -> None:
    assert lite.web().get("/fhir/Group?member=Patient/1").status_code == 400
    narrow = lite.web(scope="system/Task.rs")
    assert narrow.get("/fhir/Group").status_code == 403
    assert narrow.get("/fhir/Group/all").status_code == 403
    granted = lite.web(scope="system/Task.rs system/Group.rs")
    assert granted.get("/fhir/Group/all").status_code == 200
    assert lite.anonymous.get("/fhir/Group").status_code == 401


def test_a_group_that_forgets_its_agreement_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.refer([referral(0)])
    world.refer([referral(2)], COVE)
    monkeypatch.setattr("bridge.api.bulk.agreement_of", lambda _call, _group: None)
    hub = a_hub(world)
    own = groups(hub)[1]["id"]
    assert len(told(exported(hub, own, "?_type=ServiceRequest"), "ServiceRequest")) == 2


def test_a_group_is_no_list(lite: World) -> None:
    assert "member" not in json.dumps(groups(lite.web()))


def test_groups_are_found_by_post_as_by_get(lite: World) -> None:
    web = lite.web()
    first, *_ = groups(web)
    for asked in ({}, {"_id": first["id"]}, {"_id": "none"}):
        by_get = web.send("GET", "/fhir/Group", params=asked)
        by_post = web.send("POST", "/fhir/Group/_search", data=asked, headers=FORM)
        assert by_post.status_code == by_get.status_code == 200
        assert by_post.json() == by_get.json()


@pytest.mark.parametrize("asked", ["", "a,", "a b", "x" * 65])
def test_what_cannot_be_the_id_of_a_group_is_refused(lite: World, asked: str) -> None:
    found = lite.web().send("GET", "/fhir/Group", params={"_id": asked})
    assert found.status_code == 400
    assert "takes up to" in found.text


@pytest.mark.parametrize(
    ("path", "offered"),
    [("Group", {"GET", "HEAD"}), ("Group/_search", {"POST"}), ("Group/all", {"GET", "HEAD"})],
)
@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "GET", "POST"])
def test_what_groups_do_not_offer_is_told_by_what_they_do(
    lite: World, method: str, path: str, offered: set[str]
) -> None:
    answer = lite.web().send(method, f"/fhir/{path}")
    if method in offered:
        assert "allow" not in answer.headers
    else:
        assert answer.status_code == (204 if method == "OPTIONS" else 405)
        assert set(answer.headers["allow"].split(", ")) == offered | {"OPTIONS"}
