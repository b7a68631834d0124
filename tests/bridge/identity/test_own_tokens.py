import pytest
from sqlalchemy import Engine

from bridge.clock import FixedClock
from bridge.identity.callers import caller_of
from bridge.identity.clients import disable_client, register_client
from bridge.identity.model import Registration, Standing
from bridge.identity.own_tokens import introspect, revoke
from bridge.store.database.engine import read, write
from tests.bridge.identity.conftest import FormMaker, granted
from tests.support.assertions import ring


@pytest.fixture
def bearer(engine: Engine, client: str, make_form: FormMaker, clock: FixedClock) -> str:
    return granted(engine, make_form(), clock).access_token


@pytest.fixture
def foreign(engine: Engine, standing: Standing, make_form: FormMaker, clock: FixedClock) -> str:
    """A token of another client."""
    with write(engine) as connection:
        register_client(connection, Registration("other", standing, ring().jwks), clock)
    token = ring().with_claims(iss="other", sub="other", exp=int(clock.real_now().timestamp()) + 60)
    return granted(engine, make_form(client_assertion=token), clock).access_token


def looked(engine: Engine, client: str, token: str, clock: FixedClock) -> dict[str, object]:
    with read(engine) as connection:
        return dict(introspect(connection, client, token, clock))


def holds(engine: Engine, token: str, clock: FixedClock) -> bool:
    with read(engine) as connection:
        return caller_of(connection, token, clock) is not None


def test_a_client_learns_what_its_token_is_good_for(
    engine: Engine, client: str, bearer: str, clock: FixedClock
) -> None:
    found = looked(engine, client, bearer, clock)
    assert found.pop("exp") == int(clock.real_now().timestamp()) + 300
    assert found == {
        "active": True,
        "scope": "system/Task.rs",
        "client_id": client,
        "sub": client,
        "token_type": "bearer",
    }


def test_of_anything_but_its_own_live_token_a_client_learns_nothing(
    engine: Engine, client: str, bearer: str, foreign: str, clock: FixedClock
) -> None:
    for other in (foreign, bearer[:-1], "", "x" * 10_000, "\u00e9"):
        assert looked(engine, client, other, clock) == {"active": False}
    with write(engine) as connection:
        disable_client(connection, client)
    assert looked(engine, client, bearer, clock) == {"active": False}


def test_a_revoked_token_is_dead_and_the_others_live(
    engine: Engine, client: str, bearer: str, make_form: FormMaker, clock: FixedClock
) -> None:
    second = granted(engine, make_form(), clock).access_token
    with write(engine) as connection:
        revoke(connection, client, bearer, clock)
    assert not holds(engine, bearer, clock)
    assert holds(engine, second, clock)
    assert looked(engine, client, bearer, clock) == {"active": False}


def test_a_client_cannot_end_the_token_of_another(
    engine: Engine, client: str, foreign: str, clock: FixedClock
) -> None:
    for token in (foreign, "", "x" * 10_000):
        with write(engine) as connection:
            revoke(connection, client, token, clock)
    assert holds(engine, foreign, clock)
