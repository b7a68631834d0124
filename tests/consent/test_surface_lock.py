"""The released surface of each shipped document is locked: no unlisted change of what may leave."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.filters import holds
from consent.model import Filter, Literal, Slice
from consent.mou import read_bound, shipped_bound, shipped_document, shipped_ids
from consent.surface import Surface, compare, locked_text, read_lock, surfaces_of
from consent.surface.opening import minimal_permits
from consent.surface.telling import told
from consent.surface.universe import universe
from tests.consent.locks import FOLDER, lock_bytes, shipped_locks
from tests.consent.worked_example import TEMPLATE, edited, problems_of

FACTS = ("a", "b", "c", "d")
literals = st.builds(Literal, st.sampled_from(FACTS), st.booleans())
filters = st.builds(
    Filter,
    st.lists(
        st.lists(st.lists(literals, min_size=1, max_size=3).map(tuple), max_size=3).map(tuple),
        max_size=4,
    ).map(tuple),
)


def surface_of(text: str) -> Surface:
    return surfaces_of(read_bound(text.encode(), "t.yaml", shipped_document))[0]


@pytest.mark.parametrize("document", shipped_ids())
def test_a_shipped_document_releases_what_its_lock_says_and_nothing_else(document: str) -> None:
    bound = shipped_bound(document)

    for locked, now in zip(shipped_locks(document), surfaces_of(bound), strict=True):
        assert list(told(compare(locked, now), bound)) == []
        assert locked_text(now).encode() == lock_bytes(now.name)


def test_there_is_one_lock_for_each_surface_and_no_other() -> None:
    names = {one.name for document in shipped_ids() for one in surfaces_of(shipped_bound(document))}

    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.lock.yaml" for name in names}


def test_a_lock_edited_by_hand_is_refused() -> None:
    text = lock_bytes("xx-smh-template").decode()
    widened = text.replace('"in_force", ', "", 1).encode()

    problems = problems_of(read_lock, widened, "x.lock.yaml")

    assert problems == [
        "x.lock.yaml:5:9: digest: is not the digest of this surface; write the lock again"
    ]


def test_a_document_laid_out_otherwise_has_the_same_lock() -> None:
    swapped = edited(
        TEMPLATE,
        "[report, evaluate]\n    elements: [ref.row]",
        "[evaluate, report]\n    elements: [ref.row]",
    )
    renamed = swapped.replace("text: Claims.", "text: Bills.")

    assert locked_text(surface_of(renamed)) == locked_text(surface_of(TEMPLATE))


def test_an_unlisted_change_is_named_by_flow_element_and_smallest_cell() -> None:
    wider = edited(TEMPLATE, "elements: [visit.dates]", "elements: [visit.dates, diagnosis]")
    bound = read_bound(wider.encode(), "t.yaml", shipped_document)

    lines = list(told(compare(*shipped_locks("xx-smh-template"), surface_of(wider)), bound))

    # A flow that opens one more element: nothing of it was open before.
    assert lines[0] == (
        "+ F3 diagnosis: 82 cells opened, provider -> lea (nurse, referral_coordinator) "
        "to attend; smallest with c_health enrolled in_force"
    )
    assert all(line.startswith("~ elements.diagnosis") for line in lines[1:])


def test_cells_opened_and_closed_are_counted_over_every_set_of_facts() -> None:
    asked = Slice("hub", "public", "anyone", "report", "agg.cell")
    looser = edited(TEMPLATE, "requires: [n_at_least_min, complement_safe]", "requires: []")
    stricter = edited(
        TEMPLATE, "requires: [n_at_least_min, comp", "requires: [in_force, n_at_least_min, comp"
    )

    assert not compare(surface_of(TEMPLATE), surface_of(looser)).cells
    (change,) = compare(surface_of(TEMPLATE), surface_of(stricter)).cells
    assert (change.asked, change.opened, change.closed) == (asked, 0, 1)
    assert change.closed_with == ("complement_safe", "n_at_least_min")


@given(filters)
@settings(max_examples=300, deadline=None)
def test_minimal_permit_sets_hold_in_the_same_cells_and_none_can_be_smaller(
    condition: Filter,
) -> None:
    cells, terms = universe(FACTS), minimal_permits(condition)
    permitted = cells.permitted(condition)

    true_in = [frozenset(f for i, f in enumerate(FACTS) if n >> i & 1) for n in range(16)]
    by_hand = sum(1 << n for n, facts in enumerate(true_in) if holds(condition, facts))
    assert cells.of_terms(terms) == permitted == by_hand
    for term in terms:
        for word in term:
            assert cells.of_terms([term - {word}]) & ~permitted
