"""What a district's sign-in says of a person is taken for what it is, or not at all."""

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from bridge.identity.errors import KeysRefused, TokenRefused
from bridge.identity.id_tokens import SignInExpected, verify_id_token
from bridge.identity.jwks import read_sign_in_keys
from tests.bridge.identity.id_token_cases import BAD, BRIDGE, GOOD, ISSUER, NONCE, jwks
from tests.support.assertions import NOW, at, ec_jwk, ring, rsa_jwk

EXPECTED = SignInExpected(ISSUER, BRIDGE, NONCE, at(NOW))
ALGORITHMS = ["RS256", "RS384", "ES256", "ES384"]


def taken(token: str) -> str:
    return str(verify_id_token(token, read_sign_in_keys(jwks(ring())), EXPECTED)["sub"])


def by_second_opinion(token: str) -> str:
    """The same rules in terms of joserfc; any exception is a refusal."""
    usable = [key for key in jwks(ring())["keys"] if key["kid"] in ("rsa-1", "p256-1", "ec-1")]
    keys = KeySet.import_key_set({"keys": usable})
    registry = JWSRegistry(algorithms=ALGORITHMS)
    assert len(token) <= 32_768
    decoded = jwt.decode(token, keys, ALGORITHMS, registry)
    header, claims = decoded.header, decoded.claims
    assert header["kid"]
    assert header.get("typ", "JWT").upper() == "JWT"
    assert not {"jku", "jwk", "crit", "cty"} & header.keys()
    rules = JWTClaimsRegistry(
        now=NOW,
        leeway=30,
        iss={"essential": True, "value": ISSUER},
        sub={"essential": True},
        nonce={"essential": True, "value": NONCE},
        exp={"essential": True},
        iat={"essential": True},
    )
    rules.validate(claims)
    assert claims["nonce"] == NONCE  # a list that holds it would do for the registry
    assert claims["aud"] in (BRIDGE, [BRIDGE])
    assert claims.get("azp", BRIDGE) == BRIDGE
    assert not isinstance(claims["exp"], bool)
    assert NOW - 600 <= claims["iat"] <= NOW + 30
    assert claims["exp"] > NOW - 30
    assert isinstance(claims["sub"], str)
    assert 0 < len(claims["sub"]) <= 255
    return str(claims["sub"])


@pytest.mark.parametrize("name", GOOD)
def test_a_good_id_token_is_taken_by_both_libraries(name: str) -> None:
    token = GOOD[name](ring())
    assert taken(token) == by_second_opinion(token) == "00u1"


@pytest.mark.parametrize("name", BAD)
def test_a_bad_id_token_is_refused_for_its_own_reason(name: str) -> None:
    make, reason = BAD[name]
    with pytest.raises(TokenRefused) as caught:
        taken(make(ring()))
    assert caught.value.reason is reason


@pytest.mark.parametrize("name", BAD)
@pytest.mark.filterwarnings("ignore")
def test_the_second_library_refuses_the_same(name: str) -> None:
    refused = False
    try:
        by_second_opinion(BAD[name][0](ring()))
    except Exception:  # noqa: BLE001 - whatever it raises, it has not taken it
        refused = True
    assert refused


def test_keys_that_cannot_be_used_are_left_aside() -> None:
    found = {key.kid: key.algorithm for key in read_sign_in_keys(jwks(ring()))}
    assert found == {"rsa-1": "RS256", "p256-1": "ES256", "ec-1": "ES384"}


@pytest.mark.parametrize(
    "keys",
    [
        None,
        [],
        [{"kty": "oct", "kid": "x", "k": "AAAA"}],
        [rsa_jwk(ring().rsa, "a"), ec_jwk(ring().ec, "a")],
        [rsa_jwk(ring().rsa, "a")] * 21,
    ],
)
def test_a_set_without_a_clear_key_is_refused(keys: object) -> None:
    with pytest.raises(KeysRefused):
        read_sign_in_keys({"keys": keys})
