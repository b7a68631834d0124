"""What a client may do with the tokens it was given: look into one, and end one early.

Sources: RFC 7662 (introspection), RFC 7009 (revocation), SMART App Launch, *Token Introspection*. A
client reaches its own tokens only. Of any other string (a token of another client, one that
expired, nonsense) the answer is the same, so it tells nothing.
"""

from typing import Final

from sqlalchemy import Connection, select, update

from bridge.clock import Clock
from bridge.identity.callers import MAX_BEARER, caller_of
from bridge.identity.rows import digest_of
from bridge.identity.scopes import spelled
from bridge.identity.tables import TOKEN

INACTIVE: Final[dict[str, str | int | bool]] = {"active": False}


def introspect(
    connection: Connection, client_id: str, token: str, clock: Clock
) -> dict[str, str | int | bool]:
    """Return what a token is good for now: its scopes are those that the client still has."""
    caller = caller_of(connection, token, clock)
    if caller is None or caller.client_id != client_id or not caller.scopes:
        return dict(INACTIVE)
    query = select(TOKEN.c.expires_at).where(TOKEN.c.digest == digest_of(token))
    expires_at = connection.execute(query).scalar_one()
    return {
        "active": True,
        "scope": spelled(caller.scopes),
        "client_id": client_id,
        "token_type": "bearer",
        "exp": int(expires_at.timestamp()),
        "sub": client_id,
    }


def revoke(connection: Connection, client_id: str, token: str, clock: Clock) -> None:
    """End a token of a client, from the commit on and in every process; others are left alone."""
    if len(token) > MAX_BEARER:
        return
    now = clock.real_now()
    row = TOKEN.c
    own = update(TOKEN).where(row.digest == digest_of(token), row.client_id == client_id)
    connection.execute(own.where(row.expires_at > now).values(expires_at=now))
