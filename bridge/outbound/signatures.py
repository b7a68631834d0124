"""Our requests are signed, so that a receiver knows they are ours and as we sent them.

HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530); ADR 0037 says why. Covered are
the method, the host, the path, the query and, of a request with a body, its type and digest; not
the scheme, which a receiver behind a proxy does not see. The key is one of our JWK Set.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from bridge.clock import Clock
from bridge.identity.signing import ALGORITHM, SigningKey
from bridge.outbound.calls import Request

LABEL: Final = "sig1"
TAG: Final = "schoolbridge"
SECONDS: Final = 300
"""For how long a receiver may take a signature."""
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class RequestSigner:
    """Signs requests with one P-384 key."""

    key: SigningKey
    clock: Clock

    def __call__(self, request: Request) -> Mapping[str, str]:
        """Return the headers that carry the signature of a request."""
        covered = _components(request)
        parameters = f"({' '.join(_quoted(name) for name in covered)}){self._parameters()}"
        lines = [f"{_quoted(name)}: {value}" for name, value in covered.items()]
        base = "\n".join([*lines, f'"@signature-params": {parameters}'])
        signature = base64.b64encode(self.key.sign_bytes(base.encode("ascii"))).decode()
        digest = {"Content-Digest": covered["content-digest"]} if request.body else {}
        signed = {"Signature-Input": f"{LABEL}={parameters}", "Signature": f"{LABEL}=:{signature}:"}
        return digest | signed

    def _parameters(self) -> str:
        created = int(self.clock.real_now().timestamp())
        return (
            f";created={created};expires={created + SECONDS}"
            f';nonce="{secrets.token_urlsafe(16)}";keyid="{self.key.kid}"'
            f';alg="ecdsa-p384-sha384";tag="{TAG}"'
        )


def signer_of(key: SigningKey, clock: Clock) -> RequestSigner | None:
    """Return a signer; None for an RSA key, which its JWK keeps to signing tokens."""
    return RequestSigner(key, clock) if key.algorithm == ALGORITHM else None


def _components(request: Request) -> dict[str, str]:
    """Return what is covered, in order: derived components (RFC 9421 2.2), then fields."""
    parts = urlsplit(request.url)
    own = parts.port is None or parts.port == _PORTS.get(parts.scheme)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    covered = {
        "@method": request.method,
        "@authority": str(host) if own else f"{host}:{parts.port}",
        "@path": parts.path or "/",
        "@query": f"?{parts.query}",
    }
    if request.body:
        digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
        covered["content-digest"] = f"sha-256=:{digest}:"
        covered["content-type"] = request.headers.get("Content-Type", "")
    return covered


def _quoted(name: str) -> str:
    return f'"{name}"'
