"""Who may ask at all: bad bearers, bad assertions, and answers that tell nothing."""

import base64
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bridge.identity import disable_client, enable_client
from bridge.store.database.engine import write
from tests.support.assertions import b64, hs, unsigned
from tests.support.worlds import (
    TOKEN_URL,
    Web,
    World,
    client_key,
    encounter,
    moved,
    post_session,
    referral,
)

UNKNOWN = "00000000-0000-8000-8000-000000000000"


def claims(world: World, **changes: object) -> dict[str, object]:
    now = int(world.clock.real_now().timestamp())
    good = {"iss": "harbor-ehr", "sub": "harbor-ehr", "aud": TOKEN_URL}
    return {**good, "exp": now + 240, "iat": now, "jti": "j-1", **changes}


def jwt(header: dict[str, object], said: dict[str, object], sign) -> str:  # noqa: ANN001 - a function of the test's own
    signing = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(said).encode())}"
    return f"{signing}.{b64(sign(signing.encode()))}"


def public_keys() -> dict[str, bytes]:
    """The client's public key in every spelling a library may take for a secret."""
    private = serialization.load_pem_private_key(client_key().pem, None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    public, spelled = private.public_key(), serialization.PublicFormat
    info = spelled.SubjectPublicKeyInfo
    return {
        "pem": public.public_bytes(serialization.Encoding.PEM, info),
        "der": public.public_bytes(serialization.Encoding.DER, info),
        "ssh": public.public_bytes(serialization.Encoding.OpenSSH, spelled.OpenSSH),
        "point": public.public_bytes(serialization.Encoding.X962, spelled.UncompressedPoint),
        "jwk": json.dumps(client_key().public_jwks()["keys"][0]).encode(),
    }


def forgeries(world: World) -> dict[str, str]:
    """Forged assertions: unsigned, and signed with what everybody knows."""
    kid = {"typ": "JWT", "kid": client_key().kid}
    made = {
        name: jwt({**kid, "alg": name}, claims(world, jti=name), unsigned)
        for name in ("none", "None", "NONE", "nOnE")
    }
    for name, key in public_keys().items():
        for size in ("256", "384", "512"):
            header = {**kid, "alg": f"HS{size}"}
            said = claims(world, jti=f"{name}{size}")
            made[f"HS{size} {name}"] = jwt(header, said, hs(key, f"sha{size}"))
    return made


def bearers(world: World) -> dict[str, str | None]:
    """Authorization headers nobody may come in with."""
    good = world.web().token
    basic = base64.b64encode(b"harbor-ehr:secret").decode()
    bad: dict[str, str | None] = {
        "none": None,
        "empty": "",
        "no token": "Bearer",
        "blank": "Bearer  ",
        "basic": f"Basic {basic}",
        "unknown": "Bearer " + "A" * 43,
        "cut": f"Bearer {good[:-1]}",
        "longer": f"Bearer {good}A",
        "case": f"Bearer {good.swapcase()}",
        "long": "Bearer " + "A" * 5000,
        "two": f"Bearer {good} {good}",
        "quote": f"Bearer {good[:-1]}'",
    }
    return bad | {name: f"Bearer {token}" for name, token in forgeries(world).items()}


def test_nobody_comes_in_without_a_good_token_whatever_is_there(world: World) -> None:
    world.refer([referral(0)])
    task_id = world.id_of("Task", "R-0")
    paths = (f"/fhir/Task/{task_id}", f"/fhir/Task/{UNKNOWN}", "/fhir/Task", "/school/follow-up")
    bad = bearers(world)
    before, answers = world.counts(), set()
    for header in bad.values():
        for path in paths:
            headers = {} if header is None else {"Authorization": header}
            answer = world.anonymous.get(path, headers=headers)
            answers.add((answer.status_code, answer.content, answer.headers["www-authenticate"]))
    assert len(bad) > 25
    assert len(answers) == 1, answers
    assert next(iter(answers))[0] == 401
    assert world.counts() == before


def test_no_forged_assertion_gets_a_token(world: World) -> None:
    key = client_key()
    bad = forgeries(world) | {
        "malformed": "not-a-token",
        "empty": "",
        "two dots": "..",
        "another's key": type(key).generate().assertion("harbor-ehr", TOKEN_URL, world.clock.now()),
        "unknown client": key.assertion("nobody", TOKEN_URL, world.clock.now()),
        "no character": key.assertion("harbor\x00ehr", TOKEN_URL, world.clock.now()),
        "other audience": key.assertion("harbor-ehr", "https://x.example", world.clock.now()),
        "expired": key.assertion("harbor-ehr", TOKEN_URL, world.clock.now() - timedelta(hours=1)),
        "too early": key.assertion("harbor-ehr", TOKEN_URL, world.clock.now() + timedelta(hours=1)),
    }
    before, bodies = world.counts(), set()
    for name, assertion in bad.items():
        answer = world.ask_token(assertion)
        assert answer.status_code in (400, 401), (name, answer.text)
        assert answer.json()["error"] == "invalid_client", (name, answer.text)
        bodies.add(answer.content)
    assert len(bodies) == 1  # the same words for a client that is there and one that is not
    assert world.counts() == before


def test_a_token_works_until_it_expires(world: World) -> None:
    web = world.web()
    world.clock.advance(timedelta(seconds=299))
    assert web.get("/fhir/Task").status_code == 200
    world.clock.advance(timedelta(seconds=1))
    expired = web.get("/fhir/Task")
    assert expired.status_code == 401
    assert expired.content == world.anonymous.get("/fhir/Task").content


def test_a_disabled_client_is_out_at_once_and_its_old_token_stays_dead(world: World) -> None:
    web = world.web()
    with write(world.bridge.engine) as connection:
        disable_client(connection, "harbor-ehr")
    assert web.get("/fhir/Task").status_code == 401
    signed = client_key().assertion("harbor-ehr", TOKEN_URL, world.clock.now())
    refused = world.ask_token(signed)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    with write(world.bridge.engine) as connection:
        enable_client(connection, "harbor-ehr")
    assert web.get("/fhir/Task").status_code == 401
    assert world.web().get("/fhir/Task").status_code == 200


def test_an_assertion_is_taken_once(world: World) -> None:
    signed = client_key().assertion("harbor-ehr", TOKEN_URL, world.clock.now())
    assert world.ask_token(signed).status_code == 200
    again = world.ask_token(signed)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")


def asked_without_scope(web: Web, task: dict, ids: tuple[str, str]) -> list[tuple[int, bytes]]:
    task_id, request_id = ids
    body = {**moved(task, "accepted"), "id": task_id}
    based_on = [{"reference": f"ServiceRequest/{request_id}"}]
    return [
        (a.status_code, a.content)
        for a in (
            web.get(f"/fhir/ServiceRequest/{request_id}"),
            web.get(f"/fhir/ServiceRequest?_id={request_id}&colour=red"),
            web.send("PUT", f"/fhir/Task/{task_id}", json=body, headers={"If-Match": "W/x"}),
            post_session(web, encounter(task, "s-1", basedOn=based_on)),
        )
    ]


def test_what_the_scope_does_not_cover_is_refused_whether_it_is_there_or_not(world: World) -> None:
    world.refer([referral(0)])
    task = world.web().found("/fhir/Task")[0]
    narrow = world.web(scope="system/Patient.rs")
    there = (task["id"], world.id_of("ServiceRequest", "R-0"))
    found = asked_without_scope(narrow, task, there)
    absent = asked_without_scope(narrow, task, (UNKNOWN, UNKNOWN))
    assert found == absent
    assert {status for status, _ in found} == {403}
    assert len({body for _, body in found}) == 1


@pytest.mark.parametrize("scope", ["", "openid", "system/*.q", "patient/*.rs", "system/Claim.rs"])
def test_a_scope_that_cannot_be_granted_gives_no_token(lite: World, scope: str) -> None:
    signed = client_key().assertion("state-hub", TOKEN_URL, lite.clock.now())
    answer = lite.ask_token(signed, scope)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_a_broken_path_answers_like_nothing_there_and_echoes_nothing(lite: World) -> None:
    web = lite.web()
    absent = web.get(f"/fhir/Task/{UNKNOWN}")
    for path in ("/fhir/Task/a%20b", "/fhir/task", "/fhir/Task/" + "x" * 65, "/fhir/Claim/1"):
        answer = web.get(path)
        assert (answer.status_code, answer.content) == (404, absent.content), path
