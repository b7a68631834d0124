"""The tables agree with the published value sets, and with what we publish ourselves."""

import csv
import json
import tarfile
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from mappings.canonical import Modality, Place
from mappings.fhir.definitions import (
    code_systems,
    concept_maps,
    extension_definitions,
    questionnaires,
)
from mappings.fhir.rules import ENCOUNTER_CLASSES
from mappings.fhir.terminology import TABLES, table
from mappings.language import codes
from tests.support.profiles import IG, validate

VALUE_SETS = {
    "R4 appointmentstatus": "appointmentstatus",
    "R4 participationstatus": "participationstatus",
    "R4 participantrequired": "participantrequired",
    "R4 identifier-use": "identifier-use",
    "R4 consent-state-codes": "consent-state-codes",
    "R4 consent-provision-type": "consent-provision-type",
    "R4 encounter-status": "encounter-status",
    "R4 encounter-location-status": "encounter-location-status",
    "R4 location-status": "location-status",
    "R4 location-mode": "location-mode",
    "R4 observation-status": "observation-status",
    "R4 contact-point-system": "contact-point-system",
    "R4 contact-point-use": "contact-point-use",
    "R4 name-use": "name-use",
    "R4 administrative-gender": "administrative-gender",
    "R4 provenance-entity-role": "provenance-entity-role",
    "R4 questionnaire-answers-status": "questionnaire-answers-status",
    "R4 request-status": "request-status",
    "R4 request-intent": "request-intent",
    "R4 request-priority": "request-priority",
    "R4 task-status": "task-status",
    "R4 task-intent": "task-intent",
}


@cache
def package() -> dict[str, dict[str, Any]]:
    with tarfile.open(IG / "hl7.fhir.r4.core-4.0.1.tgz") as archive:
        members = [item for item in archive if "/ValueSet-" in item.name]
        found = [json.load(archive.extractfile(item) or pytest.fail(item.name)) for item in members]
    return {item["id"]: item for item in found}


def codes_of(value_set: str) -> set[str]:
    include = package()[value_set]["compose"]["include"]
    return {concept["code"] for part in include for concept in part["concept"]}


def rules() -> list[dict[str, str]]:
    text = (files("mappings.fhir") / "resource_rules.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_every_code_rule_lists_exactly_the_codes_of_its_value_set() -> None:
    code_rules = [row for row in rules() if row["rule"] == "codes"]
    assert {row["origin"] for row in code_rules} == set(VALUE_SETS)
    for row in code_rules:
        assert set(row["values"].split()) == codes_of(VALUE_SETS[row["origin"]]), row["path"]


def test_encounter_classes_are_those_of_the_published_value_set() -> None:
    published = {code for code in codes_of("v3-ActEncounterCode") if not code.startswith("_")}
    assert published == ENCOUNTER_CLASSES


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_unique_codes_with_displays(name: str) -> None:
    text = (files("mappings.fhir.terminology") / f"{name}.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert len({row["code"] for row in rows}) == len(rows) > 1
    assert all(row["code"] and row["display"] for row in rows)


def test_every_table_in_the_folder_is_listed() -> None:
    held = {item.name for item in files("mappings.fhir.terminology").iterdir()}
    assert {name for name in held if name.endswith(".csv")} == {f"{name}.csv" for name in TABLES}


MAPPED = {
    "concerns": codes.REASONS,
    "grade-levels": codes.GRADES,
    "instruments": codes.INSTRUMENTS,
    "purposes": codes.PURPOSES,
    "referrer-roles": codes.REFERRER_ROLES,
    "release-elements": codes.ELEMENTS,
    "services": (*codes.SERVICES, "unspecified"),
}


@pytest.mark.parametrize("name", MAPPED)
def test_a_map_may_translate_into_exactly_the_codes_of_a_table(name: str) -> None:
    assert set(table(name).rows) == set(MAPPED[name])


def test_every_modality_and_place_has_a_code() -> None:
    assert set(table("modalities").rows) == {modality.value for modality in Modality}
    assert set(table("places").rows) == {place.value for place in Place}
    classes = {row["encounter_class"] for row in table("places").rows.values()}
    assert classes <= ENCOUNTER_CLASSES


def test_the_service_codes_are_the_verified_ones() -> None:
    assert {row["snomed"] for row in table("modalities").rows.values()} == {
        *("18512000", "76168009", "108313002", "10197000"),
    }


@pytest.mark.validator
def test_what_we_publish_is_valid() -> None:
    published = [*extension_definitions(), *code_systems(), *concept_maps(), *questionnaires()]
    assert len(published) == 13 + len(TABLES) + 9 + 6
    assert validate(published) == []


def test_a_concept_map_leaves_out_codes_that_have_no_standard_one() -> None:
    maps = {item["id"]: item for item in concept_maps()}
    (group,) = maps["instruments"]["group"]
    assert [item["code"] for item in group["element"]] == ["phq-9", "phq-a", "gad-7"]
