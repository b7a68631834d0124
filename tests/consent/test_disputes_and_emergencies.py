"""Guardians who disagree, and emergencies. All people made up."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from consent.disputes import OURS, disputes
from consent.emergencies import Declaration, opened, problems, review_due
from consent.mou import shipped_agreement, shipped_template
from consent.signed_release import SignedRelease
from tests.consent.worked_example import template_with

TEMPLATE, AGREEMENT = shipped_template(), shipped_agreement()
NOW = datetime(2026, 10, 15, 14, tzinfo=UTC)
SIGNED = SignedRelease(
    form="education",
    answer="signed",
    recorded_at=NOW,
    birth_date=date(2011, 3, 14),
    signer="Synthetic Mother",
    signer_relationship="MTH",
    signed_on=date(2026, 9, 1),
    elements=("referral",),
    purposes=("refer",),
    recipient="provider",
)
REFUSED = replace(SIGNED, answer="refused", signer="Synthetic Father", signer_relationship="FTH")
DECLARED = Declaration(
    threat="said to a teacher what they would do tonight",
    to_whom="provider",
    elements=("student.name", "referral.reason"),
    declared_by="lea.counselor",
    declared_at=NOW - timedelta(hours=1),
    recorded_at=NOW,
)


def test_guardians_who_disagree_are_held_by_the_agreement_and_not_by_the_law() -> None:
    (found,) = disputes([SIGNED, REFUSED], TEMPLATE)

    assert (found.signed, found.refused, found.held, found.by) == (0, 1, True, OURS)
    assert "referral.reason" in found.elements


@pytest.mark.parametrize(
    ("signed_for", "refused_for", "disagree"),
    [
        ("R-1", "R-1", True),
        ("R-1", "R-2", False),
        (None, "R-2", True),
        ("R-1", None, True),
        (None, None, True),
    ],
)
def test_forms_of_two_referrals_do_not_disagree_but_a_form_of_none_covers_each(
    signed_for: str | None, refused_for: str | None, disagree: bool
) -> None:
    forms = [replace(SIGNED, referral=signed_for), replace(REFUSED, referral=refused_for)]

    assert len(list(disputes(forms, TEMPLATE))) == disagree


@pytest.mark.parametrize(
    "other",
    [
        replace(REFUSED, signer="synthetic  MOTHER"),
        replace(REFUSED, revoked_at=NOW),
        replace(REFUSED, purposes=("follow",)),
        replace(REFUSED, recipient="lea"),
        replace(REFUSED, signer_relationship="ONESELF"),
        replace(REFUSED, answer="signed"),
    ],
    ids=["same-person", "taken-back", "other-purpose", "other-party", "student", "agrees"],
)
def test_it_takes_two_guardians_on_the_same_passing_to_disagree(other: SignedRelease) -> None:
    assert list(disputes([SIGNED, other], TEMPLATE)) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (REFUSED, replace(SIGNED, answer="refused")),
        (SIGNED, replace(REFUSED, signer=None)),
        (SIGNED, replace(REFUSED, signer="")),
        (replace(SIGNED, answer="pending"), REFUSED),
    ],
    ids=["two-refusals", "unsigned", "blank", "no-answer-yet"],
)
def test_it_takes_one_signature_and_one_refusal_by_name(
    first: SignedRelease, second: SignedRelease
) -> None:
    assert list(disputes([first, second], TEMPLATE)) == []


def test_where_any_one_signs_a_refusal_holds_by_the_prohibition_that_has_it_obeyed() -> None:
    either = template_with("guardians_disagree: hold", "guardians_disagree: any_one_signs")

    (found,) = disputes([REFUSED, SIGNED], either)

    assert (found.signed, found.refused, found.held, found.by) == (1, 0, True, "agreement: P6")


def test_where_nothing_forbids_a_disagreement_is_told_and_holds_nothing() -> None:
    either = template_with("guardians_disagree: hold", "guardians_disagree: any_one_signs")
    rest = tuple(rule for rule in either.prohibitions if rule.id != "P6")

    (found,) = disputes([REFUSED, SIGNED], replace(either, prohibitions=rest))

    assert (found.held, found.by) == (False, OURS)


def test_an_emergency_opens_its_elements_for_24_hours_and_owes_a_review_in_72() -> None:
    rows = opened(DECLARED, AGREEMENT, TEMPLATE)

    assert {(row.fact, row.recipient) for row in rows} == {("threat_documented", "provider")}
    assert {row.element for row in rows} == set(DECLARED.elements)
    assert {row.purpose for row in rows} == {"safety", "emergency"}
    assert {row.valid_to - row.valid_from for row in rows} == {timedelta(hours=24)}
    assert review_due(DECLARED, AGREEMENT) - NOW == timedelta(hours=71)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"threat": " "}, "threat: is not written down"),
        ({"to_whom": ""}, "to_whom: is not written down"),
        ({"elements": ()}, "elements: is not written down"),
        ({"declared_by": ""}, "declared_by: is not written down"),
        ({"declared_at": None}, "declared_at: is not written down"),
        (
            {"declared_by": "lea.referral_coordinator"},
            f"declared_by: may be {', '.join(AGREEMENT.emergency.who_may_declare)}",
        ),
        ({"to_whom": "press"}, "to_whom: is no party of the agreement"),
        (
            {"elements": ("therapy.notes",)},
            "elements: therapy.notes stays shut, whatever the emergency",
        ),
        ({"elements": ("everything",)}, "elements: one is not in the agreement's catalogue"),
        ({"declared_at": NOW + timedelta(seconds=1)}, "declared_at: lies in the future"),
        (
            {"declared_at": NOW - timedelta(hours=24)},
            "declared_at: is more than 24 hours ago, so it has lapsed; declare anew",
        ),
    ],
    ids=str,
)
def test_a_declaration_with_a_fault_opens_nothing_and_says_which(
    change: dict[str, object], said: str
) -> None:
    faulty = replace(DECLARED, **change)  # type: ignore[arg-type] # fields as a case changes them

    assert problems(faulty, AGREEMENT, TEMPLATE) == [said]
    assert opened(faulty, AGREEMENT, TEMPLATE) == ()


def test_an_emergency_declared_and_recorded_in_one_instant_opens_at_once() -> None:
    (first, *_) = opened(replace(DECLARED, declared_at=NOW), AGREEMENT, TEMPLATE)

    assert (first.valid_from, first.valid_to) == (NOW, NOW + timedelta(hours=24))


def test_a_declaration_without_its_time_opens_nothing_also_where_none_is_asked_for() -> None:
    lax = replace(AGREEMENT, emergency=replace(AGREEMENT.emergency, must_record=()))
    timeless = replace(DECLARED, declared_at=None)

    assert opened(timeless, lax, TEMPLATE) == ()
    with pytest.raises(ValueError, match="needs its time"):
        review_due(timeless, lax)


def test_a_medical_emergency_sets_its_own_fact_besides() -> None:
    rows = opened(replace(DECLARED, medical=True), AGREEMENT, TEMPLATE)

    assert {row.fact for row in rows} == {"threat_documented", "medical_emergency"}


def test_what_no_emergency_flow_passes_stays_shut_though_it_is_declared() -> None:
    assert opened(replace(DECLARED, elements=("student.contact",)), AGREEMENT, TEMPLATE) == ()
    assert opened(replace(DECLARED, to_whom="hub"), AGREEMENT, TEMPLATE) == ()
