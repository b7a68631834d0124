"""How long a person waits is the time that 95 of 100 answers take at most."""

import pytest

from benchmarks.portal_pages import percentile


@pytest.mark.parametrize(
    ("times", "longest"),
    [
        (range(1, 101), 95),
        (range(100, 0, -1), 95),
        ([7], 7),
        ([1] * 19 + [9], 1),
        ([1] * 18 + [9] * 2, 9),
    ],
)
def test_the_95th_percentile_is_what_95_of_100_take_at_most(times: list[int], longest: int) -> None:
    assert percentile([float(each) for each in times], 95) == longest
