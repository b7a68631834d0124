"""Cedar, given the same papers as policies, permits what the table permits."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from consent.facts import load_facts
from tests.consent.oracles.cedar import answers, context, exported, request
from tests.consent.oracles.shipped import Paper, papers, told

each_paper = pytest.mark.parametrize("paper", papers(), ids=lambda paper: paper.name)
Question = tuple[dict[str, Any], bool]


def questions(paper: Paper) -> Iterator[Question]:
    """Yield every cell of a paper with our answer."""
    names = [str(name) for name in load_facts()]
    for asked in paper.table.slices():
        base = context(asked, paper, names)
        for bits, decision in paper.table.cells_of(asked):
            yield request(base, bits), decision.permitted


def compare(paper: Paper, asked: list[Question]) -> tuple[int, int, int]:
    """Return how many cells were compared, differed and were permitted."""
    text = exported(paper)
    compared = differences = permitted = 0
    for start in range(0, len(asked), 5000):
        part = asked[start : start + 5000]
        theirs = answers([question for question, _ in part], text)
        ours = [answer for _, answer in part]
        compared += len(part)
        differences += sum(a != b for a, b in zip(ours, theirs, strict=True))
        permitted += sum(ours)
    told(paper, "Cedar", compared, differences)
    return compared, differences, permitted


@each_paper
def test_cedar_agrees_on_a_seeded_sample_of_cells(paper: Paper) -> None:
    every = list(questions(paper))
    chance = random.Random(20260824)  # noqa: S311 a seeded sample
    open_cells = chance.sample([each for each in every if each[1]], 400)
    closed = chance.sample([each for each in every if not each[1]], 800)

    assert compare(paper, open_cells + closed) == (1200, 0, 400)


@pytest.mark.faults
@each_paper
def test_cedar_agrees_on_every_cell_of_a_paper(paper: Paper) -> None:
    every = list(questions(paper))

    compared, differences, permitted = compare(paper, every)

    assert (compared, differences) == (len(every), 0)
    assert permitted > 100
