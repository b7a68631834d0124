"""Whatever the order, and however often an answer arrives, what is kept is what the model has.

``SCHOOLBRIDGE_SEQUENCES`` says how many sequences the long run makes, ``SCHOOLBRIDGE_SEED``
repeats one.
"""

import os
from collections import Counter
from collections.abc import Callable

import pytest

from tests.support import shuffled_answers
from tests.support.shuffled_answers import Tally, run_on_the_store, run_sequences
from tests.support.worlds import World

Run = Callable[[World, int, int, int], Tally]


def test_late_and_repeated_answers_change_nothing(world: World) -> None:
    tally = run_sequences(world, 0, 12, seed=7)
    assert tally.sequences == 12
    assert min(tally.answers.get(became, 0) for became in ("kept", "late", "illegal")) > 0


def test_by_the_rules_and_the_store_alone_the_same_answers_are_kept(lite: World) -> None:
    with_gate = run_sequences(lite, 1, 12, seed=7)
    alone = run_on_the_store(lite, 0, 12, seed=7)
    assert alone.answers == with_gate.answers
    assert run_on_the_store(lite, 12, 188, seed=8).sequences == 188


def test_answers_taken_whatever_version_they_were_made_from_are_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def takes_late_ones(*_: object) -> None:
        """The mutant."""

    monkeypatch.setattr(shuffled_answers, "not_late", takes_late_ones)
    with pytest.raises(AssertionError):
        run_on_the_store(lite, 0, 50, seed=7)


def test_a_version_that_comes_again_is_noticed(
    lite: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of reading is what tells a state apart from the same one later."""
    real = shuffled_answers.not_late

    def forgets_the_time(seen: shuffled_answers.Seen, answer: shuffled_answers.TaskAnswer) -> None:
        timeless = {**answer.sent, "meta": {}}
        real(seen, shuffled_answers.TaskAnswer(answer.task_id, timeless, answer.if_match))

    monkeypatch.setattr(shuffled_answers, "not_late", forgets_the_time)
    with pytest.raises(AssertionError):
        run_on_the_store(lite, 0, 2000, seed=7)


@pytest.mark.faults
@pytest.mark.parametrize(("run", "part"), [(run_on_the_store, 1), (run_sequences, 100)])
def test_a_hundred_thousand_shuffled_sequences_end_as_the_model_says(
    lite: World, run: Run, part: int
) -> None:
    wanted = int(os.environ.get("SCHOOLBRIDGE_SEQUENCES", "100000")) // part  # noqa: TID251 - a switch of the tests
    seed = int(os.environ.get("SCHOOLBRIDGE_SEED", "20261126"))  # noqa: TID251 - a switch of the tests
    print(f"seed {seed}")  # noqa: T201 - what the run found
    done, answers = 0, Counter[str]()
    while done < wanted:
        tally = run(lite, done, min(200, wanted - done), seed + done)
        done, answers = done + tally.sequences, answers + Counter(tally.answers)
    print(f"{done} sequences, {answers.total()} answers: {dict(answers)}")  # noqa: T201 - what the run found
    assert done == wanted
