"""The bridge publishes the key it signs its requests with."""

import threading
from dataclasses import replace
from pathlib import Path

from jose import jwk

from bridge.app import create_app
from bridge.identity.signing import SigningKey
from tests.support.worlds import Json, Web, World


def published(world: World, file: Path) -> tuple[SigningKey, Json]:
    key = SigningKey.load_or_generate(file)
    web = Web(create_app(replace(world.bridge, signing=key)))
    place = web.get("/fhir/.well-known/smart-configuration").json()["jwks_uri"]
    answer = web.get(place)
    assert answer.headers["content-type"] == "application/jwk-set+json"
    found: Json = answer.json()
    return key, found


def test_a_receiver_checks_our_signature_with_the_published_key(
    lite: World, tmp_path: Path
) -> None:
    key, found = published(lite, tmp_path / "key.json")
    (public,) = found["keys"]
    assert public["kid"] == key.kid
    assert not {"d", "p", "q"} & public.keys()
    checked = jwk.construct(public)
    assert checked.verify(b"as sent", key.sign_bytes(b"as sent"))
    assert not checked.verify(b"changed", key.sign_bytes(b"as sent"))


def test_a_key_stays_over_a_restart_and_is_its_owners_alone(lite: World, tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    assert published(lite, file)[1] == published(lite, file)[1]
    assert file.stat().st_mode & 0o077 == 0


def test_processes_that_begin_at_once_have_one_key(tmp_path: Path) -> None:
    found: list[str] = []

    def begin() -> None:
        found.append(SigningKey.load_or_generate(tmp_path / "key.json").kid)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_bridge_without_a_key_publishes_none(lite: World) -> None:
    assert lite.anonymous.get("/.well-known/jwks.json").json() == {"keys": []}
