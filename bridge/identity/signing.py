"""The client's side of SMART Backend Services: a key of one's own and assertions signed with it.

Used where the bridge is the client (collecting from other bridges) and by the demo's provider.
"""

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from jose import jwk, jws

from bridge.files import written_whole

ALGORITHM = "ES384"
ALGORITHMS = (ALGORITHM, "RS384")
"""What a client must be able to sign with (SMART App Launch 2.2, asymmetric authentication)."""
_RSA_BITS = 3072
LIFETIME = timedelta(minutes=4)


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key (P-384, or RSA for servers that take nothing else), its id and algorithm."""

    kid: str
    pem: bytes
    algorithm: str = ALGORITHM

    @classmethod
    def generate(cls, algorithm: str = ALGORITHM) -> "SigningKey":
        """Make a new key for one of :data:`ALGORITHMS`."""
        private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
        if algorithm == "RS384":
            private = rsa.generate_private_key(65537, _RSA_BITS)
        else:
            private = ec.generate_private_key(ec.SECP384R1())
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return cls(secrets.token_hex(8), pem, algorithm)

    @classmethod
    def load_or_generate(cls, path: Path) -> "SigningKey":
        """Read a key kept in a file, or make one and keep it there, readable by its owner alone.

        Of several processes that begin at once all have the key of the first.
        """
        if not path.exists():
            made = cls.generate()
            kept = {"kid": made.kid, "pem": made.pem.decode(), "alg": made.algorithm}
            with suppress(FileExistsError), written_whole(path, replace=False) as new:
                new.write_text(json.dumps(kept), encoding="utf-8")
        kept = json.loads(path.read_text(encoding="utf-8"))
        return cls(kept["kid"], kept["pem"].encode(), kept.get("alg", ALGORITHM))

    def __repr__(self) -> str:
        return f"SigningKey({self.kid})"

    def public_jwks(self) -> dict[str, Any]:
        """Return the JWK Set to register."""
        members = jwk.construct(self.pem.decode(), self.algorithm).public_key().to_dict()
        texts = {n: v.decode() if isinstance(v, bytes) else v for n, v in members.items()}
        return {"keys": [{**texts, "kid": self.kid, "alg": self.algorithm, "use": "sig"}]}

    def assertion(self, client_id: str, token_url: str, now: datetime) -> str:
        """Sign a client assertion (SMART App Launch, Client Authentication: Asymmetric).

        Args:
            client_id: as registered; issuer and subject.
            token_url: the audience.
            now: the real time.
        """
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": token_url,
            "exp": int((now + LIFETIME).timestamp()),
            "iat": int(now.timestamp()),
            "jti": secrets.token_hex(16),
        }
        return self.sign(claims)

    def sign_bytes(self, message: bytes) -> bytes:
        """Sign bytes with ECDSA on P-384 and SHA-384; r and s follow each other (RFC 9421 3.3.5).

        Raises:
            TypeError: the key is none for it.
        """
        private = serialization.load_pem_private_key(self.pem, None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError("bytes are signed with a P-384 key")
        r, s = decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA384())))
        return r.to_bytes(48, "big") + s.to_bytes(48, "big")

    def sign(self, claims: dict[str, Any]) -> str:
        """Sign claims as a JWT that names this key."""
        headers = {"kid": self.kid, "typ": "JWT"}
        signed: str = jws.sign(claims, self.pem.decode(), headers, self.algorithm)
        return signed
