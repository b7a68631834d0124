"""Every single edit of a shipped document that changes what is released is caught by its lock."""

from collections import Counter
from itertools import islice

import pytest

from consent.mou import Bound, shipped_bound, shipped_document, shipped_ids
from consent.mou.library import bound_of
from consent.surface import Surface, compare, surfaces_of
from consent.surface.telling import told
from documents import DocumentError
from tests.consent.locks import shipped_locks
from tests.consent.mutants import Mutant, changes_release, mutants

EVERY = 97


def judged(mutant: Mutant, shipped: Bound, locks: tuple[Surface, ...]) -> str:
    """Return what became of one edit: refused, caught, the same, or missed."""
    try:
        changed = bound_of(mutant.located, shipped.id, shipped_document)
    except DocumentError:
        return "refused"
    after = surfaces_of(changed)
    named = [
        line
        for old, new in zip(locks, after, strict=False)
        for line in told(compare(old, new), changed)
    ]
    if len(changed.agreements) != len(shipped.agreements) or named:
        return "caught" if changes_release_or_districts(shipped, changed) else "told though alike"
    return "missed" if changes_release_or_districts(shipped, changed) else "the same"


def changes_release_or_districts(old: Bound, new: Bound) -> bool:
    return len(old.agreements) != len(new.agreements) or changes_release(old, new)


def outcomes(document: str, step: int, start: int = 0) -> tuple[Counter[str], list[str]]:
    """Return how the edits of a document were judged, and the edits missed."""
    shipped, locks = shipped_bound(document), shipped_locks(document)
    counts: Counter[str] = Counter()
    missed = []
    for mutant in islice(mutants(shipped.located), start, None, step):
        outcome = judged(mutant, shipped, locks)
        counts[outcome] += 1
        if outcome in ("missed", "told though alike"):
            missed.append(f"{outcome}: {mutant.edit}")
    return counts, missed


@pytest.mark.parametrize("document", shipped_ids())
def test_a_sample_of_edits_that_release_otherwise_is_caught_by_the_lock(document: str) -> None:
    counts, missed = outcomes(document, EVERY, start=3)

    assert missed == []
    assert counts.total() > 0


@pytest.mark.faults
@pytest.mark.parametrize("document", shipped_ids())
def test_every_edit_that_releases_otherwise_is_caught_by_the_lock(document: str) -> None:
    counts, missed = outcomes(document, 1)
    caught, releasing = counts["caught"], counts["caught"] + counts["missed"]

    print(f"{document}: {caught}/{releasing} caught; {dict(counts)}")  # noqa: T201 the figure
    assert missed == []
    assert caught > 20
