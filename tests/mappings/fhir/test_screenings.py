from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mappings.canonical import Coded, ScaleResult
from mappings.canonical.instruments import band_codes, items, scales, screeners
from mappings.fhir import screening_resources
from mappings.fhir.check import check_resource
from mappings.fhir.definitions import questionnaires
from mappings.fhir.elements import BEHAVIOURAL_HEALTH
from mappings.fhir.errors import UnknownCodeError
from mappings.fhir.terminology import table
from mappings.language import codes
from tests.support.fhir_records import CONTEXT
from tests.support.screening_records import FULL_SCREENING, screenings


def made(*scores: ScaleResult, **changes: object) -> list[dict[str, Any]]:
    changed = changes | ({"scores": scores} if scores else {})
    return screening_resources(replace(FULL_SCREENING, **changed), CONTEXT)


def test_answers_come_first_and_scores_derive_from_them() -> None:
    response, score, provenance = made()
    link = {"reference": f"QuestionnaireResponse/{response['id']}"}
    assert score["derivedFrom"] == [link]
    assert provenance["target"] == [link, {"reference": f"Observation/{score['id']}"}]
    assert response["source"] == response["subject"] == score["subject"]
    assert response["item"][8] == {"linkId": "phq-9.9", "answer": [{"valueInteger": 1}]}


def test_a_score_keeps_what_the_source_calls_it_beside_it() -> None:
    score = made()[1]
    assert score["code"]["coding"][0]["code"] == "44261-6"
    assert score["valueQuantity"]["value"] == 12
    assert score["interpretation"][0]["text"] == "Moderate"
    assert score["interpretation"][0]["coding"][0]["code"] == "moderate"


def test_a_risk_level_without_a_score_is_the_value() -> None:
    level = ScaleResult("c-ssrs", None, Coded("high", "High risk"))
    score = made(level, instrument=Coded("c-ssrs", "C-SSRS"), answers=())[0]
    assert score["code"]["coding"][0]["code"] == "93374-7"
    assert score["valueCodeableConcept"]["text"] == "High risk"
    assert "valueQuantity" not in score


def test_every_screening_is_labelled_and_passes_our_own_check() -> None:
    for screening in screenings():
        for resource in screening_resources(screening, CONTEXT):
            assert check_resource(resource) == []
            if resource["resourceType"] != "Provenance":
                assert resource["meta"]["security"] == BEHAVIOURAL_HEALTH


def test_ids_depend_on_source_and_key_and_the_patient_on_the_student_alone() -> None:
    first, other = made(), made(key="S9")
    assert {item["id"] for item in first}.isdisjoint(item["id"] for item in other)
    assert first[0]["subject"] == other[0]["subject"]


@pytest.mark.parametrize(
    "score",
    [ScaleResult("phq-10", Decimal(1)), ScaleResult("phq-9", None, Coded("so-so", "So so"))],
)
def test_a_code_nobody_knows_is_refused(score: ScaleResult) -> None:
    with pytest.raises(UnknownCodeError):
        made(score)


def test_the_tables_of_instruments_and_of_fhir_list_the_same_codes() -> None:
    known = set(table("scales").rows) | set(table("instruments").rows)
    assert set(scales()) == known
    assert list(items()) == list(table("screening-items").rows)
    assert set(band_codes()) == set(table("score-bands").rows)
    assert set(codes.RESPONDENTS) == set(table("respondents").rows)
    assert set(codes.INSTRUMENTS) < set(screeners())


def test_the_questionnaire_of_each_answered_instrument_is_published() -> None:
    published = {item["url"]: item for item in questionnaires()}
    for screening in screenings():
        for resource in screening_resources(screening, CONTEXT):
            if resource["resourceType"] == "QuestionnaireResponse":
                asked = {item["linkId"] for item in published[resource["questionnaire"]]["item"]}
                assert {item["linkId"] for item in resource["item"]} <= asked


def test_no_wording_of_an_instrument_is_published() -> None:
    assert [i for q in questionnaires() for i in q["item"] if "text" in i] == []
