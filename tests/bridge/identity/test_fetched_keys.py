"""When keys are fetched, how long they are kept, and that neither is a stranger's choice."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from bridge.clock import FixedClock
from bridge.identity.clients import disable_client, register_client, replace_key_address
from bridge.identity.errors import KeysRefused, OAuthError, Reason
from bridge.identity.key_fetching import (
    FetchedKeys,
    KeySource,
    keep_fetched,
    kept_until,
    keys_due,
    note_failed_fetch,
)
from bridge.identity.model import Registration, Standing
from bridge.identity.token_endpoint import Endpoint, grant_token
from bridge.store.database.engine import write
from tests.bridge.identity.conftest import FormMaker
from tests.support.assertions import CLIENT_ID, TOKEN_URL, ec_jwk, ring

URL = "https://clinic-2.example.org/jwks.json"
SOURCE = KeySource(CLIENT_ID, URL)
SOON = timedelta(minutes=5)


@pytest.fixture
def remote(engine: Engine, clock: FixedClock, standing: Standing) -> str:
    """A client whose keys are at an address, not fetched yet."""
    with write(engine) as connection:
        register_client(connection, Registration(CLIENT_ID, standing, None, URL), clock)
    return CLIENT_ID


def due(engine: Engine, clock: FixedClock, **header: object) -> KeySource | None:
    with write(engine) as connection:
        return keys_due(connection, ring().token(**header), clock)


def kept(engine: Engine, clock: FixedClock, *, keep: timedelta = SOON) -> FetchedKeys:
    with write(engine) as connection:
        return keep_fetched(connection, SOURCE, ring().jwks, clock.real_now() + keep)


def outcome(
    engine: Engine, form: dict[str, str], clock: FixedClock, fetched: FetchedKeys | None = None
) -> str:
    try:
        with write(engine) as connection:
            grant_token(connection, form, Endpoint(TOKEN_URL), clock, fetched)
    except OAuthError as error:
        return str(error.reason)
    return "granted"


def test_keys_are_due_until_fetched_and_again_when_stale(
    engine: Engine, remote: str, clock: FixedClock
) -> None:
    assert due(engine, clock) == SOURCE
    kept(engine, clock)
    assert due(engine, clock) is None
    clock.advance(SOON)
    assert due(engine, clock) == SOURCE


def test_nothing_is_due_for_who_sent_keys_is_unknown_or_disabled(
    engine: Engine, client: str, clock: FixedClock, standing: Standing
) -> None:
    assert due(engine, clock) is None
    with write(engine) as connection:
        register_client(connection, Registration("shut", standing, None, URL), clock)
        disable_client(connection, "shut")
        for name in ("shut", "nobody"):
            token = ring().with_claims(iss=name, sub=name)
            assert keys_due(connection, token, clock) is None


@pytest.mark.parametrize("assertion", ["", "x", "a.b.c", "e30.e30.AA", "\u00e9" * 10])
def test_nothing_is_due_for_what_is_no_assertion(
    engine: Engine, remote: str, clock: FixedClock, assertion: str
) -> None:
    with write(engine) as connection:
        assert keys_due(connection, assertion, clock) is None


def test_an_unknown_kid_causes_one_fetch_in_thirty_seconds(
    engine: Engine, remote: str, clock: FixedClock
) -> None:
    kept(engine, clock)
    asked = [due(engine, clock, kid=f"k{number}") for number in range(20)]
    assert asked == [SOURCE] + [None] * 19
    clock.advance(timedelta(seconds=29))
    assert due(engine, clock, kid="new") is None
    clock.advance(timedelta(seconds=1))
    assert due(engine, clock, kid="new") == SOURCE


def test_after_a_failed_fetch_the_next_waits_ten_seconds(
    engine: Engine, remote: str, clock: FixedClock
) -> None:
    with write(engine) as connection:
        note_failed_fetch(connection, SOURCE, clock)
    assert due(engine, clock) is None
    clock.advance(timedelta(seconds=10))
    assert due(engine, clock) == SOURCE


def test_a_failed_fetch_leaves_fresh_keys_in_use_and_stale_ones_out_of_it(
    engine: Engine, remote: str, clock: FixedClock, make_form: FormMaker
) -> None:
    kept(engine, clock)
    with write(engine) as connection:
        note_failed_fetch(connection, SOURCE, clock)
    assert outcome(engine, make_form(), clock) == "granted"
    clock.advance(SOON)
    assert outcome(engine, make_form(), clock) == str(Reason.KEY)


def test_keys_that_may_not_be_kept_prove_the_request_they_were_fetched_for_and_no_other(
    engine: Engine, remote: str, clock: FixedClock, make_form: FormMaker
) -> None:
    fetched = kept(engine, clock, keep=timedelta(0))
    assert outcome(engine, make_form(), clock, fetched) == "granted"
    assert outcome(engine, make_form(), clock) == str(Reason.KEY)


def test_a_new_key_is_taken_and_one_that_was_taken_out_is_not(
    engine: Engine, remote: str, clock: FixedClock, make_form: FormMaker
) -> None:
    with write(engine) as connection:
        only = {"keys": [ec_jwk(ring().other_ec, "ec-2")]}
        keep_fetched(connection, SOURCE, only, clock.real_now() + SOON)
    assert outcome(engine, make_form(), clock) == str(Reason.KEY)
    fetched = kept(engine, clock)
    assert outcome(engine, make_form(), clock, fetched) == "granted"


def test_keys_of_an_address_that_was_replaced_meanwhile_are_not_used_nor_kept(
    engine: Engine, remote: str, clock: FixedClock, make_form: FormMaker
) -> None:
    with write(engine) as connection:
        replace_key_address(connection, remote, URL + "?2")
    fetched = kept(engine, clock)
    assert outcome(engine, make_form(), clock, fetched) == str(Reason.KEY)
    assert due(engine, clock) == KeySource(CLIENT_ID, URL + "?2")


def test_a_set_that_cannot_be_trusted_is_not_kept(
    engine: Engine, remote: str, clock: FixedClock
) -> None:
    symmetric = {"keys": [{"kty": "oct", "k": "AA"}]}
    with write(engine) as connection, pytest.raises(KeysRefused):
        keep_fetched(connection, SOURCE, symmetric, clock.real_now() + SOON)
    assert due(engine, clock) == SOURCE


@pytest.mark.parametrize(
    ("cache_control", "age", "seconds"),
    [
        (None, None, 300),
        ("max-age=60", None, 60),
        ("public, max-age=60", None, 60),
        ("MAX-AGE=60", None, 60),
        ('max-age="60"', None, 60),
        ("max-age=60", "20", 40),
        ("max-age=60", "90", 0),
        ("max-age=60", "x", 60),
        ("max-age=0", None, 0),
        ("max-age=-5", None, 0),
        ("max-age=soon", None, 0),
        ("no-store", None, 0),
        ("no-cache, max-age=60", None, 0),
        ("private", None, 300),
        ("max-age=86400", None, 3600),
        ("max-age=86400", "86390", 10),
        ("max-age=" + "9" * 5000, None, 3600),
        ("max-age=60", "9" * 5000, 0),
        ("", None, 300),
    ],
)
def test_keys_are_kept_as_long_as_the_header_says_and_an_hour_at_most(
    clock: FixedClock, cache_control: str | None, age: str | None, seconds: int
) -> None:
    now = clock.real_now()
    assert kept_until(cache_control, age, now) - now == timedelta(seconds=seconds)
