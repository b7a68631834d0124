"""The same rules on another library, joserfc: a second opinion on every assertion.

It answers for the choice of library: what the guard takes, this takes; what the guard refuses, this
refuses. What neither library checks by itself (length, equal names, ``jku``, ``exp`` far ahead) is
written here once more, in this library's own terms.
"""

import base64
import json
import math
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

ALGORITHMS = ["RS384", "ES384"]
HEADERS = {"alg", "kid", "typ", "jku", "x5t"}
LEEWAY = 30


class Refused(Exception):  # noqa: N818 - reads as what happened
    """Not a good assertion."""


class Strict(json.JSONDecoder):
    """JSON in which no name stands twice and every number is one."""

    def __init__(self, **_: object) -> None:
        super().__init__(object_pairs_hook=_no_twins, parse_constant=_no_constant)


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise Refused
    return dict(pairs)


def _no_constant(_name: str) -> None:
    raise Refused


def verify(
    token: str, jwks: dict[str, Any], expected: dict[str, str], now: int, jwks_url: str | None
) -> str:
    """Return the jti of a good assertion; any exception is a refusal."""
    if len(token) > 8192:
        raise Refused
    segment = token.split(".", 1)[0]
    padded = segment + "=" * (-len(segment) % 4)
    header = json.loads(base64.urlsafe_b64decode(padded), cls=Strict)
    if header["typ"].upper() != "JWT" or not header["kid"] or header.keys() - HEADERS:
        raise Refused
    if "jku" in header and header["jku"] != jwks_url:
        raise Refused
    keys = KeySet.import_key_set(jwks)  # type: ignore[arg-type] # a set as it is sent
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    claims = jwt.decode(token, keys, ALGORITHMS, registry, decoder_cls=Strict).claims
    return _checked(claims, expected, now)


def _checked(claims: dict[str, Any], expected: dict[str, str], now: int) -> str:
    for name in ("exp", "nbf", "iat"):
        if isinstance(claims.get(name), bool) or not math.isfinite(claims.get(name, 0)):
            raise Refused
    rules = JWTClaimsRegistry(
        now=now,
        leeway=LEEWAY,
        iss={"essential": True, "value": expected["client_id"]},
        sub={"essential": True, "value": expected["client_id"]},
        aud={"essential": True, "value": expected["token_url"]},
        exp={"essential": True},
        jti={"essential": True},
    )
    rules.validate(claims)
    if not now - LEEWAY < claims["exp"] <= now + 300 + LEEWAY:
        raise Refused
    if not 0 < len(claims["jti"]) <= 1000:
        raise Refused
    return str(claims["jti"])
