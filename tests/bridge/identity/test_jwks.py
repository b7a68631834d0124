import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from bridge.identity.errors import KeysRefused
from bridge.identity.jwks import read_keys
from tests.support.assertions import ec_jwk, number, ring, rsa_jwk

DATA = Path(__file__).parent / "data"
EC = ec_jwk(ring().ec, "ec-1")
RSA = rsa_jwk(ring().rsa, "rsa-1")
# Built from numbers: weak keys need not be generated, only described.
WEAK = RSA | {"n": number((1 << 1023) + 1)}
PRIVATE = ring().ec.private_numbers().private_value


@pytest.mark.parametrize("name", ["RS384", "ES384"])
def test_the_key_sets_of_the_guide_are_taken(name: str) -> None:
    jwks = json.loads((DATA / f"{name}.public.json").read_text(encoding="utf-8"))
    assert [key.algorithm for key in read_keys(jwks)] == [name]


def test_only_the_public_members_are_kept() -> None:
    (key,) = read_keys({"keys": [EC | {"x5c": ["MIIB"], "note": "ours"}]})
    assert key.jwk() == EC | {"alg": "ES384"}


def test_encryption_keys_in_the_set_are_left_aside() -> None:
    found = read_keys({"keys": [EC, RSA | {"use": "enc"}]})
    assert [key.kid for key in found] == ["ec-1"]


def test_exactly_2048_bits_are_enough() -> None:
    assert ring().rsa.key_size == 2048
    assert read_keys({"keys": [RSA]})


def test_a_real_key_of_1024_bits_is_refused() -> None:
    small = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused
    with pytest.raises(KeysRefused, match="2048"):
        read_keys({"keys": [rsa_jwk(small, "small")]})


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        (None, "keys"),
        ([], "keys"),
        ({}, "keys"),
        ([EC] * 21, "keys"),
        (["key"], "object"),
        ([{}], "kid"),
        ([EC | {"kid": ""}], "kid"),
        ([EC | {"kid": 7}], "kid"),
        ([EC | {"kid": "x" * 201}], "kid"),
        ([EC, RSA | {"kid": "ec-1"}], "same kid"),
        ([RSA | {"use": "enc"}], "no signing key"),
        ([EC | {"d": number(PRIVATE)}], "private"),
        ([EC | {"use": "enc", "d": number(PRIVATE)}], "private"),
        ([{"kty": "oct", "kid": "o", "k": "c2VjcmV0"}], "private or symmetric"),
        ([{"kty": "OKP", "kid": "o", "crv": "Ed25519", "x": "AA"}], "RSA or EC"),
        ([EC | {"kty": ["EC"]}], "RSA or EC"),
        ([EC | {"alg": "ES256"}], "ES384"),
        ([RSA | {"alg": "RS256"}], "RS384"),
        ([RSA | {"alg": "HS256"}], "RS384"),
        ([EC | {"use": "tls"}], "use"),
        ([EC | {"key_ops": ["encrypt"]}], "key_ops"),
        ([EC | {"key_ops": "verify"}], "key_ops"),
        ([ec_jwk(ring().p256, "p", "P-256")], "P-384"),
        ([ec_jwk(ring().p256, "p", "P-384")], "48 bytes"),
        ([EC | {"crv": "secp256k1"}], "P-384"),
        ([EC | {"y": EC["x"]}], "not on the curve"),
        ([EC | {"x": None}], "base64url"),
        ([EC | {"x": EC["x"] + "="}], "base64url"),
        ([EC | {"x": EC["x"][:-1] + "*"}], "base64url"),
        ([WEAK], "2048"),
        ([RSA | {"n": number((1 << 2046) + 1)}], "2048"),
        ([RSA | {"n": number((1 << 9000) + 1)}], "8192"),
        ([RSA | {"e": number(1)}], "exponent"),
        ([RSA | {"e": number(3)}], "exponent"),
        ([RSA | {"e": number(65538)}], "not an RSA key"),
        ([RSA | {"n": None}], "base64url"),
    ],
)
def test_a_set_that_cannot_be_trusted_is_refused_with_a_word_on_why(keys: Any, word: str) -> None:  # noqa: ANN401 - wrong in every way
    with pytest.raises(KeysRefused, match=word):
        read_keys({"keys": keys})
