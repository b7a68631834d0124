from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bridge.clock import FixedClock, ShiftedClock, SystemClock

START = datetime(2025, 9, 2, 8, 0, tzinfo=UTC)


def test_the_system_clock_is_aware_and_in_utc() -> None:
    assert SystemClock().now().utcoffset() == timedelta(0)


def test_a_shifted_clock_starts_where_told_and_keeps_running() -> None:
    clock = ShiftedClock(START)
    first, second = clock.now(), clock.now()
    assert START <= first <= second < START + timedelta(minutes=1)


def test_a_shifted_clock_tells_real_time_apart() -> None:
    apart = ShiftedClock(START).real_now() - SystemClock().real_now()
    assert abs(apart) < timedelta(minutes=1)


def test_a_fixed_clock_stands_until_it_is_moved() -> None:
    clock = FixedClock(START, real=START + timedelta(days=1))
    clock.advance(timedelta(seconds=5))
    assert clock.now() == START + timedelta(seconds=5)
    assert clock.real_now() == START + timedelta(days=1, seconds=5)


def test_a_fixed_clock_answers_in_utc_whatever_zone_it_was_given() -> None:
    clock = FixedClock(datetime(2025, 9, 2, 8, 0, tzinfo=timezone(timedelta(hours=-6))))
    assert clock.now().isoformat() == "2025-09-02T14:00:00+00:00"


@pytest.mark.parametrize("make", [ShiftedClock, FixedClock])
def test_an_instant_without_a_zone_is_refused(make: Callable[[datetime], object]) -> None:
    with pytest.raises(ValueError, match="time zone"):
        make(datetime(2025, 9, 2))  # noqa: DTZ001 - without a zone on purpose
