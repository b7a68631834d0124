"""What must hold on every cell of the table, not on examples: each test enumerates them all."""

from itertools import product

import pytest

from consent.filters import holds
from consent.model import Slice
from consent.mou import shipped_template
from consent.table import compile_table
from tests.consent.worked_example import agreement_with, law, table

SLICES = table().slices()


def test_the_filter_holds_exactly_where_the_decision_permits_on_every_cell() -> None:
    filters = {asked: table().filter(asked) for asked in SLICES}
    cells = permits = 0

    for asked, facts, decision in table().cells():
        cells += 1
        permits += decision.permitted
        assert holds(filters[asked], facts) == decision.permitted, (asked, facts)

    # Counted once by another program over the same documents: a change here is a change of what
    # leaves, and wants a reason in the commit.
    assert (len(SLICES), cells, permits) == (204, 122_056, 6_561)


@pytest.mark.turns(2)
def test_a_new_prohibition_only_closes_cells() -> None:
    added = "  - {id: A2, text: Alone., when: [third_party_present], unless: [treating]}\n"
    narrower = compile_table(
        shipped_template(),
        agreement_with("retention: {provider_copy", f"{added}retention: {{provider_copy"),
        law(),
    )
    closed = 0

    for asked, facts, decision in table().cells():
        after = narrower.decide(asked, facts).permitted
        assert after <= decision.permitted
        closed += after != decision.permitted

    assert closed > 0


def test_the_agreement_never_permits_what_its_template_denies() -> None:
    for asked, facts, decision in table().cells():
        if decision.permitted:
            votes = {vote.layer: vote.agrees for vote in table().explain(asked, facts)}
            assert all(votes.values())
            assert votes["template"]


def test_no_slice_outside_the_flows_of_the_template_can_ever_be_permitted() -> None:
    template = shipped_template()
    domain = product(
        template.roles, template.roles, ("intake", "counselor", "nurse", "guardian", "loader"),
        template.purposes, template.elements,
    )  # fmt: skip
    others = {Slice(*names) for names in domain} - set(SLICES)

    assert len(others) > 50_000
    assert all(table().filter(asked).never for asked in others)
