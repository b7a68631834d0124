"""The frame of the benchmarks counts right, whatever the machine."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks.frame import (
    Arms,
    Better,
    Result,
    Row,
    Sample,
    UnequalOutputError,
    chosen,
    cpu_milliseconds,
    measure,
    per_cpu_second,
)
from benchmarks.report import entry, merged, render
from benchmarks.rows import ROWS


def row(arms: Arms, name: str = "area.this_vs_that", better: Better = Better.HIGHER) -> Row:
    return Row(name, "units per CPU-second", better, 2.0, "this", per_cpu_second, lambda: arms)


def samples(*cpu_seconds: float) -> Iterator[Sample]:
    return (Sample(100, seconds) for seconds in cpu_seconds)


def test_arms_run_in_turn_and_medians_are_compared() -> None:
    calls: list[str] = []
    ours, reference = samples(1.0, 1.0, 50.0), samples(4.0, 4.0, 4.0)

    def run(name: str, source: Iterator[Sample]) -> Sample:
        calls.append(name)
        return next(source)

    arms = Arms(lambda: run("ours", ours), lambda: run("reference", reference))
    result = measure(row(arms), 3, lambda _: None)

    assert calls == ["ours", "reference"] * 3
    assert result.ratio == 4.0
    assert result.reached


def test_the_arms_are_closed_when_one_of_them_fails() -> None:
    closed: list[bool] = []

    def fails() -> Sample:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        measure(row(Arms(fails, fails, lambda: closed.append(True))), 1, lambda _: None)

    assert closed == [True]


def test_nothing_is_measured_when_outputs_differ() -> None:
    def unequal() -> Arms:
        raise UnequalOutputError

    told: list[str] = []
    faulty = Row("a.b_vs_c", "u", Better.LOWER, 1.0, "m", per_cpu_second, unequal)

    with pytest.raises(UnequalOutputError):
        measure(faulty, 1, told.append)
    assert told == []


@pytest.mark.parametrize(
    ("better", "ours", "reached"),
    [
        (Better.HIGHER, 20.0, True),
        (Better.HIGHER, 19.9, False),
        (Better.LOWER, 20.0, True),
        (Better.LOWER, 20.1, False),
    ],
)
def test_a_goal_is_reached_in_the_sense_of_the_row(
    better: Better, ours: float, *, reached: bool
) -> None:
    arms = Arms(lambda: Sample(1, 1.0), lambda: Sample(1, 1.0))
    result = Result(row(arms, better=better), (ours,), (10.0,))

    assert result.reached is reached


def test_figures_are_per_second_or_in_milliseconds_of_cpu() -> None:
    assert per_cpu_second(Sample(500, 2.0)) == 250
    assert cpu_milliseconds(Sample(500, 2.0)) == 4


def test_a_row_that_was_not_measured_keeps_its_last_figures() -> None:
    old = [{"name": "a", "ours": 1}, {"name": "gone", "ours": 1}, {"name": "b", "ours": 1}]

    assert merged(old, [{"name": "b", "ours": 2}], ["b", "a"]) == [
        {"name": "b", "ours": 2},
        {"name": "a", "ours": 1},
    ]


def test_the_page_shows_ratio_and_goal() -> None:
    arms = Arms(lambda: Sample(1, 1.0), lambda: Sample(1, 1.0))
    page = render([entry(Result(row(arms), (30.0,), (20.0,)))])

    assert "| 1.5 | ≥ 2.0 | **not reached** |" in page


def test_the_page_shows_what_our_own_figure_must_reach() -> None:
    arms = Arms(lambda: Sample(1, 1.0), lambda: Sample(1, 1.0))
    wanted = [replace(row(arms), figure=figure) for figure in (50, 50.0)]
    page = render([entry(Result(each, (30.0,), (10.0,))) for each in wanted])

    assert page.count("| ≥ 2.0; ours ≥ 50 | **not reached** |") == 2


def test_an_unknown_row_is_refused() -> None:
    with pytest.raises(KeyError):
        chosen(ROWS, ["no.such_row"])


def test_every_row_has_a_name_of_its_own_that_says_what_it_is_compared_with() -> None:
    names = [row.name for row in ROWS]

    assert names
    assert len(set(names)) == len(names)
    assert all("." in name and "_vs_" in name for name in names)
