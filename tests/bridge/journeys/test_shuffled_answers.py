"""Whatever the order, and however often an answer arrives, what is kept is what the model has."""

import os

import pytest

from tests.support.shuffled_answers import run_sequences
from tests.support.worlds import World


def test_late_and_repeated_answers_change_nothing(world: World) -> None:
    tally = run_sequences(world, 0, 12, seed=7)
    assert tally.sequences == 12
    assert min(tally.answers.get(became, 0) for became in ("kept", "late", "illegal")) > 0


@pytest.mark.faults
def test_a_hundred_thousand_shuffled_sequences_end_as_the_model_says(lite: World) -> None:
    wanted = int(os.environ.get("SCHOOLBRIDGE_SEQUENCES", "100000"))  # noqa: TID251
    seed = int(os.environ.get("SCHOOLBRIDGE_SEED", "20261126"))  # noqa: TID251
    print(f"seed {seed}")  # noqa: T201
    done, answers = 0, 0
    while done < wanted:
        tally = run_sequences(lite, done, min(200, wanted - done), seed + done)
        done, answers = done + tally.sequences, answers + sum(tally.answers.values())
    print(f"{done} sequences, {answers} answers")  # noqa: T201
    assert done == wanted
