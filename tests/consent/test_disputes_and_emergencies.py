"""Guardians who disagree, and emergencies. All people made up."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from consent.disputes import OURS, disputes
from consent.emergencies import Declaration, opened, problems, review_due
from consent.mou import shipped_agreement, shipped_template
from consent.signed_release import SignedRelease

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
        ({"declared_by": "lea.referral_coordinator"}, "declared_by: may be"),
        ({"to_whom": "press"}, "to_whom: is no party"),
        ({"elements": ("therapy.notes",)}, "therapy.notes stays shut"),
        ({"elements": ("everything",)}, "elements: one is not in"),
        ({"declared_at": NOW + timedelta(seconds=1)}, "in the future"),
        ({"declared_at": NOW - timedelta(hours=24)}, "has lapsed"),
    ],
    ids=str,
)
def test_a_declaration_with_a_fault_opens_nothing(change: dict[str, object], said: str) -> None:
    faulty = replace(DECLARED, **change)  # type: ignore[arg-type]

    assert [text for text in problems(faulty, AGREEMENT, TEMPLATE) if said in text]
    assert opened(faulty, AGREEMENT, TEMPLATE) == ()


def test_a_medical_emergency_sets_its_own_fact_besides() -> None:
    rows = opened(replace(DECLARED, medical=True), AGREEMENT, TEMPLATE)

    assert {row.fact for row in rows} == {"threat_documented", "medical_emergency"}


def test_what_no_emergency_flow_passes_stays_shut_though_it_is_declared() -> None:
    assert opened(replace(DECLARED, elements=("student.contact",)), AGREEMENT, TEMPLATE) == ()
    assert opened(replace(DECLARED, to_whom="hub"), AGREEMENT, TEMPLATE) == ()
