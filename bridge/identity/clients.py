"""The register of clients: who may ask for a token, and with which keys."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, insert, select, update

from bridge.clock import Clock
from bridge.identity.errors import RegistrationRefused
from bridge.identity.jwks import VerificationKey, read_keys
from bridge.identity.model import Client, Registration, Status
from bridge.identity.rows import standing_columns, standing_of
from bridge.identity.tables import CLIENT, TOKEN

_CLIENT_ID: Final = re.compile(r"[\x21-\x7e]{1,200}")  # RFC 6749, A.1, without the space
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_NEVER_FETCHED: Final = {"jwks_until": None, "jwks_retry_at": None, "jwks_reread_at": None}


def register_client(connection: Connection, registration: Registration, clock: Clock) -> Client:
    """Register a client, active at once.

    Raises:
        RegistrationRefused: if the name is taken or unusable, or neither or both of a key set and
            the address of one are given.
        KeysRefused: if the key set is not acceptable.
    """
    _check(registration)
    if _row(connection, registration.client_id) is not None:
        raise RegistrationRefused("a client of that name is registered already")
    jwks = None if registration.jwks is None else packed(registration.jwks)
    values = {
        "client_id": registration.client_id,
        "jwks": jwks,
        "jwks_url": registration.jwks_url,
        "status": Status.ACTIVE.value,
        "registered_at": clock.now(),
        **_NEVER_FETCHED,
    }
    connection.execute(insert(CLIENT), values | standing_columns(registration.standing))
    return client_of(connection, registration.client_id)


def client_of(connection: Connection, client_id: str) -> Client:
    """Return a registered client.

    Raises:
        RegistrationRefused: if there is none of that name.
    """
    row = _row(connection, client_id)
    if row is None:
        raise RegistrationRefused("no client of that name is registered")
    return _client(row)


def list_clients(connection: Connection) -> list[Client]:
    """Return every registered client, by name."""
    return [_client(row) for row in connection.execute(select(CLIENT).order_by(CLIENT.c.client_id))]


def disable_client(connection: Connection, client_id: str) -> None:
    """Shut a client out, with every token it holds, from the commit on.

    Raises:
        RegistrationRefused: if there is none of that name.
    """
    _set(connection, client_id, {"status": Status.DISABLED.value})
    connection.execute(TOKEN.delete().where(TOKEN.c.client_id == client_id))


def enable_client(connection: Connection, client_id: str) -> None:
    """Let a client in again. Its old tokens stay dead.

    Raises:
        RegistrationRefused: if there is none of that name.
    """
    _set(connection, client_id, {"status": Status.ACTIVE.value})


def replace_keys(
    connection: Connection,
    client_id: str,
    jwks: Mapping[str, object],
) -> None:
    """Replace a client's keys with a set its owner sent. A client with an address has it no more.

    Raises:
        KeysRefused: if the set is not acceptable; the old keys stay.
        RegistrationRefused: if there is none of that name.
    """
    _set(connection, client_id, {"jwks": packed(jwks), **_NEVER_FETCHED, "jwks_url": None})


def replace_key_address(connection: Connection, client_id: str, url: str) -> None:
    """Replace a client's keys with the address they are fetched from, from its next request on.

    Raises:
        RegistrationRefused: if the address is not protected, or there is none of that name.
    """
    _check_address(url)
    _set(connection, client_id, {"jwks": None, **_NEVER_FETCHED, "jwks_url": url})


def active_row(connection: Connection, client_id: str) -> Row[Any] | None:
    """Return an active client's row; None for a name none could be registered under."""
    row = _row(connection, client_id) if _CLIENT_ID.fullmatch(client_id) else None
    return row if row is not None and row.status == Status.ACTIVE.value else None


def fresh(row: Row[Any], now: datetime) -> bool:
    """Tell whether a client's stored keys may be used."""
    fetched = row.jwks_url is not None
    return row.jwks is not None and (not fetched or (row.jwks_until or now) > now)


def keys_of(row: Row[Any]) -> tuple[VerificationKey, ...]:
    """Return the keys in a client's row.

    Raises:
        KeysRefused: if they were changed to something unacceptable since.
    """
    return read_keys(json.loads(row.jwks))


def _check(registration: Registration) -> None:
    if not _CLIENT_ID.fullmatch(registration.client_id):
        raise RegistrationRefused("a client's name has 1 to 200 visible ASCII characters")
    if (registration.jwks is None) == (registration.jwks_url is None):
        raise RegistrationRefused("give either the key set or its address")
    if registration.jwks_url is not None:
        _check_address(registration.jwks_url)


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or "@" in parts.netloc or not (parts.scheme == "https" or local):
        raise RegistrationRefused("the address of a key set begins with https://")


def packed(jwks: Mapping[str, object]) -> str:
    """Return a key set as it is stored.

    Raises:
        KeysRefused: if it is not acceptable.
    """
    return json.dumps({"keys": [key.jwk() for key in read_keys(jwks)]}, sort_keys=True)


def _set(connection: Connection, client_id: str, values: dict[str, object]) -> None:
    named = update(CLIENT).where(CLIENT.c.client_id == client_id)
    if connection.execute(named.values(values)).rowcount != 1:
        raise RegistrationRefused("no client of that name is registered")


def _row(connection: Connection, client_id: str) -> Row[Any] | None:
    return connection.execute(select(CLIENT).where(CLIENT.c.client_id == client_id)).one_or_none()


def _client(row: Row[Any]) -> Client:
    return Client(
        client_id=row.client_id,
        standing=standing_of(row),
        status=Status(row.status),
        registered_at=row.registered_at,
        jwks_url=row.jwks_url,
    )
