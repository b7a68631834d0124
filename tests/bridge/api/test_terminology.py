"""Code tables and value tables are read by anybody, and speak of nobody."""

import pytest
from fhir.resources.R4B import get_fhir_model_class

from tests.support.worlds import World


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        ("CodeSystem/concerns", "suicidal-thoughts"),
        ("CodeSystem/follow-up", "waitlisted"),
        ("ValueSet/concerns", "CodeSystem/concerns"),
        ("ConceptMap/schoolbridge-template-1", "Crisis"),
    ],
)
def test_a_table_is_read_without_a_token(world: World, path: str, holds: str) -> None:
    answer = world.anonymous.get(f"/fhir/{path}")
    assert answer.status_code == 200
    assert holds in answer.text
    get_fhir_model_class(path.partition("/")[0]).model_validate(answer.json())


@pytest.mark.parametrize("path", ["CodeSystem/nothing", "ConceptMap/aspen-students-99"])
def test_a_table_that_is_not_there_is_not_found(world: World, path: str) -> None:
    assert world.anonymous.get(f"/fhir/{path}").status_code == 404


def test_the_capabilities_name_them(world: World) -> None:
    (rest,) = world.anonymous.get("/fhir/metadata").json()["rest"]
    read_only = {r["type"] for r in rest["resource"] if r.get("interaction") == [{"code": "read"}]}
    assert {"CodeSystem", "ConceptMap", "ValueSet"} <= read_only
