"""Every way to forge, bend or break an assertion that we know of, against two libraries."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jose import jws

from bridge.identity import jose_guard
from bridge.identity.errors import Reason, TokenRefused
from bridge.identity.jose_guard import Expected, claimed_issuer, verify_assertion
from bridge.identity.jwks import VerificationKey, read_keys
from tests.bridge.identity.assertion_cases import BAD, GOOD, JWKS_URL
from tests.support import second_opinion
from tests.support.assertions import CLIENT_ID, NOW, TOKEN_URL, at, ring

DATA = Path(__file__).parent / "data"


def by_guard(token: str) -> str:
    expected = Expected(CLIENT_ID, TOKEN_URL, at(NOW), JWKS_URL)
    return verify_assertion(token, read_keys(ring().jwks), expected).jti


def by_second_opinion(token: str) -> str:
    expected = {"client_id": CLIENT_ID, "token_url": TOKEN_URL}
    return second_opinion.verify(token, ring().jwks, expected, NOW, JWKS_URL)


@pytest.mark.parametrize("verify", [by_guard, by_second_opinion])
@pytest.mark.parametrize("name", GOOD)
def test_a_good_assertion_is_taken(verify: Callable[[str], str], name: str) -> None:
    assert verify(GOOD[name](ring())) == "nonce-1"


@pytest.mark.parametrize("name", BAD)
def test_a_bad_assertion_is_refused_for_its_own_reason(name: str) -> None:
    make, reason = BAD[name]
    with pytest.raises(TokenRefused) as caught:
        by_guard(make(ring()))
    assert caught.value.reason is reason


@pytest.mark.parametrize("name", BAD)
@pytest.mark.filterwarnings("ignore")
def test_the_second_library_refuses_the_same(name: str) -> None:
    make, _ = BAD[name]
    refused = False
    try:
        by_second_opinion(make(ring()))
    except Exception:  # noqa: BLE001 - whatever it raises, it has not taken it
        refused = True
    assert refused


def taken() -> set[str]:
    """Return the names of the bad ones that the guard takes."""
    found = set()
    for name, (make, _) in BAD.items():
        with suppress(TokenRefused):
            by_guard(make(ring()))
            found.add(name)
    return found


def any_fitting_key(header: dict[str, Any], keys: Sequence[VerificationKey]) -> VerificationKey:
    """Choose a key by its algorithm alone, whatever it is called."""
    return next(key for key in keys if key.algorithm == header["alg"])


def unverified(token: str, key: object, algorithms: object) -> bytes:
    """Take what stands in a token, whoever signed it."""
    return jws.get_unverified_claims(token)


def expiry_alone(claims: dict[str, Any], now: datetime) -> datetime:
    """Look at no time but the end."""
    return jose_guard.instant(claims.get("exp"))


def last_of_two(raw: bytes, _reason: Reason) -> dict[str, Any]:
    """Read JSON as most programs do: of two equal names the last one counts."""
    return dict(json.loads(raw))


_reading = jose_guard._segments


def of_any_length(token: str, _longest: int = 0) -> tuple[bytes, bytes, bytes]:
    """Look at a token however long it is."""
    return _reading(token, len(token))


HOLES: list[tuple[str, object]] = [
    ("_check_header", lambda *_: None),
    ("_chosen", any_fitting_key),
    ("jws.verify", unverified),
    ("_check_times", expiry_alone),
    ("_json", last_of_two),
    ("_segments", of_any_length),
    ("LEEWAY", timedelta(minutes=10)),
    ("LIFETIME", timedelta(days=400)),
]


@pytest.mark.parametrize(("part", "instead"), HOLES, ids=[part for part, _ in HOLES])
def test_a_guard_with_one_part_missing_takes_one_of_them(
    part: str, instead: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"bridge.identity.jose_guard.{part}", instead)

    assert taken() != set()


def test_there_are_more_than_a_hundred_bad_ones() -> None:
    assert len(BAD) > 100


def test_the_worked_example_of_the_guide_is_taken() -> None:
    jwks = json.loads((DATA / "RS384.public.json").read_text(encoding="utf-8"))
    token = (DATA / "worked-example.jwt").read_text(encoding="utf-8").strip()
    issuer = claimed_issuer(token)
    expected = Expected(issuer, "https://authorize.smarthealthit.org/token", at(1_422_568_600))
    found = verify_assertion(token, read_keys(jwks), expected)
    assert (found.client_id, found.jti) == (issuer, "random-non-reusable-jwt-id-123")


def test_the_worked_example_of_the_guide_is_refused_once_it_has_expired() -> None:
    jwks = json.loads((DATA / "RS384.public.json").read_text(encoding="utf-8"))
    token = (DATA / "worked-example.jwt").read_text(encoding="utf-8").strip()
    issuer = claimed_issuer(token)
    expected = Expected(issuer, "https://authorize.smarthealthit.org/token", at(1_422_568_890))
    with pytest.raises(TokenRefused, match="expired"):
        verify_assertion(token, read_keys(jwks), expected)


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_keys_in_a_set_does_not_matter(turned: bool) -> None:
    keys = read_keys(ring().jwks)[:: -1 if turned else 1]
    expected = Expected(CLIENT_ID, TOKEN_URL, at(NOW))
    for token in (GOOD["es384"](ring()), GOOD["rs384"](ring())):
        assert verify_assertion(token, keys, expected).jti == "nonce-1"


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_single_changed_byte_is_taken(place: int, change: int) -> None:
    token = GOOD["es384"](ring()).encode()
    at_byte = place % len(token)
    bent = bytearray(token)
    bent[at_byte] ^= change
    with pytest.raises(TokenRefused):
        by_guard(bent.decode("latin-1"))


@given(st.text(max_size=300))
def test_any_text_is_refused_and_nothing_else_is_raised(text: str) -> None:
    for refuse in (by_guard, claimed_issuer):
        with pytest.raises(TokenRefused):
            refuse(text)


@given(st.recursive(st.none() | st.booleans() | st.text(), st.lists, max_leaves=5))
def test_any_value_of_any_claim_is_refused_and_nothing_else_is_raised(value: object) -> None:
    for name in ("iss", "sub", "aud", "exp"):
        claims = ring().claims() | {name: value}
        with pytest.raises(TokenRefused):
            by_guard(ring().token(claims))


def test_a_refusal_says_nothing_of_the_token() -> None:
    for make, _ in BAD.values():
        token = make(ring())
        with pytest.raises(TokenRefused) as caught:
            by_guard(token)
        assert caught.value.__cause__ is None
        assert "clinic" not in str(caught.value)
        assert str(caught.value) in {reason.value for reason in Reason}
