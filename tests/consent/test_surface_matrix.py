"""The surface as rows for people: every open slice once, and the condition as it is decided."""

import pytest

from consent.filters import filter_of
from consent.model import Filter, Literal
from consent.mou import shipped_bound, shipped_ids
from consent.surface import Opening, conditions_of, surfaces_of
from consent.surface.matrix import When, matrix_of, when_of
from consent.surface.universe import Universe, universe


def meant(when: When, cells: Universe) -> int:
    """Return the cells in which what a row says holds."""
    found = cells.all_true(when.always)
    found &= cells.of_terms([[f"!{fact}" for fact in when.never]])
    for ways in when.choices:
        found &= cells.of_terms(ways)
    return found


def said(opening: Opening, when: When) -> tuple[int, int]:
    """Return the cells of an opening, and those of what a row says of it."""
    words = {word.removeprefix("!") for ways in when.choices for way in ways for word in way}
    cells = universe(opening.facts() | words | {*when.always, *when.never})
    return cells.of_terms(opening.permits), meant(when, cells)


@pytest.mark.parametrize("document", shipped_ids())
def test_every_open_slice_stands_in_one_row_with_its_condition(document: str) -> None:
    bound = shipped_bound(document)
    for agreement, surface in zip(bound.agreements, surfaces_of(bound), strict=True):
        table = conditions_of(bound.template, agreement, bound.law)
        told = [
            (row.sender, row.recipient, role, row.purpose, element)
            for row in matrix_of(bound, agreement, surface)
            for role in row.roles
            for element in row.elements
        ]
        assert sorted(told) == sorted(
            (s.sender, s.recipient, s.role, s.purpose, s.element) for s in surface.openings
        )
        for asked, opening in surface.openings.items():
            decided, written = said(opening, when_of(filter_of(table[asked])))
            assert decided == written, asked


def test_a_condition_says_nothing_twice() -> None:
    a, b, c, not_d = (Literal("a"), Literal("b"), Literal("c"), Literal("d", wanted=False))  # type: ignore[arg-type] # a fact's name as text

    when = when_of(Filter((((a,),), ((a,), (b,)), ((not_d,),), ((a, b), (c,)), ((b,), (c,)))))

    # ``b or c`` is what is left of two clauses; the second clause holds with ``a``.
    assert when == When(always=("a",), never=("d",), choices=((("b",), ("c",)),))
