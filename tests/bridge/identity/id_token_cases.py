"""id_tokens that must be taken, and those that must not, each with the reason."""

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes

from bridge.identity.errors import Reason
from tests.bridge.identity.assertion_cases import public
from tests.support.assertions import NOW, Ring, ec_jwk, es, es_der, hs, ps, rs, rsa_jwk, unsigned

ISSUER = "https://login.millbrook.example"
BRIDGE = "schoolbridge"
NONCE = "n" * 64
Make = Callable[[Ring], str]


def jwks(r: Ring) -> dict[str, Any]:
    """What the directory publishes: RSA, two curves, and what cannot be used here."""
    keys = [
        rsa_jwk(r.rsa, "rsa-1") | {"alg": "RS256", "use": "sig"},
        ec_jwk(r.p256, "p256-1", "P-256"),
        ec_jwk(r.ec, "ec-1"),
        rsa_jwk(r.other_rsa, "enc-1") | {"use": "enc"},
        {"kty": "OKP", "crv": "Ed25519", "kid": "okp-1", "x": "AA"},
        {"kty": "oct", "kid": "oct-1", "k": "AAAA"},
    ]
    return {"keys": keys}


def claims(**changed: object) -> dict[str, Any]:
    good: dict[str, Any] = {
        "iss": ISSUER,
        "sub": "00u1",
        "aud": BRIDGE,
        "exp": NOW + 300,
        "iat": NOW - 2,
        "nonce": NONCE,
        "roles": ["District Counselor"],
    }
    return {name: value for name, value in (good | changed).items() if value is not None}


def rs256(r: Ring, said: dict[str, Any] | None = None, **header: object) -> str:
    sign = rs(r.rsa, hashes.SHA256())
    return r.token(said or claims(), sign, **({"alg": "RS256", "kid": "rsa-1"} | header))


def saying(**changed: object) -> Make:
    return lambda r: rs256(r, claims(**changed))


def confused(form: str, alg: str = "HS256") -> Make:
    def make(r: Ring) -> str:
        key = hs(public(r.rsa, form), f"sha{alg[2:]}")
        return r.token(claims(), key, alg=alg, kid="rsa-1")

    return make


GOOD: dict[str, Make] = {
    "RS256": rs256,
    "ES256": lambda r: r.token(claims(), es(r.p256, hashes.SHA256()), alg="ES256", kid="p256-1"),
    "ES384": lambda r: r.token(claims()),
    "without typ": lambda r: rs256(r, typ=None),
    "audience in a list": saying(aud=[BRIDGE]),
    "azp is us": saying(azp=BRIDGE),
    "a little past": saying(exp=NOW - 29),
    "iat a little ahead": saying(iat=NOW + 30),
    "many groups": saying(groups=["g" * 100] * 150),
}

BAD: dict[str, tuple[Make, Reason]] = {
    "alg none": (
        lambda r: r.token(claims(), unsigned, alg="none", kid="rsa-1"),
        Reason.SHAPE,
    ),
    "alg none with a signature": (lambda r: rs256(r, alg="none"), Reason.ALGORITHM),
    "HS256 with the key as PEM": (confused("pem"), Reason.ALGORITHM),
    "HS256 with the key as DER": (confused("der"), Reason.ALGORITHM),
    "HS256 with the key as JWK": (confused("jwk"), Reason.ALGORITHM),
    "HS384 with the key as DER": (confused("der", "HS384"), Reason.ALGORITHM),
    "HS512 with the key as SSH": (confused("ssh", "HS512"), Reason.ALGORITHM),
    "PS256": (
        lambda r: r.token(claims(), ps(r.rsa), alg="PS256", kid="rsa-1"),
        Reason.ALGORITHM,
    ),
    "RS512": (
        lambda r: r.token(claims(), rs(r.rsa, hashes.SHA512()), alg="RS512", kid="rsa-1"),
        Reason.ALGORITHM,
    ),
    "RS384 with a key for RS256": (
        lambda r: r.token(claims(), rs(r.rsa), alg="RS384", kid="rsa-1"),
        Reason.KEY,
    ),
    "an encryption key": (
        lambda r: r.token(claims(), rs(r.other_rsa, hashes.SHA256()), alg="RS256", kid="enc-1"),
        Reason.KEY,
    ),
    "a symmetric key that was published": (
        lambda r: r.token(claims(), hs(b"\0\0\0", "sha256"), alg="HS256", kid="oct-1"),
        Reason.ALGORITHM,
    ),
    "a stranger's key": (
        lambda r: r.token(claims(), rs(r.other_rsa, hashes.SHA256()), alg="RS256", kid="rsa-1"),
        Reason.SIGNATURE,
    ),
    "kid unknown": (lambda r: rs256(r, kid="rsa-2"), Reason.KEY),
    "kid missing": (lambda r: rs256(r, kid=None), Reason.KEY),
    "jku": (lambda r: rs256(r, jku=f"{ISSUER}/jwks"), Reason.KEY_SOURCE),
    "an embedded key": (lambda r: rs256(r, jwk=rsa_jwk(r.rsa, "rsa-1")), Reason.KEY_SOURCE),
    "crit": (lambda r: rs256(r, crit=["x"]), Reason.CRITICAL),
    "of another type": (lambda r: rs256(r, typ="at+jwt"), Reason.HEADER),
    "a logout token": (lambda r: rs256(r, typ="logout+jwt"), Reason.HEADER),
    "nested": (lambda r: rs256(r, cty="JWT"), Reason.HEADER),
    "ES256 in DER": (
        lambda r: r.token(claims(), es_der(r.p256), alg="ES256", kid="p256-1"),
        Reason.SIGNATURE,
    ),
    "iss missing": (saying(iss=None), Reason.ISSUER),
    "iss of another": (saying(iss="https://login.other.example"), Reason.ISSUER),
    "iss with a slash more": (saying(iss=ISSUER + "/"), Reason.ISSUER),
    "iss a list": (saying(iss=[ISSUER]), Reason.ISSUER),
    "aud missing": (saying(aud=None), Reason.AUDIENCE),
    "aud of another": (saying(aud="other"), Reason.AUDIENCE),
    "aud with another beside us": (saying(aud=[BRIDGE, "other"]), Reason.AUDIENCE),
    "aud empty": (saying(aud=[]), Reason.AUDIENCE),
    "azp of another": (saying(azp="other"), Reason.AUDIENCE),
    "exp missing": (saying(exp=None), Reason.CLAIMS),
    "exp past": (saying(exp=NOW - 30), Reason.EXPIRED),
    "exp text": (saying(exp="soon"), Reason.CLAIMS),
    "exp true": (saying(exp=True), Reason.CLAIMS),
    "iat missing": (saying(iat=None), Reason.CLAIMS),
    "iat ahead": (saying(iat=NOW + 31), Reason.NOT_YET),
    "iat long ago": (saying(iat=NOW - 601), Reason.EXPIRED),
    "nbf ahead": (saying(nbf=NOW + 31), Reason.NOT_YET),
    "nonce missing": (saying(nonce=None), Reason.NONCE),
    "nonce of another sign-in": (saying(nonce="m" * 64), Reason.NONCE),
    "nonce empty": (saying(nonce=""), Reason.NONCE),
    "nonce a list": (saying(nonce=[NONCE]), Reason.NONCE),
    "sub missing": (saying(sub=None), Reason.IDENTIFIER),
    "sub empty": (saying(sub=""), Reason.IDENTIFIER),
    "sub a number": (saying(sub=7), Reason.IDENTIFIER),
    "sub endless": (saying(sub="x" * 256), Reason.IDENTIFIER),
    "too long": (saying(filler="x" * 33_000), Reason.TOO_LONG),
    "empty": (lambda r: "", Reason.SHAPE),
    "no token": (lambda r: "a.b", Reason.SHAPE),
}
