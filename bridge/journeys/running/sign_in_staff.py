"""A person signs in at their district's directory and becomes a session here."""

import base64
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

from bridge.directories import Directory
from bridge.identity import (
    Begun,
    KeysRefused,
    Pending,
    Provider,
    SignedIn,
    SignInExpected,
    SignInRefused,
    TokenRefused,
    VerificationKey,
    begin_sign_in,
    claimed_kid,
    forget_expired,
    handle_of,
    kept_until,
    open_session,
    pending_sign_in,
    read_provider,
    read_sign_in_keys,
    standing_in,
    use_once,
    verify_id_token,
)
from bridge.outbound import Fetched, Fetching, OutboundError
from bridge.parts import Parts
from bridge.store.database.engine import write
from bridge.store.people.drafts import drop_drafts_before

_DISCOVERY: Final = "/.well-known/openid-configuration"
_REREAD_AFTER: Final = timedelta(seconds=30)
_MAX_ID_TOKEN: Final = 32_768


@dataclass(slots=True)
class _Known:
    """What is known of one directory, and until when."""

    provider: Provider
    until: datetime
    keys: tuple[VerificationKey, ...] = ()
    keys_until: datetime | None = None
    reread_at: datetime | None = None


class DirectorySignIn:
    """Signs people in at the directories of a deployment."""

    def __init__(
        self, parts: Parts, fetching: Fetching, directories: tuple[Directory, ...], base_url: str
    ) -> None:
        self._parts = parts
        self._fetching = fetching
        self._directories = {directory.name: directory for directory in directories}
        self.redirect_uri = f"{base_url}/portal/callback"
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def begin(self, name: str) -> Begun:
        """Begin a sign-in at a district's directory.

        Raises:
            SignInRefused: there is no such district, or its directory cannot be reached.
        """
        directory = self._named(name)
        known = self._learned(directory)
        return begin_sign_in(directory, known.provider, self.redirect_uri, self._parts.clock)

    def complete(self, answer: Mapping[str, str], cookie: str) -> SignedIn:
        """Take the directory's answer and open a session.

        Args:
            answer: the parameters of the redirect.
            cookie: what the browser kept since :meth:`begin`.

        Raises:
            SignInRefused: for whatever is wrong with the answer or the person.
        """
        pending = pending_sign_in(cookie, answer.get("state", ""), self._parts.clock)
        directory = self._named(pending.directory)
        if answer.get("iss", directory.issuer) != directory.issuer:
            raise SignInRefused("the answer is another directory's")
        if "error" in answer or not 0 < len(answer.get("code", "")) <= 4096:
            raise SignInRefused("the directory did not let the person in")
        self._use_up(pending)
        known = self._learned(directory)
        token = self._exchanged(directory, known.provider, answer["code"], pending)
        claims = self._verified(directory, known, token, pending)
        standing, handle = standing_in(directory, claims), handle_of(directory, claims)
        with write(self._parts.engine) as connection:
            # What nobody goes on with is gone on its day, also where nobody types anything new.
            drop_drafts_before(connection, self._parts.clock.real_now())
            return open_session(connection, handle, standing, self._parts.clock)

    def _named(self, name: str) -> Directory:
        if name not in self._directories:
            raise SignInRefused("no such district signs in here")
        return self._directories[name]

    def _use_up(self, pending: Pending) -> None:
        try:
            with write(self._parts.engine) as connection:
                use_once(connection, "sign-in", pending.cookie, pending.expires_at)
                forget_expired(connection, self._parts.clock.real_now())
        except TokenRefused:
            raise SignInRefused("the answer came before") from None

    def _exchanged(
        self, directory: Directory, provider: Provider, code: str, pending: Pending
    ) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": pending.verifier,
            "client_id": directory.client_id,
        }
        headers = {}
        if directory.client_secret:
            # RFC 6749 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote_plus(directory.client_id)}:{quote_plus(directory.client_secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        body = urlencode(form).encode()
        try:
            answer = self._fetching.post_form(provider.token_endpoint, body, headers)
        except OutboundError as error:
            raise SignInRefused(f"code not exchanged: {error}") from None
        token = _object(answer).get("id_token")
        if not isinstance(token, str):
            raise SignInRefused("the directory sent no id_token")
        return token

    def _verified(
        self, directory: Directory, known: _Known, token: str, pending: Pending
    ) -> Mapping[str, Any]:
        now = self._parts.clock.real_now()
        expected = SignInExpected(directory.issuer, directory.client_id, pending.nonce, now)
        try:
            kid = claimed_kid(token, _MAX_ID_TOKEN)
            return verify_id_token(token, self._keys(known, kid, now), expected)
        except TokenRefused as refused:
            raise SignInRefused(f"the id_token is refused: {refused.reason}") from None

    def _learned(self, directory: Directory) -> _Known:
        now = self._parts.clock.real_now()
        with self._lock:
            known = self._known.get(directory.name)
        if known is not None and now < known.until:
            return known
        fetched = self._fetched(directory.issuer.rstrip("/") + _DISCOVERY)
        provider = read_provider(directory.issuer, _object(fetched))
        known = _Known(provider, _until(fetched, now))
        with self._lock:
            self._known[directory.name] = known
        return known

    def _keys(self, known: _Known, kid: str, now: datetime) -> tuple[VerificationKey, ...]:
        """Return the directory's keys: fetched anew when stale, or for a kid that is new."""
        fresh = known.keys_until is not None and now < known.keys_until
        unknown = fresh and all(key.kid != kid for key in known.keys)
        if fresh and not (unknown and (known.reread_at is None or now >= known.reread_at)):
            return known.keys
        known.reread_at = now + _REREAD_AFTER
        fetched = self._fetched(known.provider.jwks_uri)
        try:
            keys = read_sign_in_keys(_object(fetched))
        except KeysRefused as refused:
            raise SignInRefused(f"the directory's keys: {refused}") from None
        known.keys, known.keys_until = keys, _until(fetched, now)
        return keys

    def _fetched(self, url: str) -> Fetched:
        try:
            return self._fetching.get(url)
        except OutboundError as error:
            raise SignInRefused(f"the directory cannot be reached: {error}") from None


def _until(fetched: Fetched, now: datetime) -> datetime:
    return kept_until(fetched.headers.get("cache-control"), fetched.headers.get("age"), now)


def _object(fetched: Fetched) -> dict[str, Any]:
    try:
        found = json.loads(fetched.body)
    except (ValueError, RecursionError):
        raise SignInRefused("the directory did not send JSON") from None
    if not isinstance(found, dict):
        raise SignInRefused("the directory did not send a JSON object")
    return found
