"""Every single edit of a shipped document that changes what is released is caught by its lock."""

from collections import Counter
from itertools import islice

import pytest

from consent.mou import shipped_bound, shipped_document, shipped_ids
from consent.mou.library import bound_of
from consent.surface import Surface, compare
from consent.surface.telling import told
from documents import DocumentError
from tests.consent.locks import shipped_locks
from tests.consent.mutants import Judged, Mutant, mutants

EVERY = 97


def outcome_of(mutant: Mutant, shipped: Judged, locks: tuple[Surface, ...]) -> str:
    """Return what became of one edit: refused, caught, the same, or missed."""
    try:
        changed = Judged(bound_of(mutant.located, shipped.bound.id, shipped_document))
    except DocumentError:
        return "refused"
    surfaces = changed.surfaces()
    named = len(surfaces) != len(locks) or any(
        list(told(compare(old, new), changed.bound))
        for old, new in zip(locks, surfaces, strict=True)
    )
    if shipped.releases_otherwise(changed):
        return "caught" if named else "missed"
    return "told though alike" if named else "the same"


def outcomes(document: str, step: int, start: int = 0) -> tuple[Counter[str], list[str]]:
    """Return how the edits of a document were judged, and those judged wrongly."""
    shipped, locks = Judged(shipped_bound(document)), shipped_locks(document)
    counts: Counter[str] = Counter()
    wrong = []
    for mutant in islice(mutants(shipped.bound.located), start, None, step):
        outcome = outcome_of(mutant, shipped, locks)
        counts[outcome] += 1
        if outcome in ("missed", "told though alike"):
            wrong.append(f"{outcome}: {mutant.edit}")
    return counts, wrong


@pytest.mark.parametrize("document", shipped_ids())
def test_a_sample_of_edits_that_release_otherwise_is_caught_by_the_lock(document: str) -> None:
    counts, wrong = outcomes(document, EVERY, start=3)

    assert wrong == []
    assert counts.total() > 0


@pytest.mark.faults
@pytest.mark.parametrize("document", shipped_ids())
def test_every_edit_that_releases_otherwise_is_caught_by_the_lock(document: str) -> None:
    counts, wrong = outcomes(document, 1)
    caught, releasing = counts["caught"], counts["caught"] + counts["missed"]

    print(f"{document}: {caught}/{releasing} caught; {dict(counts)}")  # noqa: T201 the figure
    assert wrong == []
    assert caught > 20
