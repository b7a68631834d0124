"""What a district's sign-in says of a person: an id_token, checked.

Sources: OpenID Connect Core 3.1.3.7 (validation), 2 (azp); RFC 8725. The
signature is checked by :mod:`bridge.identity.jose_guard`; the algorithms are fixed there, and none
is taken from the token's word alone.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from bridge.identity.errors import Reason, TokenRefused
from bridge.identity.jose_guard import LEEWAY, Envelope, instant, verified
from bridge.identity.jwks import SIGN_IN_USES, VerificationKey

# Where a person is in many groups the token grows.
MAX_TOKEN: Final = 32_768
# However long it may be used for: it was made for the sign-in that is going on.
MAX_AGE: Final = timedelta(minutes=10)
ALGORITHMS: Final = frozenset(name for names in SIGN_IN_USES.values() for name in names)
_ENVELOPE: Final = Envelope(ALGORITHMS, None, typed=False, longest=MAX_TOKEN)


@dataclass(frozen=True, slots=True)
class SignInExpected:
    """What an id_token must say.

    Attributes:
        issuer: of the directory, exactly.
        client_id: the bridge's name there, the only audience.
        nonce: that of the sign-in it answers.
        now: real time.
    """

    issuer: str
    client_id: str
    nonce: str
    now: datetime


def verify_id_token(
    token: str, keys: Sequence[VerificationKey], expected: SignInExpected
) -> Mapping[str, Any]:
    """Return the claims of a good id_token.

    Raises:
        TokenRefused: for whatever is wrong; never another exception.
    """
    return verified(token, keys, _ENVELOPE, lambda claims: _checked(claims, expected))


def _checked(claims: dict[str, Any], expected: SignInExpected) -> Mapping[str, Any]:
    if claims.get("iss") != expected.issuer:
        raise TokenRefused(Reason.ISSUER)
    # Other audiences would be others who may use it: none is trusted here.
    if claims.get("aud") not in (expected.client_id, [expected.client_id]):
        raise TokenRefused(Reason.AUDIENCE)
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise TokenRefused(Reason.AUDIENCE)
    _check_times(claims, expected.now)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode("utf-8", "surrogatepass"), expected.nonce.encode()
    ):
        raise TokenRefused(Reason.NONCE)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255 or not subject.isascii():
        raise TokenRefused(Reason.IDENTIFIER)
    return claims


def _check_times(claims: Mapping[str, Any], now: datetime) -> None:
    if instant(claims.get("exp")) <= now - LEEWAY:
        raise TokenRefused(Reason.EXPIRED)
    issued = instant(claims.get("iat"))
    if issued > now + LEEWAY or ("nbf" in claims and instant(claims["nbf"]) > now + LEEWAY):
        raise TokenRefused(Reason.NOT_YET)
    if issued < now - MAX_AGE:
        raise TokenRefused(Reason.EXPIRED)
