"""Before an assertion is checked: fetch its client's keys, where they are due."""

import json

import structlog

from bridge.identity import (
    FetchedKeys,
    KeySource,
    KeysRefused,
    OAuthError,
    keep_fetched,
    kept_until,
    keys_due,
    note_failed_fetch,
)
from bridge.outbound import Fetched, Fetching, OutboundBusyError, OutboundError
from bridge.parts import Parts
from bridge.store.database.engine import write

_log = structlog.get_logger("bridge.identity")


def fetch_client_keys(parts: Parts, fetching: Fetching, assertion: str) -> FetchedKeys | None:
    """Fetch and keep the keys that an assertion needs; None: what is stored must do.

    Whatever goes wrong, the assertion is then checked with the keys that are stored and fresh, or
    with none. No transaction is open while the other side is waited for.

    Raises:
        OAuthError: too many such fetches are under way; the client may try again.
    """
    with write(parts.engine) as connection:
        source = keys_due(connection, assertion, parts.clock)
    if source is None:
        return None
    try:
        return _kept(parts, source, fetching.get(source.url))
    except OutboundBusyError:
        raise OAuthError("temporarily_unavailable", 503, "try again in a moment") from None
    except (OutboundError, KeysRefused, ValueError, RecursionError) as error:
        _log.warning("keys not fetched", client=source.client_id, kind=type(error).__name__)
        with write(parts.engine) as connection:
            note_failed_fetch(connection, source, parts.clock)
        return None


def _kept(parts: Parts, source: KeySource, fetched: Fetched) -> FetchedKeys:
    jwks = json.loads(fetched.body)
    if not isinstance(jwks, dict):
        raise KeysRefused("a JWK Set is a JSON object")
    control, age = fetched.headers.get("cache-control"), fetched.headers.get("age")
    until = kept_until(control, age, parts.clock.real_now())
    with write(parts.engine) as connection:
        return keep_fetched(connection, source, jwks, until)
