from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, Row, select, update

from bridge.clock import FixedClock
from bridge.identity import callers
from bridge.identity.callers import caller_of
from bridge.identity.clients import disable_client, enable_client
from bridge.identity.model import Caller, Party
from bridge.identity.tables import CLIENT, TOKEN
from bridge.store.database.engine import read, write
from tests.bridge.identity.conftest import FormMaker, granted


@pytest.fixture
def bearer(engine: Engine, client: str, make_form: FormMaker, clock: FixedClock) -> str:
    form = make_form(scope="system/Task.rus system/ServiceRequest.rs")
    return granted(engine, form, clock).access_token


def held(engine: Engine, bearer: str, clock: FixedClock) -> Caller | None:
    with read(engine) as connection:
        return caller_of(connection, bearer, clock)


def test_a_token_tells_who_asks_and_for_whom(
    engine: Engine, bearer: str, client: str, clock: FixedClock
) -> None:
    caller = held(engine, bearer, clock)
    assert caller is not None
    assert (caller.client_id, caller.party, caller.organization) == (
        client,
        Party.PROVIDER,
        "clinic-2",
    )
    assert (caller.agreement, caller.role) == ("mou-1", "intake")
    assert caller.purposes == ("refer", "coordinate")
    assert caller.allows("Task", "update")
    assert not caller.allows("Task", "create")
    assert not caller.allows("Patient", "read")


@pytest.mark.parametrize("bearer", ["", " ", "x", "x" * 43, "x" * 100_000, "\u00e9" * 43, "\x00"])
def test_an_unknown_token_is_nobody(
    engine: Engine, client: str, clock: FixedClock, bearer: str
) -> None:
    assert held(engine, bearer, clock) is None


def test_a_part_of_a_token_or_its_digest_is_nobody(
    engine: Engine, bearer: str, clock: FixedClock
) -> None:
    for near in (bearer[:-1], bearer + "A", bearer.swapcase(), bearer.upper()):
        assert held(engine, near, clock) is None


def test_a_token_ends_after_five_minutes_of_real_time(
    engine: Engine, bearer: str, clock: FixedClock
) -> None:
    clock.advance(timedelta(seconds=299))
    assert held(engine, bearer, clock) is not None
    clock.advance(timedelta(seconds=1))
    assert held(engine, bearer, clock) is None


def test_business_time_does_not_lengthen_a_token(
    engine: Engine, bearer: str, clock: FixedClock
) -> None:
    later = FixedClock(clock.now() - timedelta(days=1), real=clock.real_now() + timedelta(hours=1))
    assert held(engine, bearer, later) is None


def test_the_token_of_a_disabled_client_is_nobody_and_stays_so(
    engine: Engine, bearer: str, client: str, clock: FixedClock
) -> None:
    with write(engine) as connection:
        disable_client(connection, client)
    assert held(engine, bearer, clock) is None
    with write(engine) as connection:
        enable_client(connection, client)
    assert held(engine, bearer, clock) is None


def test_a_status_changed_by_any_way_counts_at_once(
    engine: Engine, bearer: str, client: str, clock: FixedClock
) -> None:
    with write(engine) as connection:
        connection.execute(update(CLIENT).values(status="disabled"))
    assert held(engine, bearer, clock) is None


def test_scopes_and_purposes_taken_from_a_client_are_taken_from_its_tokens(
    engine: Engine, bearer: str, clock: FixedClock
) -> None:
    with write(engine) as connection:
        connection.execute(update(CLIENT).values(scopes="system/Task.r", purposes="refer"))
    caller = held(engine, bearer, clock)
    assert caller is not None
    assert (caller.allows("Task", "read"), caller.allows("Task", "update")) == (True, False)
    assert caller.purposes == ("refer",)


def test_scopes_given_to_a_client_later_do_not_widen_its_tokens(
    engine: Engine, bearer: str, clock: FixedClock
) -> None:
    with write(engine) as connection:
        connection.execute(update(CLIENT).values(scopes="system/*.cruds"))
    caller = held(engine, bearer, clock)
    assert caller is not None
    assert not caller.allows("Patient", "read")


def test_a_token_that_outlives_its_client_is_noticed(
    engine: Engine, bearer: str, client: str, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = select(CLIENT, TOKEN.c.digest, TOKEN.c.expires_at, TOKEN.c.scopes.label("held_scopes"))

    def whatever_its_status(connection: Connection, digest: str) -> Row[Any] | None:
        joined = held.join_from(TOKEN, CLIENT).where(TOKEN.c.digest == digest)
        return connection.execute(joined).one_or_none()

    monkeypatch.setattr(callers, "_row", whatever_its_status)
    with pytest.raises(AssertionError):
        test_a_status_changed_by_any_way_counts_at_once(engine, bearer, client, clock)
