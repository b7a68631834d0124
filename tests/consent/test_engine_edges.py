"""Edges of the engine: every reason on a sample of cells, and what only a fault would change."""

import random
from dataclasses import replace
from functools import cache

from consent.cells import subsets
from consent.columns import FactColumns
from consent.conditions import bits_of, facts_in
from consent.filters import holds
from consent.model import Slice
from consent.mou import shipped_agreement, shipped_template
from consent.table import compile_table
from tests.consent.oracles.plain import objections
from tests.consent.oracles.shipped import Paper
from tests.consent.worked_example import law, slice_of, table

PAPER = Paper("worked", shipped_template(), shipped_agreement(), law(), table())


@cache
def sample() -> list[tuple[Slice, list[int]]]:
    """Return some cells of every slice: seeded, half of them one fact away from a permit."""
    chance = random.Random(17)  # noqa: S311 a seeded sample
    found = []
    for asked in table().slices():
        relevant = table().cells_of(asked).relevant
        bits = [chance.getrandbits(32) & relevant for _ in range(6)]
        near = [relevant & ~bits_of((name,)) for name in sorted(facts_in(relevant))]
        against = bits_of(("dissent", "recipient_blocked", "third_party_present"))
        found.append((asked, [*bits, *near, *(each & ~against for each in near), 0, relevant]))
    return found


def test_every_reason_is_the_one_the_documents_give() -> None:
    for asked, cells in sample():
        for bits in cells:
            facts = frozenset(map(str, facts_in(bits)))
            decision = table().decide_bits(asked, bits)
            expected = objections(asked, facts, PAPER)
            assert decision.permitted == (not expected)
            assert decision.reasons == expected or decision.reasons[0].startswith("flow:F")


def test_columns_and_filters_follow_the_single_decisions_on_the_sample() -> None:
    for asked, cells in sample():
        single = [table().decide_bits(asked, bits) for bits in cells]
        many = table().decide_many(asked, FactColumns(cells))
        condition = table().filter(asked)
        assert many.flags() == bytes(decision.permitted for decision in single)
        assert many.extents() == [decision.extent for decision in single]
        met = [holds(condition, frozenset(map(str, facts_in(bits)))) for bits in cells]
        assert met == [decision.permitted for decision in single]


def test_all_that_a_permit_names_is_met() -> None:
    for asked, cells in sample():
        for bits in cells:
            decision = table().decide_bits(asked, bits)
            facts = table().explain(asked, facts_in(bits))
            laws = [vote for vote in facts if vote.layer.startswith("law:")]
            assert decision.permitted == all(vote.agrees for vote in facts)
            if decision.permitted:
                assert decision.bases == tuple(vote.by[0] for vote in laws)


def test_a_prohibition_names_what_would_lift_it_only_where_it_objects() -> None:
    asked = slice_of("provider lea counselor follow referral.status")

    against, quiet = (
        {vote.layer: vote for vote in table().explain(asked, facts)}["prohibition:P6"]
        for facts in (["dissent"], [])
    )

    assert (against.agrees, against.missing) == (False, ("threat_documented",))
    assert (quiet.agrees, quiet.missing) == (True, ())
    assert against.by == quiet.by == ("P6",)


def test_a_layer_names_the_nearest_way_only_where_none_holds() -> None:
    asked = slice_of("lea provider intake refer referral.reason")

    shut, met = (
        {vote.layer: vote for vote in table().explain(asked, facts)}["law:FERPA"]
        for facts in (["official_contract"], ["c_ferpa"])
    )

    assert (shut.agrees, shut.missing) == (False, ("c_ferpa",))
    assert len(shut.by) > len(met.by) == 1
    assert (met.agrees, met.missing, met.by) == (True, (), ("ferpa.consent",))


def test_a_layer_without_any_way_names_no_clause_and_nothing_that_would_help() -> None:
    asked = slice_of("provider lea nurse attend visit.dates")

    votes = {vote.layer: vote for vote in table().explain(asked, ["in_force", "enrolled"])}

    assert (votes["agreement"].by, votes["agreement"].missing) == ((), ())
    assert (votes["agreement"].agrees, votes["agreement"].clause) == (False, "")
    assert (votes["template"].agrees, votes["template"].clause) == (True, "4.3")


def test_every_set_of_some_facts_is_a_cell_once() -> None:
    assert list(subsets(0b1010)) == [0b1010, 0b1000, 0b0010, 0]
    assert list(subsets(0)) == [0]


def test_what_no_law_speaks_of_is_denied_and_the_reason_says_so() -> None:
    lawless = compile_table(shipped_template(), shipped_agreement(), replace(law(), bases=()))
    asked = slice_of("lea provider intake refer referral.reason")

    decision = lawless.decide(asked, ["in_force", "enrolled", "provider_active", "c_ferpa"])

    assert (decision.permitted, decision.reasons) == (False, ("law:none",))
    assert [vote.layer for vote in lawless.explain(asked, [])][-3:] == [
        "law:none",
        "template",
        "agreement",
    ]


def test_only_a_basis_met_by_a_form_that_rides_along_names_the_form() -> None:
    ways = [
        way
        for asked in table().slices()
        for layer in table().cells_of(asked).conditions.layers
        for way in layer.ways
    ]

    assert {way.form for way in ways if way.name == "p2.consent"} == {"part2"}
    assert {way.form for way in ways if way.name != "p2.consent"} == {""}
