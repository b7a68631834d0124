"""Every shipped paper with its table, and every cell of it."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import pytest

from consent.conditions import bits_of
from consent.law import Law
from consent.model import Decision, Slice
from consent.mou import Agreement, Template, shipped_document
from consent.mou.library import Kind, read_bound
from consent.table import DecisionTable, compile_table

WORKED = "millbrook-harbor-2026"


@dataclass(frozen=True)
class Paper:
    """One agreement as a shipped document leaves it, for one district."""

    name: str
    template: Template
    agreement: Agreement
    law: Law
    table: DecisionTable

    def cells(self, asked: Slice) -> list[tuple[int, Decision]]:
        return list(self.table.cells_of(asked))


@cache
def papers() -> tuple[Paper, ...]:
    """Return every shipped document but the templates, which nobody has signed."""
    folder = files("consent.mou").joinpath("documents")
    names = sorted(e.name for e in folder.iterdir() if e.name.endswith(".yaml"))
    return tuple(paper for name in names for paper in _papers(name.removesuffix(".yaml")))


def _papers(name: str) -> Iterator[Paper]:
    bound = read_bound(shipped_document(name), name, shipped_document)
    if bound.kind is Kind.TEMPLATE:
        return
    for agreement in bound.agreements:
        table = compile_table(bound.template, agreement, bound.law)
        label = f"{name} {agreement.district}".strip()
        yield Paper(label, bound.template, agreement, bound.law, table)


def _param(paper: Paper) -> object:
    marks = () if paper.name == WORKED else (pytest.mark.faults,)
    return pytest.param(paper, id=paper.name.replace(" ", "-"), marks=marks)


# One paper at every run; all of them with ``-m faults``.
each_paper = pytest.mark.parametrize("paper", [_param(paper) for paper in papers()])


def permitted(cells: list[tuple[int, Decision]]) -> set[int]:
    return {bits for bits, decision in cells if decision.permitted}


def bit(fact: str) -> int:
    return bits_of((fact,))


def told(paper: Paper, form: str, compared: int, differences: int) -> None:
    """Print what a comparison did, for a reader of ``pytest -s``."""
    sys.stdout.write(f"{paper.name}: {form}, {compared} cells compared, {differences} differ\n")
