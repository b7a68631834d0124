"""The public keys a client may sign with, checked once when they are registered.

Source: SMART App Launch, *Client Authentication: Asymmetric*, "Registering a client": ``kty`` and
``kid`` required, bare key members only, RS384 or ES384. RFC 7518 3.3 asks for RSA keys of 2048 bits
or more. Only what passed here is ever handed to the library that verifies.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from bridge.identity.errors import KeysRefused

ALGORITHM_OF: Final = {"RSA": "RS384", "EC": "ES384"}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_P384_BYTES: Final = 48
_MOST_KEYS: Final = 20


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key that passed every check, with nothing but its public members."""

    kid: str
    kty: str
    members: tuple[tuple[str, str], ...]

    @property
    def algorithm(self) -> str:
        """The one algorithm this key is used with."""
        return ALGORITHM_OF[self.kty]

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
    keys = [_read_key(key) for key in listed if not _for_encryption(key)]
    if not keys:
        raise KeysRefused("the set has no signing key")
    if len({key.kid for key in keys}) != len(keys):
        raise KeysRefused("two keys have the same kid")
    return tuple(keys)


def _for_encryption(key: object) -> bool:
    return isinstance(key, Mapping) and key.get("use") == "enc" and not _PRIVATE & key.keys()


def _read_key(key: object) -> VerificationKey:
    if not isinstance(key, Mapping):
        raise KeysRefused("a key is a JSON object")
    if _PRIVATE & key.keys():
        raise KeysRefused("a private or symmetric key was sent: revoke it, send the public one")
    kid, kty = key.get("kid"), key.get("kty")
    if not isinstance(kid, str) or not 0 < len(kid) <= 200:
        raise KeysRefused("a key has a kid of 1 to 200 characters")
    if not isinstance(kty, str) or kty not in ALGORITHM_OF:
        raise KeysRefused("a key is of kty RSA or EC")
    _check_use(key, ALGORITHM_OF[kty])
    return VerificationKey(kid, kty, _rsa(key) if kty == "RSA" else _elliptic(key))


def _check_use(key: Mapping[str, object], algorithm: str) -> None:
    if key.get("alg", algorithm) != algorithm:
        raise KeysRefused("an RSA key is for RS384, an EC key for ES384")
    if key.get("use", "sig") != "sig":
        raise KeysRefused("a key's use is sig")
    operations = key.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise KeysRefused("a key's key_ops include verify")


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
    if key.get("crv") != "P-384":
        raise KeysRefused("an EC key is on the curve P-384")
    x, y = _number(key, "x", _P384_BYTES), _number(key, "y", _P384_BYTES)
    try:
        EllipticCurvePublicNumbers(x, y, SECP384R1()).public_key()
    except ValueError:
        raise KeysRefused("the point is not on the curve P-384") from None
    return (("crv", "P-384"), ("x", str(key["x"])), ("y", str(key["y"])))


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
