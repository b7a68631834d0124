"""When a client's keys have to be fetched from the address it registered, and what is kept of them.

Source: SMART App Launch, *Client Authentication: Asymmetric*, "Signature Verification": keys are
fetched by GET, and not kept longer than the client's Cache-Control says. Fetching is done outside
of any transaction, by :mod:`bridge.outbound`; this module decides and keeps.

A stranger can make us fetch, by naming a client and a kid. So a kid that is not in fresh keys
causes one fetch in :data:`REREAD_AFTER`, in all processes together, and a fetch that failed is
not tried again for :data:`RETRY_AFTER`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, or_, update

from bridge.clock import Clock
from bridge.identity.clients import active_row, fresh, keys_of, packed
from bridge.identity.errors import KeysRefused, TokenRefused
from bridge.identity.jose_guard import claimed_issuer, claimed_kid
from bridge.identity.jwks import VerificationKey, read_keys
from bridge.identity.tables import CLIENT

REREAD_AFTER: Final = timedelta(seconds=30)
RETRY_AFTER: Final = timedelta(seconds=10)
# A key that its owner took out of the set is out here within the hour, whatever the header says.
LONGEST_KEPT: Final = timedelta(hours=1)
KEPT_BY_DEFAULT: Final = timedelta(minutes=5)
Keys = tuple[VerificationKey, ...]


@dataclass(frozen=True, slots=True)
class KeySource:
    """Whose keys are to be fetched, and from where."""

    client_id: str
    url: str


@dataclass(frozen=True, slots=True)
class FetchedKeys:
    """Keys that were fetched for one request. ``source``: the client's name and the address."""

    source: tuple[str, str]
    keys: Keys


def keys_due(connection: Connection, assertion: str, clock: Clock) -> KeySource | None:
    """Return whose keys to fetch before an assertion is checked; None: what is here must do.

    Needs a writing transaction, which notes that a kid caused a fetch.
    """
    try:
        row = active_row(connection, claimed_issuer(assertion))
        kid = claimed_kid(assertion)
    except TokenRefused:
        return None
    if row is None or row.jwks_url is None:
        return None
    source, now = KeySource(row.client_id, row.jwks_url), clock.real_now()
    if row.jwks_retry_at is not None and now < row.jwks_retry_at:
        return None
    if not fresh(row, now):
        return source
    return source if not _has(row, kid) and _reread(connection, row, now) else None


def keep_fetched(
    connection: Connection, source: KeySource, jwks: Mapping[str, object], until: datetime
) -> FetchedKeys:
    """Keep the keys that were fetched, until ``until``, and return them for this request.

    Raises:
        KeysRefused: the set is not acceptable.
    """
    keys = read_keys(jwks)
    values = {"jwks": packed(jwks), "jwks_until": until, "jwks_retry_at": None}
    connection.execute(_of(source).values(values))
    return FetchedKeys((source.client_id, source.url), keys)


def note_failed_fetch(connection: Connection, source: KeySource, clock: Clock) -> None:
    """Note that a client's keys could not be fetched. Keys that are fresh stay in use."""
    retry = clock.real_now() + RETRY_AFTER
    connection.execute(_of(source).values(jwks_retry_at=retry))


def kept_until(cache_control: str | None, age: str | None, now: datetime) -> datetime:
    """Return until when a fetched key set may be used (RFC 9111 5.2.2; our cap on top).

    Args:
        cache_control: the response's header; None if it had none.
        age: its Age header: how many seconds it spent in other caches.
        now: real time of the response.
    """
    if cache_control is None:
        return now + KEPT_BY_DEFAULT
    said = dict(_directive(part) for part in cache_control.lower().split(","))
    if {"no-store", "no-cache"} & said.keys() or not said.get("max-age", "0").isdecimal():
        return now
    kept = said.get("max-age", str(int(KEPT_BY_DEFAULT.total_seconds())))
    left = _seconds(kept) - _seconds(age.strip() if age is not None else "0")
    return now + min(timedelta(seconds=max(0, left)), LONGEST_KEPT)


def _seconds(written: str) -> int:
    # RFC 9111 1.2.2: what is too large to count is a very long time.
    return int(written[:9]) if written.isascii() and written.isdecimal() else 0


def _directive(part: str) -> tuple[str, str]:
    name, _, value = part.strip().partition("=")
    return name.strip(), value.strip().strip('"')


def _has(row: Row[Any], kid: str) -> bool:
    try:
        return any(key.kid == kid for key in keys_of(row))
    except (KeysRefused, ValueError):
        return False


def _reread(connection: Connection, row: Row[Any], now: datetime) -> bool:
    # The database decides which of several processes may fetch.
    due = or_(CLIENT.c.jwks_reread_at.is_(None), CLIENT.c.jwks_reread_at <= now)
    mine = update(CLIENT).where(CLIENT.c.client_id == row.client_id, due)
    return connection.execute(mine.values(jwks_reread_at=now + REREAD_AFTER)).rowcount == 1


def _of(source: KeySource) -> Any:  # noqa: ANN401 - SQLAlchemy's Update
    named = CLIENT.c.client_id == source.client_id
    return update(CLIENT).where(named, CLIENT.c.jwks_url == source.url)
