"""The ways facts reach a decision: names, numbers, records; and what happens to what is no fact."""

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.conditions import bits_of, facts_in
from consent.facts import facts_with_unknowns, load_facts
from consent.model import Slice
from tests.consent.worked_example import slice_of, table

FACTS = tuple(map(str, load_facts()))
SLICES = table().slices()
facts_sets = st.frozensets(st.sampled_from(FACTS))
records = st.dictionaries(st.sampled_from(FACTS), st.sampled_from([True, False, None, 1, "yes"]))
ASKED = slice_of("provider lea counselor follow referral.status")


@given(st.sampled_from(SLICES), facts_sets)
@settings(max_examples=300, deadline=None)
def test_names_numbers_and_records_are_decided_alike(asked: Slice, facts: frozenset[str]) -> None:
    record = {name: name in facts for name in FACTS}

    by_name = table().decide(asked, facts)

    assert table().decide_bits(asked, bits_of(facts)) == by_name
    assert table().decide_record(asked, record) == by_name
    assert table().cells_of(asked).at(bits_of(facts)) == by_name


@given(st.sampled_from(SLICES), records)
@settings(max_examples=300, deadline=None)
def test_what_a_record_does_not_answer_counts_as_the_fact_table_says(
    asked: Slice, record: dict[str, object]
) -> None:
    true = [name for name, value in record.items() if value is True]
    false = [name for name, value in record.items() if value is False]

    read = facts_in(table().cells_of(asked).read(record))

    known = facts_with_unknowns(true, false, under_18=None)
    assert read == known & table().relevant_facts(asked)


@given(st.sampled_from(SLICES), records)
@settings(max_examples=300, deadline=None)
def test_forgetting_an_answer_never_opens_a_cell(asked: Slice, record: dict[str, object]) -> None:
    before = table().decide_record(asked, record).permitted

    for name, value in record.items():
        less = {other: value for other, value in record.items() if other != name}
        opened = table().decide_record(asked, less).permitted and not before
        # To forget a fact known to be against the release is the one thing that may not happen
        # here: it counts as true while unknown, so even that opens nothing.
        assert not opened, (name, value)


@given(st.sampled_from(SLICES), facts_sets, facts_sets, st.sampled_from([True, False, None]))
@settings(max_examples=300, deadline=None)
def test_unknown_facts_never_permit_what_no_answer_to_them_would(
    asked: Slice, true: frozenset[str], false: frozenset[str], under_18: bool | None
) -> None:
    assumed = table().decide(asked, facts_with_unknowns(true - false, false - true, under_18))
    worst = table().decide(asked, facts_with_unknowns(true - false, false - true, None))

    # Not knowing the age opens nothing that knowing it would not.
    assert worst.permitted <= assumed.permitted
    if under_18 is not False:
        assert worst == assumed


@given(st.sampled_from(SLICES), facts_sets, facts_sets)
@settings(max_examples=300, deadline=None)
def test_more_evidence_closes_a_cell_only_by_a_fact_a_prohibition_names(
    asked: Slice, facts: frozenset[str], more: frozenset[str]
) -> None:
    against = {"dissent", "recipient_blocked", "third_party_present", "minor_consented_care"}
    before, after = (table().decide(asked, known) for known in (facts, facts | (more - against)))

    assert before.permitted <= after.permitted
    if table().decide(asked, facts | more).permitted < before.permitted:
        assert more & against - facts


def test_what_is_no_fact_and_no_number_is_a_denial_not_an_error() -> None:
    odd: list[object] = [None, "in_force", 3.5, [1], object()]

    answers = [table().decide_bits(ASKED, value) for value in odd]  # type: ignore[arg-type] # wrong on purpose
    answers.append(table().decide_record(ASKED, []))  # type: ignore[arg-type] # wrong on purpose
    answers.append(table().decide(ASKED, ["in_forse"]))

    assert {answer.reasons for answer in answers} == {("decision-failed",)}
    assert not any(answer.permitted for answer in answers)
