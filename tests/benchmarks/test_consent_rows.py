"""The consent rows compare engines that answer alike, and refuse those that do not."""

from dataclasses import replace

import pytest

from benchmarks.consent_requests import (
    ONE_SLICE,
    arms,
    cedar_arm,
    ours_read,
    ours_records,
    questions,
    rego_arm,
)
from benchmarks.frame import Arms, Better, Result, Row, Sample, UnequalOutputError, per_cpu_second
from benchmarks.report import entry, render


def test_cedar_rego_and_ours_answer_a_sample_alike() -> None:
    asked = questions(150)
    ours = ours_read(asked)

    assert ours_records(asked) == ours
    assert cedar_arm(asked, ready=False)() == cedar_arm(asked, ready=True)() == ours
    assert rego_arm(asked)() == ours
    assert sum(ours) == 50


def test_the_questions_of_one_slice_are_of_that_slice() -> None:
    asked = questions(30, ONE_SLICE)

    assert set(asked.asked) == {ONE_SLICE}
    assert len(set(asked.bits)) > 5


def test_engines_that_answer_differently_are_not_timed() -> None:
    asked = questions(30)

    with pytest.raises(UnequalOutputError):
        arms(lambda: ours_read(asked), lambda: [True] * 30, times=1)
    with pytest.raises(UnequalOutputError):
        arms(lambda: [False] * 30, lambda: [False] * 30, times=1)


def test_a_row_may_ask_for_a_figure_of_our_own_besides_the_ratio() -> None:
    sample = Sample(100, 1.0)
    row = Row("a.b", "units per CPU-second", Better.HIGHER, 2.0, "this", per_cpu_second,
              lambda: Arms(lambda: sample, lambda: sample), figure=500.0)  # fmt: skip

    slow, fast = Result(row, (400.0,), (1.0,)), Result(row, (600.0,), (1.0,))

    assert (slow.reached, fast.reached) == (False, True)
    assert Result(replace(row, figure=None), (400.0,), (1.0,)).reached
    assert "≥ 2.0; ours ≥ 500" in render([entry(fast)])
