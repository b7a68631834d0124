"""Sessions of school staff, and sign-in by a code where a district's own sign-in is not connected.

The operator mints a code for one person and hands it over; it works once, within ten minutes. Its
first group is a handle that finds the code and is no secret, so that wrong guesses can be counted
against it (OWASP ASVS 5.0, chapter 6: out-of-band codes are short-lived, single-use and limited).
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from bridge.clock import Clock
from bridge.identity.model import Caller, Standing
from bridge.identity.rows import digest_of, standing_columns, standing_of
from bridge.identity.tables import CODE, SESSION

CODE_LIFETIME: Final = timedelta(minutes=10)
IDLE: Final = timedelta(minutes=15)
SESSION_LIFETIME: Final = timedelta(hours=10)
MOST_ATTEMPTS: Final = 5
# Crockford's base 32: no letter that is taken for a digit when read out or typed.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS: Final = str.maketrans("OIL", "011", "- ")
_GROUP: Final = 4
_GROUPS: Final = 4


@dataclass(frozen=True, slots=True, repr=False)
class SignedIn:
    """A new session. ``token`` goes into an HttpOnly cookie and cannot be read back."""

    token: str
    caller: Caller

    def __repr__(self) -> str:
        return f"SignedIn({self.caller.client_id})"


def mint_staff_code(connection: Connection, standing: Standing, clock: Clock) -> str:
    """Make a sign-in code for one person of a party; ``XXXX-XXXX-XXXX-XXXX``, 60 secret bits.

    Raises:
        ValueError: if a purpose is not one word.
    """
    handle, secret = _drawn(connection), _random(_GROUP * (_GROUPS - 1))
    row = {
        "handle": handle,
        "digest": digest_of(handle, secret),
        "attempts": 0,
        "used_at": None,
        "expires_at": clock.real_now() + CODE_LIFETIME,
    }
    connection.execute(insert(CODE), row | standing_columns(standing))
    whole = handle + secret
    return "-".join(whole[at : at + _GROUP] for at in range(0, len(whole), _GROUP))


def sign_in(connection: Connection, code: str, clock: Clock) -> SignedIn | None:
    """Exchange a code for a session; None if it is wrong, used, expired or guessed at too often.

    INVARIANT: commit after a None too; a wrong guess counts only then.
    """
    typed = code.upper().translate(_READ_AS)
    if len(typed) != _GROUP * _GROUPS or not set(typed) <= set(_ALPHABET):
        return None
    query = select(CODE).where(CODE.c.handle == typed[:_GROUP]).with_for_update()
    row = connection.execute(query).one_or_none()
    now = clock.real_now()
    if row is None or not _usable(row, now):
        return None
    if not hmac.compare_digest(row.digest, digest_of(typed[:_GROUP], typed[_GROUP:])):
        _note(connection, row.handle, {"attempts": row.attempts + 1})
        return None
    _note(connection, row.handle, {"used_at": now})
    return open_session(connection, row.handle, standing_of(row), clock)


def open_session(connection: Connection, handle: str, standing: Standing, clock: Clock) -> SignedIn:
    """Begin a session of someone who has proved who they are.

    Args:
        connection: the database.
        handle: what the person is called here; no name and no secret.
        standing: for whom and as what they act.
        clock: real time counts.
    """
    token, now = secrets.token_urlsafe(32), clock.real_now()
    session = {
        "digest": digest_of(token),
        "handle": handle,
        "seen_at": now,
        "expires_at": now + SESSION_LIFETIME,
    }
    connection.execute(insert(SESSION), session | standing_columns(standing))
    return SignedIn(token, Caller(f"staff:{handle}", standing))


def form_token(session: str) -> str:
    """Return what a form of a session carries, so that another site cannot send it."""
    return digest_of(session, "form")


def staff_of(connection: Connection, token: str, clock: Clock) -> Caller | None:
    """Return who a session belongs to, and keep it awake; None if it ended. Writes.

    A session ends fifteen minutes after the last request, and ten hours after its start.
    """
    if not token or len(token) > 200:
        return None
    digest, now = digest_of(token), clock.real_now()
    row = connection.execute(select(SESSION).where(SESSION.c.digest == digest)).one_or_none()
    if row is None or not hmac.compare_digest(row.digest, digest):
        return None
    if now >= min(row.seen_at + IDLE, row.expires_at):
        return None
    seen = update(SESSION).where(SESSION.c.digest == digest).values(seen_at=max(now, row.seen_at))
    connection.execute(seen)
    return Caller(f"staff:{row.handle}", standing_of(row))


def seconds_left(connection: Connection, token: str, clock: Clock) -> int:
    """Return how long a session lasts if nothing more is asked; 0 if it ended. Writes nothing."""
    if not token or len(token) > 200:
        return 0
    query = select(SESSION.c.seen_at, SESSION.c.expires_at)
    found = connection.execute(query.where(SESSION.c.digest == digest_of(token))).one_or_none()
    if found is None:
        return 0
    left = min(found.seen_at + IDLE, found.expires_at) - clock.real_now()
    return max(0, int(left.total_seconds()))


def sign_out(connection: Connection, token: str) -> None:
    """End a session, if it is one."""
    connection.execute(delete(SESSION).where(SESSION.c.digest == digest_of(token)))


def _usable(row: Row[Any], now: datetime) -> bool:
    return row.used_at is None and row.attempts < MOST_ATTEMPTS and now < row.expires_at


def _note(connection: Connection, handle: str, values: dict[str, object]) -> None:
    connection.execute(update(CODE).where(CODE.c.handle == handle).values(values))


def _drawn(connection: Connection) -> str:
    # A million handles, a handful alive: a second draw is rare, a hundredth does not happen.
    for _ in range(100):
        handle = _random(_GROUP)
        taken = select(CODE.c.handle).where(CODE.c.handle == handle)
        if connection.execute(taken).one_or_none() is None:
            return handle
    raise RuntimeError("no free handle: too many codes are open")


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
