"""The law pack and the fact table: data, complete, and what silence means."""

from datetime import date
from hashlib import sha256
from importlib.resources import files
from itertools import pairwise

import pytest

from consent import facts
from consent.codes import obligation_codes, purpose_codes
from consent.facts import IfUnknown, facts_with_unknowns, load_facts
from consent.law import jurisdictions, law_of, load_law
from consent.model import Slice
from consent.mou import read_agreement, read_template, seal
from consent.mou.terms.catalogue import IDENTIFIABILITY
from consent.table import DecisionTable, compile_table
from tests.consent.worked_example import AGREEMENT, TEMPLATE, slice_of

LIMIT = "minor_consent.session_limit"


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

    assert {"element", "note"}.isdisjoint(parts["expiry date or event"])
    assert parts["expiry date or event"]["ferpa_99_30"] == "no"
    assert parts["expiry date or event"]["hipaa_164_508"] == "yes"


def test_the_digest_of_a_pack_is_that_of_its_bases() -> None:
    bases = files("consent.law").joinpath("us_yy/law-bases.csv").read_bytes()

    assert load_law("US-YY").digest == f"sha256:{sha256(bases).hexdigest()}"


def test_a_basis_needs_the_same_facts_for_every_kind_it_serves_and_an_unknown_one_none() -> None:
    law = load_law("US-XX")
    needed = {basis.name: set() for basis in law.bases}
    for basis in law.bases:
        needed[basis.name] |= basis.needs

    assert law.facts_of("ferpa.consent") == {"c_ferpa"}
    assert {name: law.facts_of(name) for name in needed} == needed
    assert law.basis_names() == needed.keys()
    assert law.facts_of("nothing of the kind") == frozenset()
    assert law.kinds() == {basis.kind for basis in law.bases} >= {"education_record", "aggregate"}


def test_the_shipped_packs_are_listed_and_say_whose_they_are_and_how_old() -> None:
    assert jurisdictions() == ("US-CT", "US-XX", "US-YY")
    law = load_law("US-YY")
    assert (law.jurisdiction, law.as_of, law.review_by) == (
        "US-YY", date(2026, 6, 1), date(2027, 6, 1),
    )  # fmt: skip
    assert law.name.startswith("State of Otherwise")


def test_each_number_of_a_pack_is_found_by_its_name_and_day() -> None:
    law = load_law("US-CT")
    old, new = (law.parameter(LIMIT, date(y, 1, 1)) for y in (2021, 2022))

    assert (old.value, old.first, old.last, old.rule) == (
        6, date(1992, 10, 1), date(2021, 6, 30), "CT-MINOR-MH-OLD",
    )  # fmt: skip
    assert (new.value, new.first, new.last) == (None, date(2021, 7, 1), date.max)
    assert law.parameter("minor_consent.reassess_every", date(2021, 1, 1)).value is None
    assert load_law("US-YY").parameter("minor_consent.reassess_every", date.max).value == 3
    with pytest.raises(LookupError):
        law.parameter(LIMIT, date(1992, 9, 30))


def test_there_are_29_facts_and_one_that_a_state_with_a_session_limit_adds() -> None:
    assert len(load_facts()) == 30
    assert list(load_facts())[-1] == "sessions_within_limit"


@pytest.mark.parametrize(
    ("jurisdiction", "day", "sessions"),
    [("US-YY", "2026-10-01", 6), ("US-CT", "2021-06-30", 6), ("US-CT", "2021-07-01", None)],
)
def test_how_long_a_minor_may_be_treated_alone_is_a_dated_number_of_the_law(
    jurisdiction: str, day: str, sessions: int | None
) -> None:
    limit = load_law(jurisdiction).parameter(LIMIT, date.fromisoformat(day))

    assert limit.value == sessions


def test_a_number_the_pack_does_not_have_for_a_day_is_not_guessed() -> None:
    with pytest.raises(LookupError, match=r"US-YY has no minor_consent\.session_limit on 2018"):
        load_law("US-YY").parameter(LIMIT, date(2018, 12, 31))


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


def test_every_fact_says_what_it_counts_as_while_unknown() -> None:
    said = {name: fact.if_unknown for name, fact in load_facts().items()}

    assert {name for name, unknown in said.items() if unknown is IfUnknown.TRUE} == {
        "dissent", "recipient_blocked", "third_party_present",
    }  # fmt: skip
    assert said["minor_consented_care"] is IfUnknown.TRUE_UNDER_18
    assert list(said.values()).count(IfUnknown.FALSE) == len(said) - 4


def test_a_fact_that_does_not_say_what_it_counts_as_is_refused() -> None:
    with pytest.raises(ValueError, match="begin with true or false"):
        facts._if_unknown("as the case may be")


def test_a_misspelt_fact_is_refused() -> None:
    with pytest.raises(ValueError, match="disent"):
        facts_with_unknowns((), ("disent",), under_18=True)


def test_codes_are_hl7s_and_our_few_own() -> None:
    assert {"COC", "THREAT", "ETREAT"} <= purpose_codes()
    assert {"AOD", "NORDSCLCD", "REVIEW72H", "p2.notice"} <= obligation_codes()
    assert "COC" not in obligation_codes()


def test_a_pack_with_the_bases_it_had_is_the_pack_of_today_in_all_else() -> None:
    today = load_law("US-CT")
    header, first, *_ = today.bases_text.splitlines(keepends=True)

    then = law_of("US-CT", header + first)

    assert then.bases == today.bases[:1]
    assert then.digest != today.digest
    assert (then.rules, then.jurisdiction) == (today.rules, "US-CT")
    assert law_of("US-CT", today.bases_text) == today
