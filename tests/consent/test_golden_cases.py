"""Decided cases: the slice, the facts that are true (all others false), the answer."""

import pytest

from consent.model import Slice
from consent.mou import shipped_template
from consent.table import compile_table
from tests.consent.worked_example import agreement_with, golden_cases, law, slice_of, table


@pytest.mark.parametrize("case", golden_cases(), ids=lambda case: case["case"])
def test_a_golden_case_is_decided_as_written(case: dict[str, str]) -> None:
    asked = Slice(case["from"], case["to"], case["role"], case["purpose"], case["element"])

    decision = table().decide(asked, case["true_facts"].split())

    assert decision.outcome == case["expect"]
    assert decision.reasons[0].startswith(case["reason_starts"])


def test_thirty_golden_cases_are_read() -> None:
    assert len({case["case"] for case in golden_cases()}) == 30


def test_a_permit_names_flow_clause_bases_and_duties() -> None:
    asked = slice_of("lea provider intake refer referral.reason")

    decision = table().decide(asked, ["in_force", "enrolled", "provider_active", "c_ferpa"])

    assert decision.reasons == ("flow:F1", "law:FERPA:ferpa.consent")
    assert decision.obligations == ("AOD", "MINEC", "NORDSCLCD", "ferpa.9933")
    assert (decision.flow, decision.clause, decision.bases) == ("F1", "4.1", ("ferpa.consent",))


def test_a_denial_lists_every_objection_in_the_order_of_judgement() -> None:
    asked = slice_of("provider lea counselor follow referral.status")

    decision = table().decide(asked, ["dissent"])

    assert decision.reasons == (
        "prohibition:P6",
        "law:HIPAA",
        "law:STATE-MH",
        "template:no-flow",
        "agreement:no-flow",
    )
    assert decision.clause == "5"
    assert decision.missing == ("threat_documented",)


def test_a_denial_by_law_names_the_clause_of_the_flow_and_the_nearest_missing_fact() -> None:
    asked = slice_of("lea provider intake refer referral.reason")

    decision = table().decide(asked, ["in_force", "enrolled", "provider_active"])

    assert decision.reasons == ("law:FERPA",)
    assert (decision.clause, decision.missing) == ("4.1", ("c_ferpa",))


def test_a_local_prohibition_names_the_agreements_own_clause() -> None:
    asked = slice_of("provider hub loader report sud.row")

    decision = table().decide(asked, [])

    assert decision.reasons[0] == "prohibition:A1"
    assert decision.clause == "15"


def test_part_2_consent_brings_its_notice_and_a_copy_of_its_scope() -> None:
    asked = slice_of("provider hub loader report sud.row")
    votes = {vote.layer: vote for vote in table().explain(asked, ["c_part2"])}

    assert votes["law:PART2"].agrees
    assert votes["law:PART2"].by == ("p2.consent",)
    assert not votes["prohibition:A1"].agrees


def test_a_release_under_part_2_consent_carries_the_notice_and_its_scope() -> None:
    without_a1 = agreement_with("elements: [sud.row], unless", "elements: [ref.row], unless")
    open_table = compile_table(shipped_template(), without_a1, law())
    asked = slice_of("provider hub loader report sud.row")
    facts = ["in_force", "state_mandate", "pseudonymised", "c_part2"]

    decision = open_table.decide(asked, facts)

    assert decision.bases == ("hipaa.required_by_law", "state.coded_to_state", "p2.consent")
    assert {"p2.notice", "p2.copy_or_scope", "PSEUD"} <= set(decision.obligations)


def test_a_filter_lists_no_clause_that_always_holds_and_none_twice() -> None:
    claim = table().filter(slice_of("provider payer claims bill claim.core"))

    assert all(() not in clause for clause in claim.clauses)
    assert len(set(claim.clauses)) == len(claim.clauses)


@pytest.mark.parametrize(
    "words",
    [
        "lea lea counselor follow referral.status",
        "lea provider counselor refer referral.reason",
        "lea provider intake refer referral.raeson",
        "lea clinic intake refer referral.reason",
        "court provider intake refer referral.reason",
    ],
)
def test_a_slice_no_document_defines_is_denied_as_unknown(words: str) -> None:
    decision = table().decide(slice_of(words), ["threat_documented"])

    assert (decision.outcome, decision.reasons) == ("deny", ("unknown-slice",))


def test_a_misspelt_fact_denies_instead_of_counting_as_false() -> None:
    asked = slice_of("lea provider intake refer referral.reason")
    facts = ["in_force", "enrolled", "provider_active", "c_ferpa"]

    assert table().decide(asked, facts).permitted
    assert table().decide(asked, [*facts, "disent"]).reasons == ("decision-failed",)


def test_an_error_inside_the_decision_denies() -> None:
    asked = slice_of("lea provider intake refer referral.reason")

    assert table().decide(asked, [["not", "a", "name"]]).reasons == ("decision-failed",)  # type: ignore[list-item] # wrong on purpose
    assert table().decide(None, []).reasons == ("decision-failed",)  # type: ignore[arg-type] # wrong on purpose
