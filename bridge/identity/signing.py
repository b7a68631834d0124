"""The client's side of SMART Backend Services: a key of one's own and assertions signed with it.

Used where the bridge is the client (collecting from other bridges) and by the demo's provider.
"""

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jose import jwk, jws

ALGORITHM = "ES384"
LIFETIME = timedelta(minutes=4)


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A P-384 private key and its id."""

    kid: str
    pem: bytes

    @classmethod
    def generate(cls) -> "SigningKey":
        """Make a new key."""
        private = ec.generate_private_key(ec.SECP384R1())
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return cls(secrets.token_hex(8), pem)

    @classmethod
    def load_or_generate(cls, path: Path) -> "SigningKey":
        """Read a key kept in a file, or make one and keep it there, readable by its owner alone."""
        if path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))
            return cls(kept["kid"], kept["pem"].encode())
        made = cls.generate()
        path.touch(mode=0o600)
        text = json.dumps({"kid": made.kid, "pem": made.pem.decode()})
        path.write_text(text, encoding="utf-8")
        return made

    def __repr__(self) -> str:
        return f"SigningKey({self.kid})"

    def public_jwks(self) -> dict[str, Any]:
        """Return the JWK Set to register."""
        members = jwk.construct(self.pem.decode(), ALGORITHM).public_key().to_dict()
        texts = {n: v.decode() if isinstance(v, bytes) else v for n, v in members.items()}
        return {"keys": [{**texts, "kid": self.kid, "alg": ALGORITHM, "use": "sig"}]}

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

    def sign(self, claims: dict[str, Any]) -> str:
        """Sign claims as a JWT that names this key."""
        headers = {"kid": self.kid, "typ": "JWT"}
        signed: str = jws.sign(claims, self.pem.decode(), headers, ALGORITHM)
        return signed
