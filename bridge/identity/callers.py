"""Who holds a bearer token, at this moment."""

import hmac
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, select

from bridge.clock import Clock
from bridge.identity.model import Caller, Status
from bridge.identity.rows import digest_of, standing_of
from bridge.identity.scopes import narrowed, read_scopes
from bridge.identity.tables import CLIENT, TOKEN

MAX_BEARER: Final = 200


def caller_of(connection: Connection, bearer: str, clock: Clock) -> Caller | None:
    """Return who may act with a token, or None: unknown, expired, or the client is shut out.

    Everything is looked up at each call, nothing is remembered: a client that is disabled, or given
    fewer scopes or purposes, has less from the commit on.

    Args:
        connection: the database; reading is enough.
        bearer: what stands behind ``Bearer`` in the Authorization header.
        clock: real time counts.
    """
    if not 0 < len(bearer) <= MAX_BEARER or not bearer.isascii():
        return None
    digest = digest_of(bearer)
    # Found by its digest: how long the search takes says nothing about the token.
    held = select(CLIENT, TOKEN.c.digest, TOKEN.c.expires_at, TOKEN.c.scopes.label("held_scopes"))
    query = held.join_from(TOKEN, CLIENT).where(TOKEN.c.digest == digest)
    row = connection.execute(query).one_or_none()
    if row is None or not hmac.compare_digest(row.digest, digest):
        return None
    if row.status != Status.ACTIVE.value or row.expires_at <= clock.real_now():
        return None
    standing = standing_of(row)
    scopes = narrowed(read_scopes(row.held_scopes), standing.scopes)
    return Caller(row.client_id, replace(standing, scopes=scopes))
