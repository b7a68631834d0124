from dataclasses import replace

import pytest
from sqlalchemy import Engine

from bridge.clock import FixedClock
from bridge.identity.clients import (
    client_of,
    disable_client,
    enable_client,
    list_clients,
    register_client,
    replace_key_address,
    replace_keys,
)
from bridge.identity.errors import KeysRefused, RegistrationRefused
from bridge.identity.model import Client, Registration, Standing, Status
from bridge.store.database.engine import read, write
from tests.support.assertions import ec_jwk, ring

URL = "https://clinic-2.example.org/jwks.json"


def test_a_registered_client_is_listed_as_it_was_registered(
    engine: Engine, client: str, standing: Standing, clock: FixedClock
) -> None:
    with read(engine) as connection:
        expected = Client(client, standing, Status.ACTIVE, clock.now(), None)
        assert list_clients(connection) == [expected]
        assert client_of(connection, client) == expected


def test_a_name_is_registered_once(
    engine: Engine, client: str, standing: Standing, clock: FixedClock
) -> None:
    with write(engine) as connection, pytest.raises(RegistrationRefused, match="already"):
        register_client(connection, Registration(client, standing, ring().jwks), clock)


@pytest.mark.parametrize("name", ["", " ", "a b", "a\n", "\u00e9", "x" * 201])
def test_a_name_that_cannot_be_sent_is_refused(
    engine: Engine, standing: Standing, clock: FixedClock, name: str
) -> None:
    with write(engine) as connection, pytest.raises(RegistrationRefused, match="name"):
        register_client(connection, Registration(name, standing, ring().jwks), clock)


@pytest.mark.parametrize("both", [True, False])
def test_a_client_has_either_keys_or_their_address(
    engine: Engine, standing: Standing, clock: FixedClock, both: bool
) -> None:
    keys, url = (ring().jwks, URL) if both else (None, None)
    with write(engine) as connection, pytest.raises(RegistrationRefused, match="either"):
        register_client(connection, Registration("c", standing, keys, url), clock)


@pytest.mark.parametrize(
    "url",
    [
        "http://clinic-2.example.org/jwks.json",
        "ftp://clinic-2.example.org/",
        "file:///etc/passwd",
        "https://",
        "https://user:secret@clinic-2.example.org/",
        "jwks.json",
    ],
)
def test_an_address_of_keys_that_is_not_protected_is_refused(
    engine: Engine, standing: Standing, clock: FixedClock, url: str
) -> None:
    with write(engine) as connection, pytest.raises(RegistrationRefused, match="https"):
        register_client(connection, Registration("c", standing, None, url), clock)


def test_unacceptable_keys_register_nobody(
    engine: Engine, standing: Standing, clock: FixedClock
) -> None:
    with write(engine) as connection:
        with pytest.raises(KeysRefused):
            register_client(connection, Registration("c", standing, {"keys": []}), clock)
        assert list_clients(connection) == []


def test_a_purpose_of_two_words_is_refused(
    engine: Engine, standing: Standing, clock: FixedClock
) -> None:
    odd = replace(standing, purposes=("refer all",))
    with write(engine) as connection, pytest.raises(ValueError, match="one word"):
        register_client(connection, Registration("c", odd, ring().jwks), clock)


def test_a_client_is_disabled_and_enabled(engine: Engine, client: str) -> None:
    with write(engine) as connection:
        disable_client(connection, client)
        assert client_of(connection, client).status is Status.DISABLED
        enable_client(connection, client)
        assert client_of(connection, client).status is Status.ACTIVE


@pytest.mark.parametrize("change", [disable_client, enable_client, client_of])
def test_an_unknown_client_cannot_be_changed(engine: Engine, change: object) -> None:
    assert callable(change)
    with write(engine) as connection, pytest.raises(RegistrationRefused, match="no client"):
        change(connection, "nobody")


def test_bad_new_keys_leave_the_old_ones(engine: Engine, client: str) -> None:
    with write(engine) as connection:
        with pytest.raises(KeysRefused):
            replace_keys(connection, client, {"keys": [ec_jwk(ring().p256, "p", "P-256")]})
        assert client_of(connection, client).status is Status.ACTIVE


def test_a_client_moves_from_keys_to_an_address_and_back(engine: Engine, client: str) -> None:
    with write(engine) as connection:
        replace_key_address(connection, client, URL)
        assert client_of(connection, client).jwks_url == URL
        replace_keys(connection, client, ring().jwks)
        assert client_of(connection, client).jwks_url is None
        with pytest.raises(RegistrationRefused, match="https"):
            replace_key_address(connection, client, URL.replace("https", "http"))
