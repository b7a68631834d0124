"""A map may keep words it knows no code for; they reach the resource as words."""

from dataclasses import replace
from typing import Any

import pytest

from mappings.canonical import Coded, Referral
from mappings.fhir import referral_resources
from tests.support.fhir_records import CONTEXT, FULL
from tests.support.profiles import validate

WORDS = Coded("", "as the form says")


def built(referral: Referral) -> dict[str, dict[str, Any]]:
    return {r["resourceType"]: r for r in referral_resources(referral, CONTEXT)}


def test_a_reason_without_a_code_keeps_its_words() -> None:
    request = built(replace(FULL, reasons=(WORDS,)))["ServiceRequest"]
    assert request["reasonCode"] == [{"text": "as the form says"}]


def test_a_service_without_a_code_is_a_referral_in_those_words() -> None:
    request = built(replace(FULL, requested_service=WORDS))["ServiceRequest"]
    assert request["code"]["text"] == "as the form says"


@pytest.mark.validator
def test_a_student_with_words_only_is_still_valid() -> None:
    student = replace(FULL.student, sex=WORDS, grade=WORDS, home_language=WORDS)
    patient = built(replace(FULL, student=student))["Patient"]
    assert patient["gender"] == "unknown"
    assert validate([patient]) == []
