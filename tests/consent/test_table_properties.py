"""What must hold of the table as a whole, tried on cells drawn at random and on chosen ones."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.conditions import bits_of, facts_in
from consent.facts import load_facts
from consent.law import load_law
from consent.model import Slice
from consent.mou import shipped_agreement, shipped_template
from consent.table import compile_table
from tests.consent.worked_example import agreement_with, law, slice_of, table, template_with

FACTS = tuple(load_facts())
SLICES = table().slices()
facts_sets = st.frozensets(st.sampled_from(FACTS))


@given(st.sampled_from(SLICES), facts_sets)
@settings(max_examples=300, deadline=None)
def test_facts_that_are_not_relevant_change_nothing(asked: Slice, facts: frozenset[str]) -> None:
    relevant = table().relevant_facts(asked)

    whole, part = table().decide(asked, facts), table().decide(asked, facts & relevant)

    assert whole == part


@given(st.sampled_from(SLICES), facts_sets)
@settings(max_examples=300, deadline=None)
def test_a_fact_that_only_prohibits_never_opens_a_cell(asked: Slice, facts: frozenset[str]) -> None:
    before = table().decide(asked, facts).permitted

    for prohibiting in ("dissent", "recipient_blocked", "third_party_present"):
        assert table().decide(asked, facts | {prohibiting}).permitted <= before


@given(st.sampled_from(SLICES), facts_sets, st.sampled_from(FACTS))
@settings(max_examples=300, deadline=None)
def test_taking_evidence_away_never_opens_a_cell(
    asked: Slice, facts: frozenset[str], gone: str
) -> None:
    prohibiting = {"dissent", "recipient_blocked", "third_party_present", "minor_consented_care"}

    if gone not in prohibiting:
        assert (
            table().decide(asked, facts - {gone}).permitted
            <= table().decide(asked, facts).permitted
        )


def test_without_any_fact_nothing_is_permitted() -> None:
    permitted = [asked for asked in SLICES if table().decide(asked, []).permitted]

    assert permitted == []


@pytest.mark.parametrize(
    ("question", "elements"),
    [
        ("provider lea counselor follow", {"referral.status", "clinician.contact",
                                           "school.supports", "visit.type"}),
        ("provider lea referral_coordinator attend", {"visit.dates"}),
        ("provider lea nurse attend", set()),
        ("provider hub loader report", {"enc.row"}),
        ("provider lea administrator follow", set()),
        ("hub public anyone report", {"agg.cell"}),
    ],
)  # fmt: skip
def test_the_elements_that_could_be_permitted_are_those_of_the_agreement(
    question: str, elements: set[str]
) -> None:
    assert set(table().elements(*question.split())) == elements


def test_elements_dropped_by_the_agreement_are_not_offered_to_the_provider() -> None:
    offered = table().elements("lea", "provider", "intake", "refer")

    assert "referral.reason" in offered
    assert not {"discipline.count", "student.local_id"} & set(offered)


def test_a_purpose_dropped_by_the_agreement_is_closed_and_the_other_stays_open() -> None:
    narrower = agreement_with("F9: {drop: false}", "F6: {drop_purposes: [evaluate]}")
    closed = compile_table(shipped_template(), narrower, law())
    facts = ["in_force", "state_mandate", "pseudonymised", "c_health"]

    evaluate = closed.decide(slice_of("provider hub loader evaluate enc.row"), facts)

    assert evaluate.reasons == ("agreement:no-flow",)
    assert closed.decide(slice_of("provider hub loader report enc.row"), facts).permitted


def test_a_prohibition_may_speak_of_one_sender_only() -> None:
    rule = "{id: A1, text: The school sends no safety plan., from: lea, elements: [safety.plan],"
    theirs = agreement_with(
        "{id: A1, text: No row about Part 2 programme care goes to the hub from this provider., "
        "elements: [sud.row],",
        rule,
    )
    narrower = compile_table(shipped_template(), theirs, law())
    facts = ["threat_documented"]

    from_school = narrower.decide(slice_of("lea provider clinician safety safety.plan"), facts)
    back = narrower.decide(slice_of("provider lea counselor safety safety.plan"), facts)

    assert from_school.reasons[0] == "prohibition:A1"
    assert back.permitted


def test_a_provider_that_keeps_the_record_for_the_school_is_under_ferpa() -> None:
    theirs = agreement_with("acts_for_lea: false", "acts_for_lea: true")
    school_kept = compile_table(shipped_template(), theirs, law())
    asked = slice_of("provider lea counselor follow referral.status")

    assert school_kept.decide(asked, ["in_force", "enrolled", "c_health"]).reasons == ("law:FERPA",)
    assert school_kept.decide(asked, ["in_force", "enrolled", "c_ferpa"]).permitted


def test_a_minors_care_stays_closed_to_the_school_also_where_ferpa_governs_it() -> None:
    theirs = agreement_with("acts_for_lea: false", "acts_for_lea: true")
    school_kept = compile_table(shipped_template(), theirs, law())
    asked = slice_of("provider lea counselor follow referral.status")

    decision = school_kept.decide(
        asked, ["in_force", "enrolled", "c_ferpa", "minor_consented_care"]
    )

    assert decision.reasons[0] == "prohibition:P1"


def test_part_2_goes_on_to_govern_a_record_kept_for_the_school() -> None:
    theirs = agreement_with("acts_for_lea: false", "acts_for_lea: true")
    school_kept = compile_table(shipped_template(), theirs, law())
    asked = slice_of("provider lea counselor follow sud.record")

    assert "law:PART2" in school_kept.decide(asked, ["c_ferpa", "c_health"]).reasons


def test_the_digest_of_a_table_follows_what_it_decides() -> None:
    again = compile_table(shipped_template(), shipped_agreement(), law())
    other = agreement_with("drop_elements: [close.reason]", "drop_elements: []")

    assert again.digest == table().digest
    assert compile_table(shipped_template(), other, law()).digest != table().digest


def test_a_table_refuses_documents_that_do_not_belong_together() -> None:
    other = template_with("min_n: 11", "min_n: 12")

    with pytest.raises(ValueError, match="another template"):
        compile_table(other, shipped_agreement(), law())
    with pytest.raises(ValueError, match="another jurisdiction"):
        compile_table(shipped_template(), shipped_agreement(), load_law("US-CT"))


@given(facts_sets)
def test_facts_as_bits_are_the_same_facts(facts: frozenset[str]) -> None:
    assert facts_in(bits_of(facts)) == facts
