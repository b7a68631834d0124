import csv
import io
import json

import pytest
from fhir.resources.R4B import get_fhir_model_class

from documents import DocumentError
from mappings.fhir.terminology import TABLES
from mappings.fhir_exports import code_bundle, concept_maps, map_bundle, value_table_of
from mappings.language import SHIPPED, load_map
from mappings.language.value_tables import normal


def valid(bundle: dict[str, object]) -> list[dict[str, object]]:
    """Return the resources of a collection, each read as its R4 type."""
    get_fhir_model_class("Bundle").model_validate(bundle)
    entries = bundle["entry"]
    assert isinstance(entries, list)
    return [entry["resource"] for entry in entries]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_map_is_written_as_resources_of_r4(name: str) -> None:
    first, *rest = valid(map_bundle(load_map(name)))
    assert first["resourceType"] == "StructureMap"
    assert {each["resourceType"] for each in rest} <= {"ConceptMap"}
    (group,) = first["group"]
    goals = {rule["target"][0]["element"] for rule in group["rule"]}
    assert goals == {r.goes_to.text for r in load_map(name).fields if not r.made_from_key}


def test_every_code_table_is_a_code_system_and_a_value_set() -> None:
    found = valid(code_bundle())
    assert len(found) == 2 * len(TABLES)
    assert {each["resourceType"] for each in found} == {"CodeSystem", "ValueSet"}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_value_table_comes_back_as_it_went(name: str) -> None:
    document = load_map(name)
    rules = [rule for rule in document.fields if rule.values]
    for rule, written in zip(rules, concept_maps(document), strict=True):
        table = value_table_of(json.dumps(written).encode(), "x.json")
        rows = list(csv.reader(io.StringIO(table)))
        assert [(normal(text), code) for text, code in rows[1:]] == [
            (normal(value.text), value.code) for value in rule.values or ()
        ]


def concept_map(*elements: object, **group: object) -> bytes:
    whole = {"resourceType": "ConceptMap", "group": [{"element": list(elements), **group}]}
    return json.dumps(whole).encode()


def element(code: str, *targets: str, how: str = "equal") -> dict[str, object]:
    return {"code": code, "target": [{"code": t, "equivalence": how} for t in targets]}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b"no json", "is no ConceptMap"),
        (b"[]", "is no ConceptMap"),
        (b'{"resourceType": "ConceptMap", "group": [1]}', "group 1 has no elements"),
        (concept_map(element("F")), "element 1: needs exactly one target"),
        (concept_map(element("F", "female", "other")), "needs exactly one target"),
        (concept_map(element("F", "female", how="inexact")), "a person decides"),
        (concept_map(element("F", "")), "has no code"),
        (concept_map(element(" ", "female")), "has no code"),
        (concept_map(element("F", "female"), element("f", "male")), "stands twice"),
        (concept_map(element("F", "female"), unmapped={"mode": "fixed"}), "default"),
        (concept_map(7), "has no code"),
    ],
)
def test_what_a_value_table_cannot_say_is_refused(source: bytes, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        value_table_of(source, "x.json")
