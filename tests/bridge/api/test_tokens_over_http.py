"""Tokens from the outside: keys fetched over HTTP, introspection, revocation, discovery."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from bridge.identity import Registration, disable_client, register_client
from bridge.identity.signing import SigningKey
from bridge.store.database.engine import write
from tests.support.documents_server import Documents, answer, serving
from tests.support.worlds import ASSERTION_TYPE, BASE, TOKEN_URL, World, client_key, standings

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OTHER = SigningKey.generate()


@pytest.fixture
def server() -> Iterator[Documents]:
    with serving() as made:
        yield made


def published(server: Documents, *keys: SigningKey, control: str = "max-age=60") -> None:
    jwks = {"keys": [key.public_jwks()["keys"][0] for key in keys]}
    server.said = answer(json.dumps(jwks).encode(), f"Cache-Control: {control}")


def remote(world: World, server: Documents) -> None:
    """Register a client whose keys are on a server of its own."""
    registration = Registration("remote", standings()["harbor-ehr"], jwks_url=server.url)
    with write(world.bridge.engine) as connection:
        register_client(connection, registration, world.clock)


def status(world: World, key: SigningKey) -> int:
    assertion = key.assertion("remote", TOKEN_URL, world.clock.now())
    return world.ask_token(assertion).status_code


def post(world: World, path: str, bearer: str = "", **form: str) -> httpx.Response:
    headers = FORM | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    return world.anonymous.send("POST", path, content=urlencode(form), headers=headers)


def signed(world: World, client_id: str = "harbor-ehr") -> dict[str, str]:
    assertion = client_key().assertion(client_id, TOKEN_URL, world.clock.now())
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def test_keys_are_fetched_once_and_kept_as_long_as_their_header_says(
    world: World, server: Documents
) -> None:
    remote(world, server)
    published(server, client_key())
    assert [status(world, client_key()) for _ in range(3)] == [200, 200, 200]
    assert len(server.asked) == 1


def test_keys_that_may_not_be_kept_are_fetched_each_time(lite: World, server: Documents) -> None:
    remote(lite, server)
    published(server, client_key(), control="no-store")
    assert [status(lite, client_key()) for _ in range(3)] == [200, 200, 200]
    assert len(server.asked) == 3


def test_a_rotated_key_is_taken_at_its_first_use_and_the_old_one_is_out(
    world: World, server: Documents
) -> None:
    remote(world, server)
    published(server, client_key())
    assert status(world, client_key()) == 200
    published(server, client_key(), OTHER)
    assert [status(world, OTHER), status(world, client_key())] == [200, 200]
    published(server, OTHER)
    assert len(server.asked) == 2
    stranger = SigningKey.generate()
    assert [status(world, stranger) for _ in range(5)] == [401] * 5
    assert len(server.asked) == 2  # one such fetch in thirty seconds


@pytest.mark.parametrize(
    "said",
    [
        answer(b"{}", status="500 Oh"),
        answer(b"[]"),
        answer(b"{"),
        answer(b"[" * 60_000),
        answer(b'{"keys": []}'),
        answer(b'{"keys": [{"kty": "oct", "k": "AAAA", "kid": "x"}]}'),
        answer(b"x" * 70_000),
        b"",
    ],
)
def test_a_key_set_that_cannot_be_had_proves_nobody(
    lite: World, server: Documents, said: bytes
) -> None:
    remote(lite, server)
    server.said = said
    assert [status(lite, client_key()) for _ in range(3)] == [401] * 3
    assert len(server.asked) == 1  # and is not asked for again at once


def test_a_stranger_makes_us_fetch_nothing(lite: World, server: Documents) -> None:
    remote(lite, server)
    key = client_key()
    for name in ("nobody", "harbor-ehr"):
        lite.ask_token(key.assertion(name, TOKEN_URL, lite.clock.now()))
    for path in ("/auth/token", "/auth/introspect", "/auth/revoke"):
        assert post(lite, path, client_assertion="x.y.z").status_code == 400
    assert server.asked == []


@pytest.mark.parametrize("by", ["bearer", "assertion"])
def test_a_client_looks_into_its_token_and_ends_it(world: World, by: str) -> None:
    token, second = world.web().token, world.web().token

    def ask(path: str, about: str) -> httpx.Response:
        proof: dict[str, Any] = {"bearer": second} if by == "bearer" else signed(world)
        return post(world, path, token=about, **proof)

    found = ask("/auth/introspect", token)
    assert (found.status_code, found.json()["active"]) == (200, True)
    assert found.json()["client_id"] == "harbor-ehr"
    assert found.headers["cache-control"] == "no-store"
    assert ask("/auth/revoke", token).status_code == 200
    assert ask("/auth/introspect", token).json() == {"active": False}
    assert type(world.web())(world.app, token).get("/fhir/Task").status_code == 401
    assert type(world.web())(world.app, second).get("/fhir/Task").status_code == 200


def test_a_client_reaches_no_token_of_another(world: World) -> None:
    theirs, ours = world.web("cove-ehr"), world.web()
    answers = [
        post(world, "/auth/introspect", ours.token, token=token).content
        for token in (theirs.token, "nonsense")
    ]
    assert answers == [b'{"active":false}'] * 2
    answers = [
        post(world, "/auth/revoke", ours.token, token=token).content
        for token in (theirs.token, "nonsense")
    ]
    assert answers == [b"{}"] * 2
    assert theirs.get("/fhir/Task").status_code == 200


@pytest.mark.parametrize("path", ["/auth/introspect", "/auth/revoke"])
def test_who_proves_nothing_is_told_nothing(lite: World, path: str) -> None:
    token = lite.web().token
    used = signed(lite)
    assert post(lite, path, token=token, **used).status_code == 200
    token = lite.web().token
    refused = [
        post(lite, path, token=token),
        post(lite, path, bearer="x", token=token),
        post(lite, path, bearer=token, token=token, **signed(lite)),
        post(lite, path, token=token, **used),
        post(lite, path, token=token, **(signed(lite) | {"client_assertion_type": "x"})),
        post(lite, path, bearer=token),
    ]
    assert [one.status_code for one in refused] == [400, 401, 401, 401, 400, 400]
    assert {one.json()["error"] for one in refused} == {"invalid_request", "invalid_client"}
    with write(lite.bridge.engine) as connection:
        disable_client(connection, "harbor-ehr")
    assert post(lite, path, bearer=token, token=token).status_code == 401
    assert post(lite, path, token=token, **signed(lite)).status_code == 401


def test_smart_fetch_asks_for_twenty_types_in_the_older_spelling_and_gets_what_is_here(
    lite: World,
) -> None:
    asked = "AllergyIntolerance Condition Device DiagnosticReport DocumentReference Encounter"
    asked += " Immunization Location Medication MedicationRequest Observation Organization Patient"
    asked += " Practitioner PractitionerRole Procedure ServiceRequest Specimen Claim Coverage"
    scope = " ".join(f"system/{kind}.read" for kind in asked.split())
    assertion = client_key().assertion("harbor-ehr", TOKEN_URL, lite.clock.now())
    granted = lite.ask_token(assertion, scope)
    assert granted.status_code == 200
    kinds = {
        word.removesuffix(".rs").removeprefix("system/") for word in granted.json()["scope"].split()
    }
    assert {"Encounter", "Location", "Organization", "Patient", "ServiceRequest"} <= kinds
    assert not {"Claim", "Coverage", "Immunization"} & kinds


def test_the_documents_of_discovery_name_the_same_places(lite: World) -> None:
    smart = lite.anonymous.get("/fhir/.well-known/smart-configuration").json()
    security = lite.anonymous.get("/fhir/metadata").json()["rest"][0]["security"]
    (oauth,) = security["extension"]
    uris = {one["url"]: one["valueUri"] for one in oauth["extension"]}
    assert uris == {
        "token": smart["token_endpoint"],
        "introspect": smart["introspection_endpoint"],
        "revoke": smart["revocation_endpoint"],
    }
    assert uris["token"] == f"{BASE}/auth/token"
