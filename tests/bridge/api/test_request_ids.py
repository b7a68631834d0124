"""Ids of requests follow the time, and no two are alike."""

from datetime import UTC, datetime, timedelta

from bridge.api.request_ids import RequestIds

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)


def test_ids_of_one_instant_differ_however_many_there_are() -> None:
    made = RequestIds()
    ids = [made.next(NOW) for _ in range(3000)]
    assert {len(each) for each in ids} == {20}
    assert len({each[:12] for each in ids}) == 1
    assert len(set(ids)) >= 2999  # four bytes of chance: two alike are possible, not likely


def test_ids_stand_in_the_order_of_time() -> None:
    made = RequestIds()
    ids = [made.next(NOW + timedelta(milliseconds=n)) for n in range(50)]
    assert ids == sorted(ids)
