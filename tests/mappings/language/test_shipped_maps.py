from pathlib import Path

import pytest

from documents import DocumentError
from mappings.fhir.terminology import table
from mappings.language import (
    SHIPPED,
    check_map,
    compile_map,
    explain_map,
    list_maps,
    load_map,
    run_examples,
)
from mappings.language import codes as lists
from mappings.language.shipped import FOLDER


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_map_has_no_mistake_and_its_examples_hold(name: str) -> None:
    document = load_map(name)
    assert check_map(document) == []
    results = run_examples(compile_map(document))
    assert len(results) >= 2
    assert [result for result in results if result.differences] == []


def test_every_map_in_the_folder_is_listed_under_its_id() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == sorted(SHIPPED)
    assert [document.id for document in list_maps()] == list(SHIPPED)


def test_every_value_table_is_used() -> None:
    used = {rule.values_from for name in SHIPPED for rule in load_map(name).fields}
    assert {f"values/{path.name}" for path in (FOLDER / "values").glob("*.csv")} == used - {""}


def test_a_misspelt_map_id_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(DocumentError, match='did you mean "aspen-students"'):
        load_map("aspen-student")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_column_of_a_map_is_explained(name: str) -> None:
    document = load_map(name)
    explained = " ".join(line.column for line in explain_map(document))
    assert [word.text for word in document.main.headings if word.text not in explained] == []


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (lists.REASONS, "concerns"),
        (lists.SERVICES, "services"),
        (lists.REFERRER_ROLES, "referrer-roles"),
        (lists.INSTRUMENTS, "instruments"),
        (lists.GRADES, "grade-levels"),
        (lists.PURPOSES, "purposes"),
        (lists.ELEMENTS, "release-elements"),
        (lists.MODALITIES, "modalities"),
        (lists.PLACES, "places"),
        (lists.LICENCES, "licences"),
    ],
)
def test_every_code_a_map_may_use_is_one_the_builders_know(
    mine: tuple[str, ...], theirs: str
) -> None:
    assert set(mine) <= set(table(theirs).rows)


def test_an_example_that_does_not_hold_names_the_field(tmp_path: Path) -> None:
    text = (FOLDER / "aspen-students.yaml").read_text("utf-8").replace("values/", f"{tmp_path}/")
    text = text.replace("student.sex: female", "student.sex: male")
    for path in (FOLDER / "values").glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "aspen.yaml").write_text(text.replace(f"{tmp_path}/", ""), encoding="utf-8")
    first = run_examples(compile_map(load_map(tmp_path / "aspen.yaml")))[0]
    assert first.differences == ('student.sex is "female"; expected "male"',)
