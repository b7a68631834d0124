"""What a table keeps of its answers, so that the next question is cheap, and how much at most."""

import re

import pytest

from consent import cells, table
from consent.cells import Cells, subsets
from consent.conditions import fact_bits
from consent.mou import shipped_agreement, shipped_template
from consent.table import DecisionTable, compile_table
from tests.consent.worked_example import law, slice_of
from tests.consent.worked_example import table as worked_table

ASKED = slice_of("lea provider intake refer referral.reason")
UNKNOWN = slice_of("lea lea counselor follow referral.status")


def fresh() -> DecisionTable:
    return compile_table(shipped_template(), shipped_agreement(), law())


def asked_of(found: Cells) -> list[int]:
    return sorted(found._answers)


def test_the_same_facts_are_answered_by_the_same_decision() -> None:
    found = fresh().cells_of(ASKED)

    assert found.at(found.relevant) is found.at(found.relevant)
    assert asked_of(found) == [found.relevant]


def test_no_more_answers_are_kept_than_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "_MOST_ANSWERS", 2)
    found = fresh().cells_of(ASKED)
    first, second, third = list(subsets(found.relevant))[:3]

    answers = [found.at(bits) for bits in (first, second, third)]

    assert asked_of(found) == sorted([first, second])
    assert answers == [dict(found)[bits] for bits in (first, second, third)]


def test_every_cell_of_a_slice_is_given_once_most_facts_first_and_none_is_kept() -> None:
    found = fresh().cells_of(ASKED)

    given = dict(found)

    assert len(given) == 1 << found.relevant.bit_count()
    assert next(iter(given)) == found.relevant
    assert asked_of(found) == []
    assert all(found.at(bits) == decision for bits, decision in given.items())


def test_the_cells_of_a_table_are_those_of_its_slices_with_their_facts_by_name() -> None:
    first, *_ = worked_table().slices()
    given = [
        (facts, decision)
        for (asked, facts, decision), _ in zip(worked_table().cells(), range(64), strict=False)
        if asked == first
    ]

    assert len(given) == min(64, 1 << len(worked_table().relevant_facts(first)))
    assert given[0][0] == worked_table().relevant_facts(first)
    assert all(worked_table().decide(first, facts) == decision for facts, decision in given)


def test_every_set_of_three_facts_is_a_cell() -> None:
    assert list(subsets(0b111)) == [7, 6, 5, 4, 3, 2, 1, 0]


def test_the_number_of_a_fact_is_its_place_in_the_fact_table() -> None:
    # A stored decision names its facts by these numbers: they may not move.
    assert list(fact_bits().values()) == [1 << place for place in range(len(fact_bits()))]
    assert list(fact_bits())[:2] == ["in_force", "enrolled"]


def test_a_slice_is_compiled_once_and_its_filter_made_once() -> None:
    found = fresh()

    assert found.cells_of(ASKED) is found.cells_of(ASKED)
    assert found.filter(ASKED) is found.filter(ASKED)
    assert found.filter(ASKED).clauses


def test_made_up_slices_do_not_grow_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "_MOST_SLICES", 2)
    found = fresh()
    first, second, third = found.slices()[-3:]

    for asked in (UNKNOWN, first, second, third):
        assert found.filter(asked) == worked_table().filter(asked)
        assert found.decide(asked, ()) == worked_table().decide(asked, ())

    assert list(found._compiled) == list(found.slices()[:2])
    assert list(found._filters) == [UNKNOWN, first]
    assert UNKNOWN not in worked_table()._compiled


def test_a_table_is_named_by_a_digest_of_what_it_decides() -> None:
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", worked_table().digest)
