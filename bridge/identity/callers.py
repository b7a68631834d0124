"""Who holds a bearer token, at this moment."""

import hmac
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from bridge.clock import Clock
from bridge.identity.clients import active_row
from bridge.identity.model import Caller, Proof, Status
from bridge.identity.rows import digest_of, standing_of
from bridge.identity.scopes import narrowed, read_scopes
from bridge.identity.tables import CLIENT, TOKEN
from bridge.identity.token_cache import Held, TokenCache
from bridge.identity.version import locked_version_of, version_of

MAX_BEARER: Final = 200


def caller_of(
    connection: Connection, bearer: str, clock: Clock, cache: TokenCache | None = None
) -> Caller | None:
    """Return who may act with a token, or None: unknown, expired, or the client is shut out.

    INVARIANT: an answer is never older than the transaction: a client that is disabled, or given
    fewer scopes or purposes, and a token that is revoked, has less from the commit on.

    Args:
        connection: the database; reading is enough.
        bearer: what stands behind ``Bearer`` in the Authorization header.
        clock: real time counts.
        cache: what this process remembers of tokens; everything is looked up without it.
    """
    if not 0 < len(bearer) <= MAX_BEARER or not bearer.isascii():
        return None
    digest, version, now = digest_of(bearer), version_of(connection), clock.real_now()
    known = cache.look(digest, version, now) if cache is not None else None
    if known is not None:
        return known
    row = _row(connection, digest)
    if row is None or row.expires_at <= now:
        return None
    caller = _caller(row, version)
    if cache is not None:
        cache.keep(digest, Held(caller, row.expires_at), version)
    return caller


def client_caller(connection: Connection, client_id: str, scopes: str) -> Caller | None:
    """Return a client as who is sent something it once asked for; None if it is shut out now.

    It came without a token, so it has no more than the scopes it asked with and, of those, no more
    than it is registered for now. Nothing can be taken from it until this writing transaction ends.
    """
    locked_version_of(connection)
    row = active_row(connection, client_id)
    if row is None:
        return None
    standing = standing_of(row)
    return Caller(
        client_id, replace(standing, scopes=narrowed(read_scopes(scopes), standing.scopes))
    )


def still_holds(connection: Connection, caller: Caller, clock: Clock) -> bool:
    """Tell, in the writing transaction that releases, whether a caller may do what it could.

    Until that transaction ends, nothing can be taken from the caller any more: a change that is
    acknowledged before it commits was seen here. Who came without a token holds nothing to lose.
    """
    if caller.proof is None:
        return True
    version = locked_version_of(connection)
    if version == caller.proof.version:
        return True
    row = _row(connection, caller.proof.digest)
    if row is None or row.expires_at <= clock.real_now():
        return False
    return _caller(row, version) == caller


def _row(connection: Connection, digest: str) -> Row[Any] | None:
    # Found by its digest: how long the search takes says nothing about the token.
    held = select(CLIENT, TOKEN.c.digest, TOKEN.c.expires_at, TOKEN.c.scopes.label("held_scopes"))
    query = held.join_from(TOKEN, CLIENT).where(TOKEN.c.digest == digest)
    row = connection.execute(query).one_or_none()
    if row is None or not hmac.compare_digest(row.digest, digest):
        return None
    return row if row.status == Status.ACTIVE.value else None


def _caller(row: Row[Any], version: int) -> Caller:
    standing = standing_of(row)
    scopes = narrowed(read_scopes(row.held_scopes), standing.scopes)
    return Caller(row.client_id, replace(standing, scopes=scopes), Proof(row.digest, version))
