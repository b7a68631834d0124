"""Verifying a client's assertion: the only module that imports ``jose``, and what guards it.

python-jose 3.5.0 alone accepts what must not be accepted (each tried, each now a test): a token
without ``exp``, ``aud``, ``iss``, ``sub`` or ``jti``; ``exp`` a year ahead; an unknown ``crit``;
HS256 keyed with the bytes of a public key when the caller lets it; a key set in which the wrong key
stands first is an error. It raises more than its own errors, and the last of two equal claims wins.

So here: the length is capped before anything is parsed; the header may hold little; the key is
chosen by kid *and* type *and* algorithm and handed over alone, as a JWK that passed
:mod:`bridge.identity.jwks`; the algorithm is fixed; claims are parsed strictly and all required;
and whatever goes wrong is one :class:`TokenRefused`.

Sources: SMART App Launch, *Client Authentication: Asymmetric*, "Authenticating to the Token
endpoint" and "Signature Verification"; RFC 7515 4.1.11 (crit), 5.2; RFC 7519 4.1; RFC 7523 3;
RFC 8725 3.1, 3.9, 3.10.
"""

import base64
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from jose import jws
from jose.exceptions import JOSEError

from bridge.identity.errors import Reason, TokenRefused
from bridge.identity.jwks import ALGORITHM_OF, VerificationKey

T = TypeVar("T")
MAX_TOKEN: Final = 8192
LIFETIME: Final = timedelta(seconds=300)
# Clocks differ; and a widespread client rounds now + 300 s up: half of what it signs is a bit over.
LEEWAY: Final = timedelta(seconds=30)

_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_FOREIGN_KEYS: Final = frozenset({"jwk", "x5u", "x5c"})
_NOT_OURS: Final = frozenset({"enc", "zip", "cty"})
# An ECDSA signature has one length: a longer spelling of the same two numbers is another token.
_SIGNATURE_BYTES: Final = {"ES256": 64, "ES384": 96}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What may stand around the claims.

    Attributes:
        algorithms: those accepted.
        jwks_url: the one value ``jku`` may have.
        typed: whether ``typ`` must be there.
        longest: how many characters are looked at at all.
    """

    algorithms: frozenset[str]
    jwks_url: str | None = None
    typed: bool = True
    longest: int = MAX_TOKEN


@dataclass(frozen=True, slots=True)
class Expected:
    """What an assertion must say.

    Attributes:
        client_id: who must have signed it.
        token_url: the one audience accepted.
        now: real time.
        jwks_url: the address the client registered for its keys, if any.
    """

    client_id: str
    token_url: str
    now: datetime
    jwks_url: str | None = None


@dataclass(frozen=True, slots=True)
class Assertion:
    """A verified assertion. Only :func:`verify_assertion` makes one."""

    client_id: str
    jti: str
    expires_at: datetime


def claimed_issuer(token: str) -> str:
    """Return who an assertion *says* it is from, to look up whose keys must verify it.

    Raises:
        TokenRefused: if it cannot be read.
    """
    try:
        issuer = _json(_segments(token)[1], Reason.CLAIMS).get("iss")
    except RecursionError:
        raise TokenRefused(Reason.UNREADABLE) from None
    if not isinstance(issuer, str):
        raise TokenRefused(Reason.ISSUER)
    return issuer


def claimed_kid(token: str, longest: int = MAX_TOKEN) -> str:
    """Return the key a token *says* it is signed with, to see whether that key is known.

    Raises:
        TokenRefused: if it cannot be read.
    """
    try:
        kid = _json(_segments(token, longest)[0], Reason.HEADER).get("kid")
    except RecursionError:
        raise TokenRefused(Reason.UNREADABLE) from None
    if not isinstance(kid, str):
        raise TokenRefused(Reason.KEY)
    return kid


def verify_assertion(token: str, keys: Sequence[VerificationKey], expected: Expected) -> Assertion:
    """Verify an assertion. The caller still has to see that its ``jti`` is new.

    Raises:
        TokenRefused: for anything this module's docstring refuses; never another exception.
    """
    envelope = Envelope(frozenset(ALGORITHM_OF.values()), expected.jwks_url)
    return verified(token, keys, envelope, lambda claims: _check_claims(claims, expected))


def verified(
    token: str,
    keys: Sequence[VerificationKey],
    envelope: Envelope,
    check: Callable[[dict[str, Any]], T],
) -> T:
    """Return what ``check`` makes of the claims of a token that one of some keys signed.

    Raises:
        TokenRefused: for whatever is wrong; never another exception.
    """
    try:
        return check(_verified(token, keys, envelope))
    except TokenRefused:
        raise
    except JOSEError:
        raise TokenRefused(Reason.SIGNATURE) from None
    except Exception:  # noqa: BLE001 - INVARIANT: an error of a library refuses the token
        raise TokenRefused(Reason.UNREADABLE) from None


def _verified(token: str, keys: Sequence[VerificationKey], envelope: Envelope) -> dict[str, Any]:
    header_bytes, _, signature = _segments(token, envelope.longest)
    header = _json(header_bytes, Reason.HEADER)
    _check_header(header, envelope)
    key = _chosen(header, keys)
    if len(signature) != _SIGNATURE_BYTES.get(key.algorithm, len(signature)):
        raise TokenRefused(Reason.SIGNATURE)
    payload = jws.verify(token, key.jwk(), algorithms=[key.algorithm])
    return _json(_bytes(payload), Reason.CLAIMS)


def _segments(token: str, longest: int = MAX_TOKEN) -> tuple[bytes, bytes, bytes]:
    if len(token) > longest:
        raise TokenRefused(Reason.TOO_LONG)
    if not _COMPACT.fullmatch(token):
        raise TokenRefused(Reason.SHAPE)
    header, payload, signature = (_decoded(part) for part in token.split("."))
    return header, payload, signature


def _decoded(part: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise TokenRefused(Reason.SHAPE) from None
    # One spelling only: stray bits in the last character would make a second token of the first.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise TokenRefused(Reason.SHAPE)
    return raw


def _bytes(payload: str | bytes) -> bytes:
    return payload.encode() if isinstance(payload, str) else payload


def _json(raw: bytes, reason: Reason) -> dict[str, Any]:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise TokenRefused(reason)
        return dict(pairs)

    def refuse(_constant: str) -> None:
        raise TokenRefused(reason)

    try:
        found = json.loads(raw.decode(), object_pairs_hook=once, parse_constant=refuse)
    except ValueError:
        raise TokenRefused(reason) from None
    if not isinstance(found, dict):
        raise TokenRefused(reason)
    return found


def _check_header(header: dict[str, Any], envelope: Envelope) -> None:
    if "crit" in header or "b64" in header:
        raise TokenRefused(Reason.CRITICAL)
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in envelope.algorithms:
        raise TokenRefused(Reason.ALGORITHM)
    if _FOREIGN_KEYS & header.keys() or header.get("jku", envelope.jwks_url) != envelope.jwks_url:
        raise TokenRefused(Reason.KEY_SOURCE)
    kind = header.get("typ", None if envelope.typed else "JWT")
    if _NOT_OURS & header.keys() or not isinstance(kind, str) or kind.upper() != "JWT":
        raise TokenRefused(Reason.HEADER)


def _chosen(header: dict[str, Any], keys: Sequence[VerificationKey]) -> VerificationKey:
    fitting = [
        key for key in keys if key.kid == header.get("kid") and key.algorithm == header["alg"]
    ]
    if len(fitting) != 1:
        raise TokenRefused(Reason.KEY)
    return fitting[0]


def _check_claims(claims: dict[str, Any], expected: Expected) -> Assertion:
    if not claims.get("iss") == claims.get("sub") == expected.client_id:
        raise TokenRefused(Reason.ISSUER)
    audience = claims.get("aud")
    named = audience if isinstance(audience, list) else [audience]
    if expected.token_url not in named or not all(isinstance(one, str) for one in named):
        raise TokenRefused(Reason.AUDIENCE)
    expires_at = _check_times(claims, expected.now)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= 1000:
        raise TokenRefused(Reason.IDENTIFIER)
    return Assertion(expected.client_id, jti, expires_at)


def _check_times(claims: dict[str, Any], now: datetime) -> datetime:
    expires_at = instant(claims.get("exp"))
    if expires_at <= now - LEEWAY:
        raise TokenRefused(Reason.EXPIRED)
    if expires_at > now + LIFETIME + LEEWAY:
        raise TokenRefused(Reason.TOO_FAR)
    for name in ("nbf", "iat"):
        if name in claims and instant(claims[name]) > now + LEEWAY:
            raise TokenRefused(Reason.NOT_YET)
    return expires_at


def instant(value: object) -> datetime:
    """Read a NumericDate (RFC 7519 2).

    Raises:
        TokenRefused: it is none, or none that anybody can mean.
    """
    # A boolean is an int to Python; 10**30 is no date to anybody.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(Reason.CLAIMS)
    if not math.isfinite(value) or not 0 <= value < 1 << 37:
        raise TokenRefused(Reason.TOO_FAR)
    return datetime.fromtimestamp(value, UTC)
