"""A client keeps subscriptions of its own: what is understood, and what is refused by its name."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fhir.resources.R4B.subscription import Subscription

from tests.support.subscribing import BACKPORT, TOPIC, subscribed, subscription
from tests.support.worlds import Json, Web, World

HOOK = "https://ehr.example.org/hook"
NUMBER = "valueUnsignedInt"


def extension(name: str, **value: object) -> Json:
    return {"url": f"{BACKPORT}{name}", **value}


def channel(**changes: object) -> Json:
    return subscription(HOOK, channel=changes)


def payload(*listed: Json) -> Json:
    return channel(_payload={"extension": list(listed)})


CONTENT = extension("backport-payload-content", valueCode="id-only")
OTHERS = extension("backport-channel-type", valueCoding={"system": "x", "code": "zulip"})
REFUSED: list[tuple[str, Json, str]] = [
    ("another topic", subscription(HOOK, topic=f"{TOPIC}Nothing"), "criteria"),
    ("a search as criteria", subscription(HOOK, topic="Task?status=requested"), "criteria"),
    ("e-mail", channel(type="email"), "channel.type"),
    ("websocket", channel(type="websocket"), "channel.type"),
    ("a channel type by extension", channel(_type={"extension": [OTHERS]}), "channel"),
    ("full content", subscription(HOOK, content="full-resource"), "channel.payload.extension"),
    ("no content", payload(), "channel.payload.extension"),
    ("two contents", payload(CONTENT, CONTENT), "channel.payload.extension"),
    ("XML", channel(payload="application/fhir+xml"), "channel.payload"),
    ("R5", channel(payload="application/fhir+json; fhirVersion=5.0"), "channel.payload"),
    ("plain http", channel(endpoint="http://ehr.example.org/hook"), "channel.endpoint"),
    ("a login in it", channel(endpoint="https://a:b@ehr.example.org/"), "channel.endpoint"),
    ("no endpoint", channel(endpoint=None), "channel.endpoint"),
    ("a header of ours", channel(header=["Signature: x"]), "channel.header"),
    ("two lines", channel(header=["X-A: b\r\nX-C: d"]), "channel.header"),
    ("a header without value", channel(header=["X-A"]), "channel.header"),
    (
        "beats too often",
        channel(extension=[extension("backport-heartbeat-period", **{NUMBER: 5})]),
        "channel.extension",
    ),
    (
        "waits too long",
        channel(extension=[extension("backport-timeout", **{NUMBER: 600})]),
        "channel.extension",
    ),
    ("an unknown extension", channel(extension=[extension("other")]), "channel.extension"),
    ("a filter of another type", subscription(HOOK, "Patient?name=x"), "criteria.extension"),
    ("a filter not offered", subscription(HOOK, "Task?focus=x"), "criteria.extension"),
    ("a modifier", subscription(HOOK, "Task?status:not=requested"), "criteria.extension"),
    ("a chain", subscription(HOOK, "Task?patient.name=x"), "criteria.extension"),
    ("no filter in it", subscription(HOOK, "Task?"), "criteria.extension"),
    ("no reason", subscription(HOOK, reason=None), "reason"),
    ("a day as end", subscription(HOOK, end="2027-01-01"), "end"),
    ("an end that is over", subscription(HOOK, end="2020-01-01T00:00:00Z"), "end"),
    ("an end of no year", subscription(HOOK, end="9999-12-31T23:59:59-14:00"), "end"),
    ("begun as active", subscription(HOOK, status="active"), "status"),
    ("an unknown element", subscription(HOOK, error="x"), ""),
]


def created(web: Web, resource: Json) -> Any:  # noqa: ANN401 - a response
    return web.send("POST", "/fhir/Subscription", json=resource)


@pytest.mark.parametrize("sent", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_not_offered_is_refused_and_its_element_named(
    lite: World, sent: tuple[Json, str]
) -> None:
    resource, place = sent

    answer = created(lite.web(), resource)
    assert answer.status_code == 422
    named = [issue["expression"][0] for issue in answer.json()["issue"]]
    assert f"Subscription.{place}".rstrip(".") in named
    assert created(lite.web(), subscription(HOOK)).status_code == 201


def test_a_subscription_is_kept_as_it_was_sent(world: World) -> None:
    sent = subscription(
        HOOK,
        "Task?status=requested,accepted",
        end="2027-01-01T00:00:00Z",
        contact=[{"system": "email", "value": "desk@ehr.example.org"}],
        channel={
            "header": ["Authorization: Bearer of-ours"],
            "extension": [extension("backport-heartbeat-period", **{NUMBER: 3600})],
        },
    )
    web = world.web()

    answer = created(web, sent)
    kept = web.get(f"/fhir/Subscription/{answer.json()['id']}")
    assert answer.headers["location"].endswith(f"/Subscription/{answer.json()['id']}/_history/1")
    assert kept.json() == answer.json()
    assert kept.headers["etag"] == answer.headers["etag"] == 'W/"1"'
    assert sent.items() <= kept.json().items()
    assert kept.json()["meta"]["profile"] == [f"{BACKPORT}backport-subscription"]
    Subscription.model_validate_json(json.dumps(kept.json()))


def test_a_subscription_of_another_client_is_like_none(world: World) -> None:
    one = subscribed(world, subscription(HOOK))
    other, place = world.web("cove-ehr"), f"/fhir/Subscription/{one.id}"
    nobody = place[:-4] + "0000"

    for method in ("GET", "PUT", "DELETE"):
        how: Json = {"headers": {"If-Match": 'W/"1"'}}
        if method == "PUT":
            how["json"] = subscription(HOOK, id=one.id)
            absent = {**how, "json": subscription(HOOK, id=nobody.rpartition("/")[2])}
        answers = [
            other.send(method, place, **how),
            other.send(method, nobody, **(absent if method == "PUT" else how)),
        ]
        assert [a.status_code for a in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    for tail in ("/$status", "/$events"):
        assert other.get(place + tail).content == other.get(nobody + tail).content
    assert other.get("/fhir/Subscription").json()["total"] == 0
    assert other.get("/fhir/Subscription/$status").json()["total"] == 0
    assert one.resource()["status"] == "requested"


def test_subscriptions_are_found_by_id_status_and_url(lite: World) -> None:
    first = subscribed(lite, subscription(HOOK))
    second = subscribed(lite, subscription(f"{HOOK}2"))
    first.put(subscription(HOOK, status="off"))

    def found(query: str) -> list[str]:
        bundle = first.web.get(f"/fhir/Subscription{query}").json()
        return sorted(entry["resource"]["id"] for entry in bundle.get("entry", []))

    both = sorted([first.id, second.id])
    assert found("") == both
    assert found("?status=off") == [first.id]
    assert found("?status=requested,off") == both
    assert found(f"?url={HOOK}2") == [second.id]
    assert found(f"?_id={first.id},{second.id}&status=requested") == [second.id]
    assert found("?url=https://elsewhere.example") == []
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = first.web.send(
        "POST", "/fhir/Subscription/_search", content="status=off", headers=form
    )
    assert posted.json()["total"] == 1
    assert first.web.get("/fhir/Subscription?criteria=x").status_code == 400


def test_a_change_needs_the_current_version(lite: World) -> None:
    one = subscribed(lite, subscription(HOOK))
    off = subscription(HOOK, status="off")
    place = f"/fhir/Subscription/{one.id}"

    assert one.web.send("PUT", place, json=off).status_code == 428
    assert one.put(off, **{"If-Match": 'W/"7"'}).status_code == 412
    answer = one.put(off)
    assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"2"')
    assert one.resource()["status"] == "off"
    moved = one.put(subscription(HOOK, topic=f"{TOPIC}Servicerequest"))
    assert moved.status_code == 422


def test_a_deleted_subscription_is_gone_with_its_events(world: World) -> None:
    one = subscribed(world, subscription(HOOK))

    assert one.web.send("DELETE", f"/fhir/Subscription/{one.id}").status_code == 204
    assert one.web.get(f"/fhir/Subscription/{one.id}").status_code == 404
    assert world.counts()["subscription"] == 0


@pytest.mark.parametrize(
    ("scope", "asked"),
    [
        ("system/Task.rs system/Subscription.rsud", "create"),
        ("system/Subscription.cruds", "of a type it may not read"),
        ("system/Task.rs system/Subscription.c", "read"),
        ("system/Task.rs system/Subscription.cr", "search"),
        ("system/Task.rs system/Subscription.crs", "delete"),
    ],
)
def test_each_interaction_needs_its_scope(lite: World, scope: str, asked: str) -> None:
    one = subscribed(lite, subscription(HOOK))
    web, place = lite.web(scope=scope), f"/fhir/Subscription/{one.id}"
    calls: dict[str, Callable[[], Any]] = {
        "read": lambda: web.get(place),
        "search": lambda: web.get("/fhir/Subscription"),
        "delete": lambda: web.send("DELETE", place),
    }
    call = calls.get(asked, lambda: created(web, subscription(HOOK)))

    assert call().status_code == 403


def test_a_client_has_a_bounded_number_of_subscriptions(lite: World) -> None:
    web = lite.web()
    answers = [created(web, subscription(f"{HOOK}{n}")).status_code for n in range(51)]

    assert answers == [201] * 50 + [422]


def test_the_capabilities_name_topics_and_operations(lite: World) -> None:
    statement = lite.anonymous.get("/fhir/metadata").json()
    (said,) = (r for r in statement["rest"][0]["resource"] if r["type"] == "Subscription")

    topics = {each["valueCanonical"] for each in said["extension"]}
    assert topics == {f"{TOPIC}Task", f"{TOPIC}Servicerequest"}
    assert {each["name"] for each in said["operation"]} == {"status", "events"}
    assert {each["code"] for each in said["interaction"]} == {
        *("create", "read", "update", "delete", "search-type"),
    }
    server = "subscriptions-backport/CapabilityStatement/backport-subscription-server-r4"
    assert any(each.endswith(server) for each in statement["instantiates"])


def test_a_batch_holds_no_subscription(lite: World) -> None:
    entry = {"request": {"method": "POST", "url": "Subscription"}, "resource": subscription(HOOK)}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}

    answer = lite.web().send("POST", "/fhir", json=batch).json()
    assert answer["entry"][0]["response"]["status"].startswith("404")


def test_statuses_are_told_of_some_or_all(lite: World) -> None:
    first, second = (subscribed(lite, subscription(f"{HOOK}{n}")) for n in "ab")
    first.put(subscription(f"{HOOK}a", status="off"))

    def asked(query: str) -> list[str]:
        bundle = first.web.get(f"/fhir/Subscription/$status{query}").json()
        assert bundle["type"] == "searchset"
        return sorted(e["fullUrl"].split("/")[-2] for e in bundle.get("entry", []))

    both = sorted([first.id, second.id])
    assert asked("") == both
    assert asked(f"?id={second.id}") == [second.id]
    assert asked(f"?id={second.id}&id={first.id}") == both
    assert asked("?status=off") == [first.id]
    assert asked("?status=off,requested&id=nobody") == []
    by_post = {"resourceType": "Parameters", "parameter": [{"name": "id", "valueId": first.id}]}
    posted = first.web.send("POST", "/fhir/Subscription/$status", json=by_post)
    assert posted.json()["total"] == 1
    assert first.web.get("/fhir/Subscription/$status?x=1").status_code == 400


def test_the_status_of_one_leaves_parameters_aside(lite: World) -> None:
    one = subscribed(lite, subscription(HOOK))

    answer = one.web.get(f"/fhir/Subscription/{one.id}/$status?id=another&status=off")
    assert answer.json()["total"] == 1
    posted = one.web.send("POST", f"/fhir/Subscription/{one.id}/$status", json={})
    assert posted.json()["total"] == 1
