"""What a process remembers of tokens is never older than the transaction that goes by it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, event, text, update

from bridge.clock import FixedClock
from bridge.driver import cursor_of
from bridge.identity.callers import caller_of, still_holds
from bridge.identity.clients import disable_client
from bridge.identity.model import Caller, Party, Standing
from bridge.identity.own_tokens import revoke
from bridge.identity.rows import digest_of
from bridge.identity.tables import CLIENT, TOKEN
from bridge.identity.token_cache import Held, TokenCache
from bridge.identity.version import version_of
from bridge.store.database.engine import open_engine, read, write
from tests.bridge.identity.conftest import FormMaker, granted
from tests.support.assertions import CLIENT_ID, at

LATER = at(2_000_000_000)
Change = Callable[[Connection, str, FixedClock], object]
CHANGES: dict[str, Change] = {
    "disabled": lambda c, _t, _k: disable_client(c, CLIENT_ID),
    "revoked": lambda c, t, k: revoke(c, CLIENT_ID, t, k),
    "status by hand": lambda c, _t, _k: c.execute(update(CLIENT).values(status="disabled")),
    "scopes by hand": lambda c, _t, _k: c.execute(update(CLIENT).values(scopes="")),
    "purposes by hand": lambda c, _t, _k: c.execute(update(CLIENT).values(purposes="")),
    "party by hand": lambda c, _t, _k: c.execute(text("UPDATE identity_client SET party = 'hub'")),
    "token by hand": lambda c, _t, k: c.execute(update(TOKEN).values(expires_at=k.real_now())),
}


@pytest.fixture
def cache() -> TokenCache:
    return TokenCache()


@pytest.fixture
def bearer(engine: Engine, client: str, make_form: FormMaker, clock: FixedClock) -> str:
    return granted(engine, make_form(), clock).access_token


def asked(
    engine: Engine, bearer: str, clock: FixedClock, cache: TokenCache | None
) -> tuple[Caller | None, int]:
    """Return who holds the token, and how many statements it took to say so."""
    seen: list[str] = []

    def note(*of: object) -> None:
        seen.append(str(of[2]))

    def noted(connection: Connection) -> AbstractContextManager[Any]:
        seen.append("SELECT by the driver")  # which the engine does not tell
        return cursor_of(connection)

    event.listen(engine, "before_cursor_execute", note)
    try:
        with read(engine) as connection, pytest.MonkeyPatch.context() as patch:
            patch.setattr("bridge.identity.version.cursor_of", noted)
            found = caller_of(connection, bearer, clock, cache)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return found, len([one for one in seen if one.startswith("SELECT")])


def test_the_second_time_one_number_is_read(
    engine: Engine, bearer: str, clock: FixedClock, cache: TokenCache
) -> None:
    first, looked_up = asked(engine, bearer, clock, cache)
    second, remembered = asked(engine, bearer, clock, cache)
    assert first == second is not None
    assert (looked_up, remembered) == (2, 1)


def test_an_unknown_token_is_not_remembered(
    engine: Engine, client: str, clock: FixedClock, cache: TokenCache
) -> None:
    assert [asked(engine, "x" * 43, clock, cache)[1] for _ in range(2)] == [2, 2]
    assert len(cache._held) == 0


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_in_another_process_counts_at_the_next_request(
    database_url: str, engine: Engine, bearer: str, clock: FixedClock, name: str
) -> None:
    caches = [TokenCache(), TokenCache()]
    before = [asked(engine, bearer, clock, cache)[0] for cache in caches]
    other = open_engine(database_url)
    with write(other) as connection:
        CHANGES[name](connection, bearer, clock)
    other.dispose()
    for cache, held in zip(caches, before, strict=True):
        found, _ = asked(engine, bearer, clock, cache)
        assert found == asked(engine, bearer, clock, None)[0]
        assert found != held


@pytest.mark.parametrize("name", CHANGES)
def test_a_release_sees_what_was_taken_since_the_token_was_looked_at(
    engine: Engine, bearer: str, clock: FixedClock, cache: TokenCache, name: str
) -> None:
    caller, _ = asked(engine, bearer, clock, cache)
    assert caller is not None
    with write(engine) as connection:
        assert still_holds(connection, caller, clock)
    with write(engine) as connection:
        CHANGES[name](connection, bearer, clock)
    with write(engine) as connection:
        assert not still_holds(connection, caller, clock)


def test_a_change_of_another_client_takes_nothing_from_this_one(
    engine: Engine, bearer: str, clock: FixedClock, cache: TokenCache
) -> None:
    caller, _ = asked(engine, bearer, clock, cache)
    assert caller is not None
    with write(engine) as connection:
        connection.execute(update(CLIENT).where(CLIENT.c.client_id == "x").values(status="x"))
        connection.execute(text("UPDATE identity_version SET version = version + 1"))
        assert still_holds(connection, caller, clock)
    assert asked(engine, bearer, clock, cache) == (caller, 2)


def test_a_live_token_that_is_deleted_by_hand_counts(engine: Engine, client: str) -> None:
    with write(engine) as connection:
        row = {"digest": "d", "client_id": client, "scopes": "", "expires_at": LATER}
        connection.execute(TOKEN.insert(), row)
        before = version_of(connection)
        connection.execute(delete(TOKEN).where(TOKEN.c.digest == "d"))
        assert version_of(connection) > before


def test_handing_out_tokens_and_cleaning_up_leave_the_number_alone(
    engine: Engine, client: str, make_form: FormMaker, clock: FixedClock
) -> None:
    with read(engine) as connection:
        before = version_of(connection)
    for _ in range(3):
        granted(engine, make_form(), clock)
        clock.advance(timedelta(hours=2))
    with read(engine) as connection:
        assert version_of(connection) == before


def test_a_number_that_was_rolled_back_is_not_reached_again(engine: Engine, client: str) -> None:
    seen = set()
    for _ in range(10):
        with engine.connect() as connection:
            connection.execute(update(CLIENT).values(status="disabled"))
            seen.add(version_of(connection))
            connection.rollback()
    assert len(seen) == 10


def test_a_change_that_is_rolled_back_changes_nothing(
    engine: Engine, bearer: str, clock: FixedClock, cache: TokenCache
) -> None:
    caller, _ = asked(engine, bearer, clock, cache)
    with engine.connect() as connection:
        disable_client(connection, CLIENT_ID)
        connection.rollback()
    assert asked(engine, bearer, clock, cache) == (caller, 1)


def test_a_remembered_token_expires(
    engine: Engine, bearer: str, clock: FixedClock, cache: TokenCache
) -> None:
    assert asked(engine, bearer, clock, cache)[0] is not None
    clock.advance(timedelta(seconds=300))
    assert asked(engine, bearer, clock, cache)[0] is None


def test_a_cache_knows_no_more_than_it_may() -> None:
    cache, now = TokenCache(most=3), at(0)
    held = Held(Caller("c", Standing(Party.HUB, "o", "", "r", ())), LATER)
    for number in range(5):
        cache.keep(f"d{number}", held, 1)
    assert [cache.look(f"d{number}", 1, now) is not None for number in range(5)] == [
        *(False, False),
        *(True, True, True),
    ]


def test_what_was_found_in_an_older_state_is_not_kept_beside_a_newer() -> None:
    cache, now = TokenCache(), at(0)
    held = Held(Caller("c", Standing(Party.HUB, "o", "", "r", ())), LATER)
    cache.keep("new", held, 2)
    cache.keep("old", held, 1)
    assert cache.look("old", 2, now) is None
    assert cache.look("old", 1, now) is None
    assert cache.look("new", 2, now) == held.caller


def test_what_is_remembered_is_named_by_a_digest(
    engine: Engine, bearer: str, clock: FixedClock, cache: TokenCache
) -> None:
    caller, _ = asked(engine, bearer, clock, cache)
    assert list(cache._held) == [digest_of(bearer)]
    assert bearer not in repr(cache) + repr(caller)


def test_a_process_that_goes_by_what_it_remembers_is_noticed(
    database_url: str,
    engine: Engine,
    bearer: str,
    clock: FixedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looking = TokenCache.look
    monkeypatch.setattr(TokenCache, "look", lambda self, d, _, now: looking(self, d, 1, now))
    monkeypatch.setattr(TokenCache, "keep", _keep_as_first)
    with pytest.raises(AssertionError):
        test_a_change_in_another_process_counts_at_the_next_request(
            database_url, engine, bearer, clock, "disabled"
        )


_keeping = TokenCache.keep


def _keep_as_first(self: TokenCache, digest: str, held: Held, _version: int) -> None:
    _keeping(self, digest, held, 1)
