import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select

from bridge.clock import FixedClock
from bridge.identity.callers import caller_of
from bridge.identity.clients import disable_client, register_client, replace_keys
from bridge.identity.errors import OAuthError, Reason
from bridge.identity.model import Registration, Standing
from bridge.identity.tables import SEEN, TOKEN
from bridge.identity.token_endpoint import Endpoint, grant_token
from bridge.store.database.engine import open_engine, read, write
from tests.bridge.identity.conftest import FormMaker, granted
from tests.support.assertions import TOKEN_URL, ec_jwk, ring


def refused(engine: Engine, form: dict[str, str], clock: FixedClock) -> OAuthError:
    with pytest.raises(OAuthError) as caught:
        granted(engine, form, clock)
    return caught.value


def test_a_good_request_gets_a_token_of_five_minutes(
    engine: Engine, client: str, make_form: FormMaker, clock: FixedClock
) -> None:
    body = granted(engine, make_form(), clock).body()
    assert (body["token_type"], body["expires_in"]) == ("bearer", 300)
    assert body["scope"] == "system/Task.rs"
    assert len(str(body["access_token"])) == 43  # 256 bits


def test_scopes_are_narrowed_and_unknown_ones_left_out(
    engine: Engine, client: str, make_form: FormMaker, clock: FixedClock
) -> None:
    asked = "system/Location.read system/Task.read system/ServiceRequest.cruds launch"
    grant = granted(engine, make_form(scope=asked), clock)
    assert grant.body()["scope"] == "system/Task.rs system/ServiceRequest.rs"


@pytest.mark.parametrize("scope", [None, "", "system/Location.rs", "openid"])
def test_a_request_for_nothing_that_was_granted_is_invalid_scope(
    engine: Engine, client: str, make_form: FormMaker, clock: FixedClock, scope: str | None
) -> None:
    error = refused(engine, make_form(scope=scope), clock)
    assert (error.code, error.status) == ("invalid_scope", 400)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("grant_type", None, "invalid_request"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("grant_type", "authorization_code", "unsupported_grant_type"),
        ("client_assertion", None, "invalid_request"),
        ("client_assertion_type", None, "invalid_request"),
        ("client_assertion_type", "urn:ietf:params:oauth:grant-type:saml2", "invalid_request"),
    ],
)
def test_a_request_of_another_form_is_refused_with_its_code(
    engine: Engine,
    client: str,
    make_form: FormMaker,
    clock: FixedClock,
    field: str,
    value: str | None,
    code: str,
) -> None:
    error = refused(engine, make_form(**{field: value}), clock)
    assert (error.code, error.status) == (code, 400)


def test_every_unproven_client_gets_the_same_answer(
    engine: Engine, client: str, make_form: FormMaker, clock: FixedClock
) -> None:
    unknown = ring().with_claims(iss="nobody", sub="nobody")
    forged = ring().token(sign=lambda data: bytes(96))
    errors = [
        refused(engine, make_form(client_assertion=unknown), clock),
        refused(engine, make_form(client_assertion=forged), clock),
        refused(engine, make_form(client_assertion="x"), clock),
        refused(engine, make_form(client_id="another"), clock),
    ]
    with write(engine) as connection:
        disable_client(connection, client)
    errors.append(refused(engine, make_form(), clock))
    assert len({(error.status, str(error.body())) for error in errors}) == 1
    assert errors[0].body()["error"] == "invalid_client"
    assert {error.reason for error in errors} == {
        Reason.UNKNOWN_CLIENT,
        Reason.SIGNATURE,
        Reason.SHAPE,
        Reason.ISSUER,
    }


def test_an_assertion_is_good_once(
    engine: Engine, client: str, make_form: FormMaker, clock: FixedClock
) -> None:
    form = make_form()
    granted(engine, form, clock)
    assert refused(engine, form, clock).reason is Reason.REPLAYED


def test_a_replay_is_refused_after_a_restart(
    database_url: str, engine: Engine, client: str, make_form: FormMaker, clock: FixedClock
) -> None:
    form = make_form()
    granted(engine, form, clock)
    engine.dispose()
    restarted = open_engine(database_url)
    assert refused(restarted, form, clock).reason is Reason.REPLAYED
    restarted.dispose()


def test_of_many_at_once_with_the_same_assertion_one_gets_a_token(
    engine: Engine, client: str, make_form: FormMaker, clock: FixedClock
) -> None:
    form, outcomes = make_form(), list[str]()
    start = threading.Barrier(6)

    def ask() -> None:
        start.wait()
        try:
            granted(engine, form, clock)
            outcomes.append("granted")
        except OAuthError as error:
            outcomes.append(str(error.reason))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == sorted(["granted"] + [str(Reason.REPLAYED)] * 5)


def test_two_clients_may_use_the_same_jti(
    engine: Engine, client: str, standing: Standing, make_form: FormMaker, clock: FixedClock
) -> None:
    jwks = {"keys": [ec_jwk(ring().ec, "ec-1")]}
    with write(engine) as connection:
        register_client(connection, Registration("other", standing, jwks), clock)
    for name in (client, "other"):
        token = ring().with_claims(iss=name, sub=name, jti="same")
        assert granted(engine, make_form(client_assertion=token), clock)


def test_a_refused_scope_does_not_use_the_assertion_up(
    engine: Engine, client: str, make_form: FormMaker, clock: FixedClock
) -> None:
    form = make_form()
    refused(engine, form | {"scope": "none"}, clock)
    assert granted(engine, form, clock)


def test_a_replaced_key_proves_nothing_any_more(
    engine: Engine, client: str, make_form: FormMaker, clock: FixedClock
) -> None:
    with write(engine) as connection:
        replace_keys(connection, client, {"keys": [ec_jwk(ring().other_ec, "ec-1")]})
    assert refused(engine, make_form(), clock).reason is Reason.SIGNATURE


def test_neither_token_nor_jti_is_in_the_database(
    engine: Engine, client: str, make_form: FormMaker, clock: FixedClock
) -> None:
    grant = granted(engine, make_form(), clock)
    with read(engine) as connection:
        rows = [*connection.execute(select(TOKEN)), *connection.execute(select(SEEN))]
    assert len(rows) == 2
    assert not any(grant.access_token in str(row) or "n0" in row for row in rows)


def test_neither_errors_nor_grants_show_a_secret_in_their_text(
    engine: Engine, client: str, make_form: FormMaker, clock: FixedClock
) -> None:
    form = make_form()
    grant = granted(engine, form, clock)
    error = refused(engine, form, clock)
    assert grant.access_token not in repr(grant) + str(grant)
    assert form["client_assertion"] not in f"{error!r}{error}{error.body()}"


def test_expired_rows_are_cleaned_up_and_fresh_ones_kept(
    engine: Engine, client: str, make_form: FormMaker, clock: FixedClock
) -> None:
    for _ in range(3):
        granted(engine, make_form(), clock)
    clock.advance(timedelta(hours=2))
    grant = granted(engine, make_form(), clock)
    with read(engine) as connection:
        for table in (TOKEN, SEEN):
            assert connection.scalar(select(func.count()).select_from(table)) == 1
        assert caller_of(connection, grant.access_token, clock) is not None


def test_a_token_asked_for_at_another_address_is_refused(
    engine: Engine, client: str, make_form: FormMaker, clock: FixedClock
) -> None:
    with write(engine) as connection, pytest.raises(OAuthError) as caught:
        grant_token(connection, make_form(), Endpoint(TOKEN_URL.replace("bridge", "other")), clock)
    assert caught.value.reason is Reason.AUDIENCE
