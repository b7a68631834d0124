"""The bridge as a client: a key of its own, kept, and assertions other servers take."""

import json
from pathlib import Path

import pytest

from bridge.identity.jose_guard import Expected, verify_assertion
from bridge.identity.jwks import read_keys
from bridge.identity.signing import ALGORITHMS, SigningKey
from tests.support import second_opinion
from tests.support.assertions import NOW, TOKEN_URL, at

ME = "a-hub"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_a_key_signs_is_taken_by_two_libraries(algorithm: str) -> None:
    key = SigningKey.generate(algorithm)
    signed, jwks = key.assertion(ME, TOKEN_URL, at(NOW)), key.public_jwks()

    ours = verify_assertion(signed, read_keys(jwks), Expected(ME, TOKEN_URL, at(NOW)))
    expected = {"client_id": ME, "token_url": TOKEN_URL}
    assert second_opinion.verify(signed, jwks, expected, NOW, "") == ours.jti
    assert [each["alg"] for each in jwks["keys"]] == [algorithm]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_private_key_is_told_to_nobody(algorithm: str) -> None:
    key = SigningKey.generate(algorithm)

    assert not {"d", "p", "q", "dp", "dq", "qi"} & key.public_jwks()["keys"][0].keys()
    assert repr(key) == f"SigningKey({key.kid})"


def test_a_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    made = SigningKey.load_or_generate(tmp_path / "key.json")

    assert (tmp_path / "key.json").stat().st_mode & 0o777 == 0o600
    assert SigningKey.load_or_generate(tmp_path / "key.json") == made


def test_a_key_kept_before_keys_named_their_algorithm_is_still_read(tmp_path: Path) -> None:
    made = SigningKey.generate()
    kept = {"kid": made.kid, "pem": made.pem.decode()}
    (tmp_path / "key.json").write_text(json.dumps(kept), encoding="utf-8")

    assert SigningKey.load_or_generate(tmp_path / "key.json") == made
