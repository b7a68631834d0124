"""Signing a client assertion with jwcrypto, as a partner's programmer would from the guide."""

import json
import time
import uuid
from pathlib import Path

from jwcrypto import jwk, jwt


def assertion(client_id: str, keys: str, token_url: str) -> str:
    """Return a signed assertion (SMART App Launch, Client Authentication: Asymmetric)."""
    (kept,) = json.loads(Path(keys).read_text(encoding="utf-8"))["keys"]
    header = {"alg": kept["alg"], "kid": kept["kid"], "typ": "JWT"}
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": token_url,
        "exp": int(time.time()) + 290,
        "jti": str(uuid.uuid4()),
    }
    token = jwt.JWT(header=header, claims=claims)
    token.make_signed_token(jwk.JWK(**kept))
    return str(token.serialize())
