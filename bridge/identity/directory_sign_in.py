"""Signing in at a district's own directory: OpenID Connect, authorization code with PKCE.

Sources: OpenID Connect Core 3.1, Discovery 4.3; RFC 7636 (S256); RFC 9207 (``iss`` in the answer);
OAuth 2.0 Security Best Current Practice (RFC 9700) 2.1, 4.7.

A sign-in that is under way is kept nowhere but in the browser: a cookie that scripts cannot read
holds the district's name, the time and 256 random bits, and ``state``, ``nonce`` and the PKCE
verifier are digests of it. So an answer fits the browser that asked, or none; and strangers who
begin sign-ins fill no table.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from bridge.clock import Clock
from bridge.directories import Directory, is_loopback, is_protected
from bridge.identity.errors import SignInRefused
from bridge.identity.model import Caller, Party, Standing
from bridge.identity.rows import digest_of

LIFETIME: Final = timedelta(minutes=10)
_ADDRESSES: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@dataclass(frozen=True, slots=True)
class Provider:
    """What a directory publishes of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@dataclass(frozen=True, slots=True, repr=False)
class Begun:
    """A sign-in that begins: where the browser goes, and the cookie it keeps meanwhile."""

    url: str
    cookie: str


@dataclass(frozen=True, slots=True, repr=False)
class Pending:
    """A sign-in that is answered."""

    directory: str
    cookie: str
    expires_at: datetime

    @property
    def nonce(self) -> str:
        """What the id_token must carry."""
        return digest_of(self.cookie, "nonce")

    @property
    def verifier(self) -> str:
        """What proves to the directory that the code was asked for here."""
        return digest_of(self.cookie, "verifier")


def read_provider(issuer: str, document: Mapping[str, Any]) -> Provider:
    """Read a discovery document.

    Raises:
        SignInRefused: it is of another issuer, lacks an address or names one that is not protected.
    """
    if document.get("issuer") != issuer:
        raise SignInRefused("the directory calls itself by another name")
    addresses = [document.get(name) for name in _ADDRESSES]
    if not all(isinstance(one, str) and _protected(one, issuer) for one in addresses):
        raise SignInRefused("an address of the directory is missing or not protected")
    methods = document.get("code_challenge_methods_supported", ["S256"])
    if not isinstance(methods, list) or "S256" not in methods:
        raise SignInRefused("the directory does not know PKCE with S256")
    return Provider(issuer, *map(str, addresses))


def begin_sign_in(
    directory: Directory, provider: Provider, redirect_uri: str, clock: Clock
) -> Begun:
    """Begin a sign-in.

    Args:
        directory: where.
        provider: its addresses.
        redirect_uri: where the directory sends the browser back to, exactly as registered there.
        clock: real time counts.
    """
    began = int(clock.real_now().timestamp())
    cookie = f"{directory.name}.{began}.{secrets.token_urlsafe(32)}"
    pending = Pending(directory.name, cookie, clock.real_now() + LIFETIME)
    challenge = hashlib.sha256(pending.verifier.encode()).digest()
    asked = {
        "response_type": "code",
        "client_id": directory.client_id,
        "redirect_uri": redirect_uri,
        "scope": "openid",
        "state": _state(cookie),
        "nonce": pending.nonce,
        "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    joint = "&" if urlsplit(provider.authorization_endpoint).query else "?"
    return Begun(f"{provider.authorization_endpoint}{joint}{urlencode(asked)}", cookie)


def pending_sign_in(cookie: str, state: str, clock: Clock) -> Pending:
    """Return the sign-in that an answer belongs to.

    Raises:
        SignInRefused: the browser has not begun it, or too long ago.
    """
    name, _, rest = cookie.partition(".")
    began, _, random = rest.partition(".")
    if len(cookie) > 200 or not cookie.isascii() or len(random) < 43 or not _digits(began):
        raise SignInRefused("this browser has not begun to sign in")
    if not hmac.compare_digest(_state(cookie).encode(), state.encode("utf-8", "surrogatepass")):
        raise SignInRefused("the answer is to another sign-in")
    expires_at = datetime.fromtimestamp(int(began), UTC) + LIFETIME
    now = clock.real_now()
    if not now < expires_at <= now + LIFETIME:
        raise SignInRefused("the sign-in took too long")
    return Pending(name, cookie, expires_at)


def standing_in(directory: Directory, claims: Mapping[str, Any]) -> Standing:
    """Return what a person is here, from what the directory says: its first role that counts.

    Raises:
        SignInRefused: it says nothing that counts.
    """
    said = claims.get(directory.claim)
    words = [said] if isinstance(said, str) else said
    if not isinstance(words, list):
        words = []
    for word, role in directory.roles:
        if word in words:
            return Standing(Party.LEA, directory.name, "", role, directory.purposes)
    raise SignInRefused("the directory gives the person no role that counts here")


def handle_of(directory: Directory, claims: Mapping[str, Any]) -> str:
    """Return what a person is called here: the same each time, and not who they are."""
    return f"{directory.name}/{digest_of(directory.issuer, str(claims['sub']))[:16]}"


def still_admitted(directories: Sequence[Directory], caller: Caller) -> bool:
    """Tell whether someone who signed in at a directory could still be let in in that role.

    The settings may have changed since. Who signed in by a code did not come from a directory.
    """
    name, slash, _ = caller.client_id.removeprefix("staff:").partition("/")
    if not slash:
        return True
    return any(
        directory.name == name == caller.organization
        and caller.role in dict(directory.roles).values()
        and set(caller.purposes) <= set(directory.purposes)
        for directory in directories
    )


def _state(cookie: str) -> str:
    return digest_of(cookie, "state")


def _digits(text: str) -> bool:
    return text.isdecimal() and len(text) <= 11


def _protected(url: str, issuer: str) -> bool:
    # A directory out there may not send the browser, or us, to this machine.
    return is_protected(url) and "#" not in url and (is_loopback(issuer) or not is_loopback(url))
