"""However a child document is edited: what still reads opens nothing that is shut above it."""

from collections.abc import Iterator
from itertools import islice

import pytest

from consent.mou import parent_of, shipped_bound, shipped_document
from consent.mou.library import bound_of
from consent.surface import Surface, compare, surfaces_of
from documents import DocumentError
from tests.consent.mutants import mutants

# The one edit that is no narrowing: whose law governs the record (FERPA, or HIPAA and the state's).
LAW = "acts_for_lea"
CHILDREN = (
    "millbrook-harbor-2026",
    "stonebrook-crossroads-2026",
    "stonebrook-crossroads-2026-a1",
    "school-wellness-extract-2026",
    "two-rivers-2026",
)


def read_after_every_edit(document: str, step: int) -> Iterator[tuple[str, tuple[Surface, ...]]]:
    """Yield the surfaces of each edit of a document that still reads."""
    for mutant in islice(mutants(shipped_bound(document).located), 0, None, step):
        if LAW in mutant.edit:
            continue
        try:
            yield mutant.edit, surfaces_of(bound_of(mutant.located, document, shipped_document))
        except DocumentError:
            continue


def opened(document: str, step: int) -> tuple[int, list[str]]:
    """Return how many edits still read, and those that open something."""
    (above,) = surfaces_of(parent_of(shipped_document(document), document, shipped_document))
    read = list(read_after_every_edit(document, step))
    return len(read), [edit for edit, own in read for one in own if compare(above, one).opened]


@pytest.mark.parametrize("document", CHILDREN)
def test_a_sample_of_edits_of_a_child_opens_nothing_shut_above_it(document: str) -> None:
    read, wider = opened(document, 13)

    assert wider == []
    assert read > 0


@pytest.mark.faults
@pytest.mark.parametrize("document", CHILDREN)
def test_no_edit_of_a_child_opens_anything_shut_above_it(document: str) -> None:
    read, wider = opened(document, 1)

    print(f"{document}: {read} edits read, {len(wider)} open something")  # noqa: T201 the figure
    assert wider == []
    assert read > 20
