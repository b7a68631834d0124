"""New sessions are kept many requests at once, and answered as the routes answer each alone."""

import re
import secrets
from collections.abc import Sequence

import orjson
from sqlalchemy import event

from bridge.api.hot_writes import Recording, Sending
from tests.bridge.api.test_hot_lane import told
from tests.bridge.api.test_writes import NOBODY, bundle, entry
from tests.support.worlds import Json, World, encounter, referral
from tests.support.worlds import Web as WebClient

# What the routes alone answer: they take the preference that is the default.
BY_ROUTES = {"Prefer": "return=representation"}
JSON = {"Content-Type": "application/fhir+json"}
_OWN = re.compile(
    rb'[0-9a-f]{8}-[0-9a-f-]{27}|"(versionId|value|lastUpdated)":"[^"]*"|s-\w+|W/[^,}]*|_history/[^"]*'
)


def posted(web: WebClient, path: str, body: object, **headers: str) -> tuple[object, bytes, object]:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    status, answer, multi = told(
        web.send("POST", path, content=content, headers={**JSON, **headers})
    )
    return status, _OWN.sub(b"", answer), [name for name, _ in multi]


def sessions(task: Json) -> dict[str, tuple[str, object, dict[str, str]]]:
    """What is sent, by what there is about it; each time with an identifier of its own."""
    sent = encounter(task, f"s-{secrets.token_hex(4)}")
    (number,) = sent["identifier"]
    repeat = {"If-None-Exist": f"identifier={number['system']}|{number['value']}"}
    without = {name: value for name, value in sent.items() if name != "identifier"}
    elsewhere = {**sent, "basedOn": [{"reference": f"ServiceRequest/{NOBODY}"}]}
    post = entry("POST", "Encounter", sent)
    twice = bundle("transaction", post, entry("POST", "Encounter", {**sent, "status": "planned"}))
    return {
        "a session": ("/fhir/Encounter", sent, {}),
        "one that may be a repeat": ("/fhir/Encounter", sent, repeat),
        "a transaction": ("/fhir", bundle("transaction", post), {}),
        "one identifier twice": ("/fhir", twice, {}),
        "a batch": ("/fhir", bundle("batch", post), {}),
        "a transaction that reads too": (
            "/fhir", bundle("transaction", post, entry("GET", f"Task/{task['id']}")), {},
        ),
        "a transaction of nothing": ("/fhir", bundle("transaction"), {}),
        "no identifier": ("/fhir/Encounter", without, {}),
        "a referral that is not there": ("/fhir/Encounter", elsewhere, {}),
        "another type": ("/fhir/Appointment", sent, {}),
        "a type without creates": ("/fhir/Patient", sent, {}),
        "no JSON": ("/fhir/Encounter", b"{", {}),
        "no object": ("/fhir", b"[]", {}),
        "another media type": ("/fhir/Encounter", sent, {"Content-Type": "text/plain"}),
        "a character set": (
            "/fhir/Encounter", sent, {"Content-Type": "application/fhir+json; charset=utf-8"},
        ),
        "parameters": ("/fhir/Encounter?status=finished", sent, {}),
        "no token": ("/fhir/Encounter", sent, {"Authorization": ""}),
        "a token nobody has": ("/fhir/Encounter", sent, {"Authorization": "Bearer nobody"}),
        "too much": ("/fhir", b'{"a":"' + b"a" * 1_000_001 + b'"}', {}),
        "another condition": ("/fhir/Encounter", sent, {"If-None-Exist": "status=finished"}),
    }  # fmt: skip


def test_what_creates_sessions_is_answered_as_the_routes_answer_it(lite: World) -> None:
    lite.refer([referral(1)])
    web = lite.web()
    (task,) = web.found("/fhir/Task")
    for about in sessions(task):
        path, body, headers = sessions(task)[about]
        mine = posted(web, path, body, **headers)
        path, body, headers = sessions(task)[about]
        assert mine == posted(web, path, body, **headers, **BY_ROUTES), about
    unread = lite.web(scope="system/ServiceRequest.rs")
    _, body, _ = sessions(task)["a session"]
    refused = posted(unread, "/fhir/Encounter", body)
    assert refused[0] == 403
    assert refused == posted(unread, "/fhir/Encounter", body, **BY_ROUTES)


def kept_together(world: World, bearers: Sequence[str], bodies: Sequence[Json]) -> list[Sending]:
    """Send what stands in line at one moment; returns what became of each."""
    kinds = ["" if body["resourceType"] == "Bundle" else "Encounter" for body in bodies]
    sending = [
        Sending(bearer, kind, {}, orjson.dumps(body), None)
        for bearer, kind, body in zip(bearers, kinds, bodies, strict=True)
    ]
    Recording(world.bridge, lambda _: None)._answer(sending)
    return sending


def test_one_that_is_refused_takes_no_other_with_it(world: World) -> None:
    world.refer([referral(1), referral(2)])
    web = world.web()
    one, two = web.found("/fhir/Task")
    elsewhere = {**encounter(one, "s3"), "basedOn": [{"reference": f"ServiceRequest/{NOBODY}"}]}
    posts = [entry("POST", "Encounter", encounter(two, f"t{n}")) for n in range(3)]
    bodies = [
        *(encounter(one, "s1"), encounter(two, "s2"), elsewhere),
        bundle("transaction", *posts),
        bundle("transaction", entry("POST", "Encounter", encounter(one, "u1")), posts[0]),
    ]
    sending = kept_together(world, ["nobody", *[web.token] * 4], bodies)
    assert [each.error for each in sending] == [None] * 5
    # Nobody's, one of no referral here, and one that says again what another says in this batch.
    assert [bool(each.reply) for each in sending] == [False, True, False, True, False]
    found = web.found("/fhir/Encounter")
    assert {each["identifier"][0]["value"] for each in found} == {"s2", "t0", "t1", "t2"}


def test_requests_that_wait_are_kept_in_one_transaction(world: World) -> None:
    world.refer([referral(1), referral(2)])
    web = world.web()
    one, two = web.found("/fhir/Task")
    bodies = [encounter((one, two)[n % 2], f"s{n}") for n in range(8)]
    sending = kept_together(world, [web.token] * 8, bodies)
    assert all(each.reply and each.reply.status == 201 for each in sending)
    with world.bridge.engine.connect() as connection:
        dated = connection.exec_driver_sql(
            "SELECT count(DISTINCT last_updated), count(*) FROM record WHERE type = 'Encounter'"
        ).one()
    assert tuple(dated) == (1, 8)


def test_nothing_is_answered_where_the_commit_fails(lite: World) -> None:
    lite.refer([referral(1)])
    web = lite.web()
    (task,) = web.found("/fhir/Task")

    def broken(*_: object) -> None:
        raise RuntimeError("commit")

    event.listen(lite.bridge.engine, "commit", broken)
    (sent,) = kept_together(lite, [web.token], [encounter(task, "s1")])
    event.remove(lite.bridge.engine, "commit", broken)
    assert sent.reply is None
    assert sent.error is not None
    assert web.found("/fhir/Encounter") == []
