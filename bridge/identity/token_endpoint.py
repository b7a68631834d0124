"""The logic of the token endpoint: an assertion in, an opaque token of five minutes out.

Sources: SMART App Launch, *Backend Services*, steps 2 and 3, and *Client Authentication:
Asymmetric*; RFC 6749 4.4, 5.1, 5.2; RFC 7523 2.2, 3. The token is 256 random bits; only its digest
is stored, so a copy of the database opens nothing.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, insert

from bridge.clock import Clock
from bridge.identity.clients import active_row, fresh, keys_of
from bridge.identity.errors import KeysRefused, OAuthError, Reason, TokenRefused
from bridge.identity.jose_guard import Assertion, Expected, claimed_issuer, verify_assertion
from bridge.identity.key_fetching import FetchedKeys, Keys
from bridge.identity.model import Standing
from bridge.identity.rows import digest_of, standing_of
from bridge.identity.scopes import Scope, narrowed, read_scopes, spelled
from bridge.identity.tables import TOKEN
from bridge.identity.used_once import forget_expired, use_once

LIFETIME: Final = timedelta(seconds=300)
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def _any(_standing: Standing, _scope: Scope) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What the endpoint knows of itself.

    Attributes:
        token_url: its own public address, the one audience accepted.
        understands: whether the bridge can enforce a scope; one it cannot is not granted.
    """

    token_url: str
    understands: Callable[[Standing, Scope], bool] = _any


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """A token, once: it cannot be read back. Its text form shows no token."""

    access_token: str
    scopes: tuple[Scope, ...]
    expires_in: int

    def __repr__(self) -> str:
        return f"Grant({spelled(self.scopes)})"

    def body(self) -> dict[str, str | int]:
        """Return the JSON object to answer with (send it with ``Cache-Control: no-store``)."""
        return {
            "access_token": self.access_token,
            "token_type": "bearer",
            "expires_in": self.expires_in,
            "scope": spelled(self.scopes),
        }


def grant_token(
    connection: Connection,
    form: Mapping[str, str],
    here: Endpoint,
    clock: Clock,
    fetched: FetchedKeys | None = None,
) -> Grant:
    """Answer a token request. Needs a writing transaction; roll it back on an error.

    Args:
        connection: the database.
        form: the form fields, each at most once.
        here: this endpoint.
        clock: real time counts.
        fetched: the client's keys, if they were fetched for this request.

    Raises:
        OAuthError: with the code and status to answer. Whatever is wrong with the client or its
            assertion is the same ``invalid_client``; ``reason`` tells the operator's log more.
    """
    _check_form(form)
    now = clock.real_now()
    try:
        row, assertion = _proven(connection, form, (here.token_url, now), fetched)
        standing = standing_of(row)
        both = narrowed(read_scopes(form.get("scope", "")), standing.scopes)
        scopes = tuple(scope for scope in both if here.understands(standing, scope))
        if not scopes:
            raise OAuthError("invalid_scope", 400, "none of the scopes was granted to the client")
        use_once(connection, assertion.client_id, assertion.jti, assertion.expires_at)
    except TokenRefused as refused:
        raise _unproven(refused.reason) from None
    forget_expired(connection, now)
    return _granted(connection, row.client_id, scopes, now)


def proven_client(
    connection: Connection,
    form: Mapping[str, str],
    here: Endpoint,
    clock: Clock,
    fetched: FetchedKeys | None = None,
) -> str:
    """Return the name of the client that an assertion proves, and use the assertion up.

    For the endpoints beside the token endpoint (RFC 7009 2.1, RFC 7662 2.1); the arguments and the
    errors are those of :func:`grant_token`.
    """
    _check_assertion(form)
    try:
        row, assertion = _proven(connection, form, (here.token_url, clock.real_now()), fetched)
        use_once(connection, assertion.client_id, assertion.jti, assertion.expires_at)
    except TokenRefused as refused:
        raise _unproven(refused.reason) from None
    return str(row.client_id)


def _check_form(form: Mapping[str, str]) -> None:
    if "grant_type" not in form:
        raise OAuthError("invalid_request", 400, "grant_type is needed")
    if form["grant_type"] != "client_credentials":
        raise OAuthError("unsupported_grant_type", 400, "grant_type is client_credentials")
    _check_assertion(form)


def _check_assertion(form: Mapping[str, str]) -> None:
    if "client_assertion" not in form:
        raise OAuthError("invalid_request", 400, "client_assertion is needed")
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise OAuthError("invalid_request", 400, f"client_assertion_type is {ASSERTION_TYPE}")


def _proven(
    connection: Connection,
    form: Mapping[str, str],
    at: tuple[str, datetime],
    fetched: FetchedKeys | None,
) -> tuple[Row[Any], Assertion]:
    token, (token_url, now) = form["client_assertion"], at
    client_id = claimed_issuer(token)
    # RFC 7521 4.2: client_id is not needed beside an assertion, but must agree with it.
    if form.get("client_id", client_id) != client_id:
        raise TokenRefused(Reason.ISSUER)
    row = active_row(connection, client_id)
    if row is None:
        raise TokenRefused(Reason.UNKNOWN_CLIENT)
    keys = _keys(row, fetched, now)
    return row, verify_assertion(token, keys, Expected(client_id, token_url, now, row.jwks_url))


def _keys(row: Row[Any], fetched: FetchedKeys | None, now: datetime) -> Keys:
    # Only what was fetched from the address that is registered now.
    if fetched is not None and fetched.source == (row.client_id, row.jwks_url):
        return fetched.keys
    if not fresh(row, now):
        raise TokenRefused(Reason.KEY)
    try:
        return keys_of(row)
    except (KeysRefused, ValueError):
        raise TokenRefused(Reason.KEY) from None


def _granted(
    connection: Connection, client_id: str, scopes: tuple[Scope, ...], now: datetime
) -> Grant:
    token = secrets.token_urlsafe(32)
    row = {
        "digest": digest_of(token),
        "client_id": client_id,
        "scopes": spelled(scopes),
        "expires_at": now + LIFETIME,
    }
    connection.execute(insert(TOKEN), row)
    return Grant(token, scopes, int(LIFETIME.total_seconds()))


def _unproven(reason: Reason) -> OAuthError:
    return OAuthError("invalid_client", 401, "the client has not proved who it is", reason)
