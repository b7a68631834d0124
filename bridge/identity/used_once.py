"""What may be used once, and what is forgotten when its time is over."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Table, delete, insert, select
from sqlalchemy.exc import IntegrityError

from bridge.identity.errors import Reason, TokenRefused
from bridge.identity.rows import digest_of
from bridge.identity.tables import CODE, SEEN, SESSION, TOKEN

_CLEANED_AT_ONCE: Final = 200
# Kept longer than needed, so that a clock set back a little opens no window for a replay.
_KEPT_AFTER_EXPIRY: Final = timedelta(hours=1)


def use_once(connection: Connection, issuer: str, name: str, expires_at: datetime) -> None:
    """Use something up, in this transaction.

    INVARIANT: the database decides, not a look before the insert: two workers may hold the same.

    Raises:
        TokenRefused: it was used before.
    """
    row = {"issuer": issuer, "jti_digest": digest_of(name), "expires_at": expires_at}
    try:
        with connection.begin_nested():
            connection.execute(insert(SEEN), row)
    except IntegrityError:
        raise TokenRefused(Reason.REPLAYED) from None


def forget_expired(connection: Connection, now: datetime) -> None:
    """Delete some of what expired an hour ago.

    A few rows at every grant: more than one grant adds, so the tables cannot grow without end.
    """
    for table in (SEEN, TOKEN, CODE, SESSION):
        _forget(connection, table, now - _KEPT_AFTER_EXPIRY)


def _forget(connection: Connection, table: Table, before: datetime) -> None:
    key = list(table.primary_key.columns)[-1]
    old = (
        select(key)
        .where(table.c.expires_at < before)
        .order_by(table.c.expires_at)
        .limit(_CLEANED_AT_ONCE)
        # Another worker may be cleaning the same rows: leave them to it.
        .with_for_update(skip_locked=True)
    )
    expired = table.c.expires_at < before
    connection.execute(delete(table).where(key.in_(old.scalar_subquery()), expired))
