"""Cedar, given the same papers as policies, permits what the table permits."""

import random
from collections.abc import Iterator

import pytest

from consent.facts import load_facts
from consent.model import Slice
from tests.consent.oracles.cedar import answers, context, exported, request
from tests.consent.oracles.shipped import Paper, each_paper, told

Cell = tuple[Slice, int, bool]
NAMES = [str(name) for name in load_facts()]


def every_cell(paper: Paper) -> Iterator[Cell]:
    """Yield every cell of a paper with our answer."""
    for asked in paper.table.slices():
        for bits, decision in paper.table.cells_of(asked):
            yield asked, bits, decision.permitted


def compare(paper: Paper, cells: list[Cell]) -> tuple[int, int, int]:
    """Return how many cells were compared, differed and were permitted."""
    text = exported(paper)
    compared = differences = permitted = 0
    bases = {asked: context(asked, paper, NAMES) for asked in paper.table.slices()}
    for start in range(0, len(cells), 5000):
        part = cells[start : start + 5000]
        theirs = answers([request(bases[asked], bits) for asked, bits, _ in part], text)
        ours = [answer for _, _, answer in part]
        compared += len(part)
        differences += sum(a != b for a, b in zip(ours, theirs, strict=True))
        permitted += sum(ours)
    told(paper, "Cedar", compared, differences)
    return compared, differences, permitted


@each_paper
def test_cedar_agrees_on_a_seeded_sample_of_cells(paper: Paper) -> None:
    every = list(every_cell(paper))
    chance = random.Random(20260824)  # noqa: S311 a seeded sample
    open_cells = chance.sample([cell for cell in every if cell[2]], 400)
    closed = chance.sample([cell for cell in every if not cell[2]], 800)

    assert compare(paper, open_cells + closed) == (1200, 0, 400)


@pytest.mark.faults
@each_paper
def test_cedar_agrees_on_every_cell_of_a_paper(paper: Paper) -> None:
    every = list(every_cell(paper))

    compared, differences, permitted = compare(paper, every)

    assert (compared, differences) == (len(every), 0)
    assert permitted > 100
