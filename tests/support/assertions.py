"""Making assertions, good and bad, with ``cryptography`` alone.

Neither of the two libraries under test takes part, so a fault of one cannot hide in the maker.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

CLIENT_ID = "clinic-2-ehr"
TOKEN_URL = "https://bridge.example.org/auth/token"
NOW = 1_772_463_600  # 2026-03-02T15:00:00Z

Sign = Callable[[bytes], bytes]


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int, length: int | None = None) -> str:
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def rsa_jwk(key: rsa.RSAPrivateKey, kid: str) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "kid": kid, "n": number(numbers.n), "e": number(numbers.e)}


def ec_jwk(key: ec.EllipticCurvePrivateKey, kid: str, name: str = "P-384") -> dict[str, Any]:
    numbers, length = key.public_key().public_numbers(), (key.curve.key_size + 7) // 8
    x, y = number(numbers.x, length), number(numbers.y, length)
    return {"kty": "EC", "kid": kid, "crv": name, "x": x, "y": y}


def rs(key: rsa.RSAPrivateKey, digest: hashes.HashAlgorithm | None = None) -> Sign:
    return lambda data: key.sign(data, padding.PKCS1v15(), digest or hashes.SHA384())


def ps(key: rsa.RSAPrivateKey) -> Sign:
    salted = padding.PSS(padding.MGF1(hashes.SHA384()), salt_length=48)
    return lambda data: key.sign(data, salted, hashes.SHA384())


def es(key: ec.EllipticCurvePrivateKey, digest: hashes.HashAlgorithm | None = None) -> Sign:
    length = (key.curve.key_size + 7) // 8

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(digest or hashes.SHA384())))
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")

    return sign


def es_der(key: ec.EllipticCurvePrivateKey) -> Sign:
    return lambda data: key.sign(data, ec.ECDSA(hashes.SHA384()))


def hs(secret: bytes, name: str = "sha256") -> Sign:
    return lambda data: hmac.digest(secret, data, getattr(hashlib, name))


def unsigned(_data: bytes) -> bytes:
    return b""


@dataclass(frozen=True)
class Ring:
    """The keys of one client, those of strangers, and a good assertion to start from."""

    rsa: rsa.RSAPrivateKey
    ec: ec.EllipticCurvePrivateKey
    other_rsa: rsa.RSAPrivateKey
    other_ec: ec.EllipticCurvePrivateKey
    p256: ec.EllipticCurvePrivateKey
    now: int = NOW
    header: dict[str, Any] = field(
        default_factory=lambda: {"alg": "ES384", "kid": "ec-1", "typ": "JWT"}
    )

    @property
    def jwks(self) -> dict[str, Any]:
        return {"keys": [rsa_jwk(self.rsa, "rsa-1"), ec_jwk(self.ec, "ec-1")]}

    def claims(self, **changed: object) -> dict[str, Any]:
        """Good claims; a value of None leaves the claim out."""
        good: dict[str, Any] = {
            "iss": CLIENT_ID,
            "sub": CLIENT_ID,
            "aud": TOKEN_URL,
            "exp": self.now + 240,
            "jti": "nonce-1",
        }
        return {name: value for name, value in (good | changed).items() if value is not None}

    def token(
        self,
        claims: dict[str, Any] | bytes | None = None,
        sign: Sign | None = None,
        raw_header: bytes | None = None,
        **header: object,
    ) -> str:
        """A token of these claims and header changes, signed (ES384 unless told otherwise)."""
        said = self.header | header
        kept = {name: value for name, value in said.items() if value is not None}
        top = raw_header if raw_header is not None else json.dumps(kept).encode()
        claimed = self.claims() if claims is None else claims
        body = claimed if isinstance(claimed, bytes) else json.dumps(claimed).encode()
        signing = f"{b64(top)}.{b64(body)}"
        return f"{signing}.{b64((sign or es(self.ec))(signing.encode()))}"

    def with_claims(self, **changed: object) -> str:
        return self.token(self.claims(**changed))


@cache
def ring() -> Ring:
    """One ring for all tests: making RSA keys is slow."""
    return Ring(
        rsa=rsa.generate_private_key(65537, 2048),
        ec=ec.generate_private_key(ec.SECP384R1()),
        other_rsa=rsa.generate_private_key(65537, 2048),
        other_ec=ec.generate_private_key(ec.SECP384R1()),
        p256=ec.generate_private_key(ec.SECP256R1()),
    )
