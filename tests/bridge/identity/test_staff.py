from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from bridge.clock import FixedClock
from bridge.identity.model import Caller, Party, Standing
from bridge.identity.staff import SignedIn, mint_staff_code, sign_in, sign_out, staff_of
from bridge.identity.tables import CODE, SESSION
from bridge.store.database.engine import read, write

COUNSELOR = Standing(Party.LEA, "district-7", "mou-1", "counselor", ("coordinate",))


@pytest.fixture
def code(engine: Engine, clock: FixedClock) -> str:
    with write(engine) as connection:
        return mint_staff_code(connection, COUNSELOR, clock)


def signed_in(engine: Engine, code: str, clock: FixedClock) -> SignedIn | None:
    with write(engine) as connection:
        return sign_in(connection, code, clock)


def seen(engine: Engine, token: str, clock: FixedClock) -> Caller | None:
    with write(engine) as connection:
        return staff_of(connection, token, clock)


def token_of(engine: Engine, code: str, clock: FixedClock) -> str:
    session = signed_in(engine, code, clock)
    assert session is not None
    return session.token


def wrong(code: str) -> str:
    return code[:-1] + ("0" if code[-1] != "0" else "1")


def test_a_code_opens_a_session_of_the_standing_it_was_minted_for(
    engine: Engine, code: str, clock: FixedClock
) -> None:
    caller = seen(engine, token_of(engine, code, clock), clock)
    assert caller is not None
    assert caller.standing == COUNSELOR
    assert caller.client_id == f"staff:{code[:4]}"


def test_a_code_is_four_groups_of_four_and_never_the_same(
    engine: Engine, clock: FixedClock
) -> None:
    with write(engine) as connection:
        codes = {mint_staff_code(connection, COUNSELOR, clock) for _ in range(50)}
    assert len(codes) == 50
    assert all([len(group) for group in one.split("-")] == [4, 4, 4, 4] for one in codes)


def test_a_code_may_be_typed_carelessly(engine: Engine, code: str, clock: FixedClock) -> None:
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert signed_in(engine, typed, clock) is not None


def test_a_code_works_once(engine: Engine, code: str, clock: FixedClock) -> None:
    assert signed_in(engine, code, clock) is not None
    assert signed_in(engine, code, clock) is None


def test_a_code_works_for_ten_minutes(engine: Engine, code: str, clock: FixedClock) -> None:
    clock.advance(timedelta(minutes=10))
    assert signed_in(engine, code, clock) is None


def test_a_code_is_dead_after_five_wrong_guesses(
    engine: Engine, code: str, clock: FixedClock
) -> None:
    for _ in range(4):
        assert signed_in(engine, wrong(code), clock) is None
    with write(engine) as connection:
        other = mint_staff_code(connection, COUNSELOR, clock)
    assert signed_in(engine, wrong(code), clock) is None
    assert signed_in(engine, code, clock) is None
    assert signed_in(engine, other, clock) is not None


def test_after_four_wrong_guesses_the_right_code_still_works(
    engine: Engine, code: str, clock: FixedClock
) -> None:
    for _ in range(4):
        signed_in(engine, wrong(code), clock)
    assert signed_in(engine, code, clock) is not None


@pytest.mark.parametrize(
    "typed", ["", "-", "0000", "0000-0000-0000-0000", "x" * 10_000, "\u00df" * 16]
)
def test_what_is_no_code_opens_nothing(
    engine: Engine, code: str, clock: FixedClock, typed: str
) -> None:
    assert signed_in(engine, typed, clock) is None


def test_a_session_ends_after_fifteen_idle_minutes(
    engine: Engine, code: str, clock: FixedClock
) -> None:
    token = token_of(engine, code, clock)
    for _ in range(3):
        clock.advance(timedelta(minutes=14))
        assert seen(engine, token, clock) is not None
    clock.advance(timedelta(minutes=15))
    assert seen(engine, token, clock) is None


def test_a_session_ends_after_ten_hours_however_busy(
    engine: Engine, code: str, clock: FixedClock
) -> None:
    token = token_of(engine, code, clock)
    for _ in range(59):
        clock.advance(timedelta(minutes=10))
        assert seen(engine, token, clock) is not None
    clock.advance(timedelta(minutes=10))
    assert seen(engine, token, clock) is None


def test_signing_out_ends_the_session(engine: Engine, code: str, clock: FixedClock) -> None:
    token = token_of(engine, code, clock)
    with write(engine) as connection:
        sign_out(connection, token)
    assert seen(engine, token, clock) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "x" * 10_000])
def test_an_unknown_session_is_nobody(
    engine: Engine, code: str, clock: FixedClock, token: str
) -> None:
    assert seen(engine, token, clock) is None


def test_neither_code_nor_session_is_in_the_database(
    engine: Engine, code: str, clock: FixedClock
) -> None:
    token = token_of(engine, code, clock)
    with read(engine) as connection:
        rows = [*connection.execute(select(CODE)), *connection.execute(select(SESSION))]
    text = str(rows)
    assert len(rows) == 2
    assert token not in text
    assert code[5:].replace("-", "") not in text


def test_a_session_shows_no_token_in_its_text(engine: Engine, code: str, clock: FixedClock) -> None:
    session = signed_in(engine, code, clock)
    assert session is not None
    assert session.token not in repr(session) + str(session)
