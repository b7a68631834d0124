"""The public keys others may sign with, checked before they are used.

Sources: SMART App Launch, *Client Authentication: Asymmetric*, "Registering a client": ``kty`` and
``kid`` required, bare key members only, RS384 or ES384. A district's sign-in signs with what OpenID
Connect Core 15.1 asks for, RS256, or with an elliptic curve. RFC 7518 3.3 asks for RSA keys of 2048
bits or more. Only what passed here is ever handed to the library that verifies.
"""

import base64
import binascii
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from bridge.identity.errors import KeysRefused

ALGORITHM_OF: Final = {"RSA": "RS384", "EC": "ES384"}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_CURVES: Final = {"P-256": (SECP256R1(), 32), "P-384": (SECP384R1(), 48)}
_MOST_KEYS: Final = 20
# What a key may be used with: by its type or curve, first what one without ``alg`` is used with.
Uses = Mapping[str, tuple[str, ...]]
CLIENT_USES: Final[Uses] = {"RSA": ("RS384",), "P-384": ("ES384",)}
SIGN_IN_USES: Final[Uses] = {
    "RSA": ("RS256", "RS384"),
    "P-256": ("ES256",),
    "P-384": ("ES384",),
}


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key that passed every check, with nothing but its public members."""

    kid: str
    kty: str
    #: The one algorithm this key is used with.
    algorithm: str
    members: tuple[tuple[str, str], ...]

    def jwk(self) -> dict[str, str]:
        """Return the key as a JWK."""
        return {"kid": self.kid, "kty": self.kty, "alg": self.algorithm, **dict(self.members)}


def read_keys(jwks: Mapping[str, object]) -> tuple[VerificationKey, ...]:
    """Read a JWK Set; keys marked for encryption are left aside.

    Raises:
        KeysRefused: for a private or symmetric key, a weak or malformed one, two of the same kid,
            or a set without a usable key.
    """
    listed = jwks.get("keys")
    if not isinstance(listed, list) or not listed or len(listed) > _MOST_KEYS:
        raise KeysRefused(f"a JWK Set has 'keys', a list of 1 to {_MOST_KEYS}")
    keys = [_read_key(key, CLIENT_USES) for key in listed if not _for_encryption(key)]
    if not keys:
        raise KeysRefused("the set has no signing key")
    if len({key.kid for key in keys}) != len(keys):
        raise KeysRefused("two keys have the same kid")
    return tuple(keys)


def read_sign_in_keys(jwks: Mapping[str, object]) -> tuple[VerificationKey, ...]:
    """Read what a district's sign-in publishes; keys that cannot be used here are left aside.

    Raises:
        KeysRefused: there is none, or two have the same kid.
    """
    listed = jwks.get("keys")
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise KeysRefused(f"a JWK Set has 'keys', a list of 1 to {_MOST_KEYS}")
    keys = []
    for key in listed:
        with suppress(KeysRefused):
            keys.append(_read_key(key, SIGN_IN_USES))
    if not keys or len({key.kid for key in keys}) != len(keys):
        raise KeysRefused("the set has no signing key, or two of the same kid")
    return tuple(keys)


def _for_encryption(key: object) -> bool:
    return isinstance(key, Mapping) and key.get("use") == "enc" and not _PRIVATE & key.keys()


def _read_key(key: object, uses: Uses) -> VerificationKey:
    if not isinstance(key, Mapping):
        raise KeysRefused("a key is a JSON object")
    if _PRIVATE & key.keys():
        raise KeysRefused("a private or symmetric key was sent: revoke it, send the public one")
    kid, kty = key.get("kid"), key.get("kty")
    if not isinstance(kid, str) or not 0 < len(kid) <= 200:
        raise KeysRefused("a key has a kid of 1 to 200 characters")
    if kty not in ("RSA", "EC"):
        raise KeysRefused("a key is of kty RSA or EC")
    algorithm = _algorithm(key, uses)
    return VerificationKey(kid, kty, algorithm, _rsa(key) if kty == "RSA" else _elliptic(key))


def _algorithm(key: Mapping[str, object], uses: Uses) -> str:
    kind = str(key.get("crv")) if key.get("kty") == "EC" else "RSA"
    if kind not in uses:
        curves = " or ".join(sorted(uses.keys() & _CURVES.keys()))
        raise KeysRefused(f"an EC key is on the curve {curves}")
    algorithm = key.get("alg", uses[kind][0])
    if algorithm not in uses[kind]:
        raise KeysRefused(f"this {key.get('kty')} key is for {' or '.join(uses[kind])}")
    if key.get("use", "sig") != "sig":
        raise KeysRefused("a key's use is sig")
    operations = key.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise KeysRefused("a key's key_ops include verify")
    return str(algorithm)


def _rsa(key: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    modulus, exponent = _number(key, "n"), _number(key, "e")
    if not 2048 <= modulus.bit_length() <= 8192:
        raise KeysRefused("an RSA key has 2048 to 8192 bits")
    if not 65537 <= exponent < 1 << 32:
        raise KeysRefused("an RSA key's exponent is 65537 or somewhat more")
    try:
        RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        raise KeysRefused("not an RSA key") from None
    return (("n", str(key["n"])), ("e", str(key["e"])))


def _elliptic(key: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    name = str(key["crv"])
    curve, length = _CURVES[name]
    x, y = _number(key, "x", length), _number(key, "y", length)
    try:
        EllipticCurvePublicNumbers(x, y, curve).public_key()
    except ValueError:
        raise KeysRefused(f"the point is not on the curve {name}") from None
    return (("crv", name), ("x", str(key["x"])), ("y", str(key["y"])))


def _number(key: Mapping[str, object], name: str, length: int | None = None) -> int:
    text = key.get(name)
    try:
        if not isinstance(text, str) or "=" in text:
            raise KeysRefused(f"'{name}' is base64url without padding")
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise KeysRefused(f"'{name}' is base64url without padding") from None
    if length is not None and len(raw) != length:
        raise KeysRefused(f"'{name}' has {length} bytes")
    return int.from_bytes(raw, "big")
