"""A clock, a registered client and its token requests. Everything is synthetic."""

from collections.abc import Callable
from itertools import count

import pytest
from sqlalchemy import Engine

from bridge.clock import FixedClock
from bridge.identity.clients import register_client
from bridge.identity.model import Party, Registration, Standing
from bridge.identity.scopes import read_scopes
from bridge.identity.token_endpoint import ASSERTION_TYPE, Endpoint, Grant, grant_token
from bridge.store.database.engine import write
from tests.support.assertions import CLIENT_ID, TOKEN_URL, at, ring

FormMaker = Callable[..., dict[str, str]]


@pytest.fixture
def clock() -> FixedClock:
    """Business time in another year: lifetimes must not depend on it."""
    return FixedClock(at(ring().now).replace(year=2025), real=at(ring().now))


@pytest.fixture
def standing() -> Standing:
    return Standing(
        party=Party.PROVIDER,
        organization="clinic-2",
        agreement="mou-1",
        role="intake",
        purposes=("refer", "coordinate"),
        scopes=read_scopes("system/Task.rus system/ServiceRequest.rs"),
    )


@pytest.fixture
def client(engine: Engine, clock: FixedClock, standing: Standing) -> str:
    """The id of a registered, active client."""
    with write(engine) as connection:
        register_client(connection, Registration(CLIENT_ID, standing, ring().jwks), clock)
    return CLIENT_ID


@pytest.fixture
def make_form(clock: FixedClock) -> FormMaker:
    """A token request with a fresh assertion; any field can be given, None leaves it out."""
    numbers = count()

    def make(**fields: str | None) -> dict[str, str]:
        exp = int(clock.real_now().timestamp()) + 240
        good: dict[str, str | None] = {
            "grant_type": "client_credentials",
            "scope": "system/Task.rs",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": ring().with_claims(exp=exp, jti=f"n{next(numbers)}"),
        }
        return {name: value for name, value in (good | fields).items() if value is not None}

    return make


def granted(engine: Engine, form: dict[str, str], clock: FixedClock) -> Grant:
    with write(engine) as connection:
        return grant_token(connection, form, Endpoint(TOKEN_URL), clock)
