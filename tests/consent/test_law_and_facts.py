"""The law pack and the fact table: data, complete, and what silence means."""

from datetime import date
from itertools import pairwise

import pytest

from consent.codes import obligation_codes, purpose_codes
from consent.facts import facts_with_unknowns, load_facts
from consent.law import jurisdictions, load_law
from consent.model import Slice
from consent.mou import read_agreement, read_template, seal
from consent.mou.terms.catalogue import IDENTIFIABILITY
from consent.table import DecisionTable, compile_table
from tests.consent.worked_example import AGREEMENT, TEMPLATE, slice_of


def test_the_pack_has_every_rule_with_a_citation() -> None:
    law = load_law("US-CT")

    assert len(law.rules) == 51
    assert all(rule.cite and rule.rule for rule in law.rules)
    assert "lawyer" in law.review


def test_every_fact_a_basis_needs_is_in_the_fact_table() -> None:
    for jurisdiction in jurisdictions():
        needed = {fact for basis in load_law(jurisdiction).bases for fact in basis.needs}
        assert needed
        assert needed <= load_facts().keys()


def test_a_jurisdiction_without_a_pack_decides_nothing() -> None:
    with pytest.raises(LookupError):
        load_law("US-ZZ")


@pytest.mark.parametrize(
    ("recipient", "role", "purpose", "expected"),
    [
        ("provider", "clinician", "emergency", True),
        ("provider", "intake", "emergency", False),
        ("provider", "clinician", "safety", False),
    ],
)
def test_a_basis_counts_only_for_the_roles_and_purposes_it_names(
    recipient: str, role: str, purpose: str, expected: bool
) -> None:
    basis = next(b for b in load_law("US-XX").bases if b.name == "p2.emergency")

    asked = Slice("provider", recipient, role, purpose, "sud.record")
    assert basis.applies(asked, "indirect") is expected


@pytest.mark.parametrize("jurisdiction", jurisdictions())
def test_nothing_that_names_or_points_to_a_person_counts_as_de_identified(
    jurisdiction: str,
) -> None:
    asked = Slice("lea", "provider", "intake", "refer", "referral.note")
    bases = [b for b in load_law(jurisdiction).bases if "deidentified" in b.needs]

    assert len(bases) == 6
    for basis in bases:
        counts = [i for i in IDENTIFIABILITY.names if basis.applies(asked, i)]
        assert counts == ["pseudonym", "none"]


def test_what_a_form_needs_is_listed_per_law() -> None:
    parts = {part.part: dict(part.says) for part in load_law("US-CT").form_parts}

    assert parts["expiry date or event"]["ferpa_99_30"] == "no"
    assert parts["expiry date or event"]["hipaa_164_508"] == "yes"


def test_there_are_29_facts_and_one_that_a_state_with_a_session_limit_adds() -> None:
    assert len(load_facts()) == 30
    assert list(load_facts())[-1] == "sessions_within_limit"


@pytest.mark.parametrize(
    ("jurisdiction", "day", "sessions", "expected"),
    [
        ("US-YY", "2026-10-01", 6, True),
        ("US-YY", "2026-10-01", 7, False),
        ("US-CT", "2021-06-30", 6, True),
        ("US-CT", "2021-06-30", 7, False),
        ("US-CT", "2021-07-01", 7, True),
        ("US-CT", "2021-07-01", 700, True),
    ],
)
def test_how_long_a_minor_may_be_treated_alone_is_a_dated_number_of_the_law(
    jurisdiction: str, day: str, sessions: int, expected: bool
) -> None:
    law = load_law(jurisdiction)

    assert law.sessions_within_limit(sessions, date.fromisoformat(day)) is expected


def test_a_number_the_pack_does_not_have_for_a_day_is_not_guessed() -> None:
    with pytest.raises(LookupError, match=r"US-YY has no minor_consent\.session_limit on 2018"):
        load_law("US-YY").sessions_within_limit(1, date(2018, 12, 31))


def test_every_number_comes_from_a_rule_of_its_pack_and_its_days_do_not_overlap() -> None:
    for jurisdiction in jurisdictions():
        law = load_law(jurisdiction)
        rules = {rule.id for rule in law.rules}
        assert {number.rule for number in law.parameters} <= rules
        for earlier, later in pairwise(law.parameters):
            assert earlier.name != later.name or earlier.last < later.first


def in_yy() -> DecisionTable:
    """Return the worked documents, unchanged but for the state and its session limit."""
    text = TEMPLATE.replace("US-XX", "US-YY").replace("session_limit: null ", "session_limit: 6 ")
    text = text.replace("[hipaa.auth, state.consent]", "[hipaa.auth, yy.consent]")
    template = read_template(text.replace("state.imminent", "yy.imminent").encode(), "yy.yaml")
    agreement = read_agreement(seal(AGREEMENT.encode(), template), "a.yaml", template)
    return compile_table(template, agreement, load_law("US-YY"))


@pytest.mark.parametrize(
    ("facts", "reasons"),
    [
        ("c_minor sessions_within_limit", ("flow:F2",)),
        ("c_minor", ("law:HIPAA", "law:YY-MH")),
        ("sessions_within_limit", ("prohibition:P1",)),
        ("c_minor c_health", ("flow:F2",)),
    ],
)
def test_a_second_state_decides_by_its_own_law_without_a_change_of_code(
    facts: str, reasons: tuple[str, ...]
) -> None:
    asked = slice_of("provider lea counselor follow referral.status")
    known = ["in_force", "enrolled", "minor_consented_care", *facts.split()]

    assert in_yy().decide(asked, known).reasons[: len(reasons)] == reasons


def test_unknown_facts_a_permit_needs_are_false_and_prohibiting_ones_true() -> None:
    assumed = facts_with_unknowns((), (), under_18=False)

    assert assumed == {"dissent", "recipient_blocked", "third_party_present"}


@pytest.mark.parametrize(("under_18", "expected"), [(True, True), (None, True), (False, False)])
def test_whose_consent_care_rests_on_is_assumed_against_release_below_18(
    under_18: bool | None, expected: bool
) -> None:
    assert ("minor_consented_care" in facts_with_unknowns((), (), under_18)) is expected


def test_a_known_answer_replaces_the_assumption() -> None:
    known = facts_with_unknowns(("c_ferpa",), ("dissent", "recipient_blocked"), under_18=False)

    assert known == {"c_ferpa", "third_party_present"}


def test_a_fact_said_to_be_both_true_and_false_counts_as_unknown() -> None:
    both = ("c_ferpa", "dissent")

    assert facts_with_unknowns(both, both, under_18=False) >= {"dissent"}
    assert "c_ferpa" not in facts_with_unknowns(both, both, under_18=False)


def test_a_misspelt_fact_is_refused() -> None:
    with pytest.raises(ValueError, match="disent"):
        facts_with_unknowns((), ("disent",), under_18=True)


def test_codes_are_hl7s_and_our_few_own() -> None:
    assert {"COC", "THREAT", "ETREAT"} <= purpose_codes()
    assert {"AOD", "NORDSCLCD", "REVIEW72H", "p2.notice"} <= obligation_codes()
    assert "COC" not in obligation_codes()
