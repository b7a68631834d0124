"""The leak matrix is whole, its page is current, and it names no test that does not exist."""

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def matrix() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "leak_matrix", Path(__file__).with_name("leak_matrix.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exists(test: str) -> bool:
    """Whether ``folder/file.py::test_name`` is a function of that file."""
    file, _, name = test.partition("::")
    if not (ROOT / file).is_file():
        return False
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body)


def test_the_matrix_has_its_rows_each_with_a_rule(matrix: ModuleType) -> None:
    table = matrix.rows()

    assert [row["id"] for row in table] == [str(number) for number in range(1, 109)]
    assert all(row["part"] and row["path"] and row["leak"] and row["rule"] for row in table)


def test_every_test_the_matrix_names_exists(matrix: ModuleType) -> None:
    named = [test for row in matrix.rows() for test in row["closed_by"].split()]

    assert [test for test in named if not exists(test)] == []


def test_every_mutant_the_matrix_names_is_planted(matrix: ModuleType) -> None:
    folder = Path(__file__).parent
    planting = "".join(path.read_text(encoding="utf-8") for path in folder.glob("test_*.py"))
    gates = (folder / "broken_gates.py").read_text(encoding="utf-8")
    planted = gates[gates.index("PROVIDER_FAULTS") :] + planting
    named = {each for row in matrix.rows() for each in row["mutant"].split()}

    assert [each for each in named if "::" in each and not exists(each)] == []
    assert [each for each in named if "::" not in each and each not in planted] == []


def test_every_row_of_the_first_ninety_nine_is_opened_again_by_a_fault(matrix: ModuleType) -> None:
    """What was known at the beginning. Rows 100-107 came with duties and notices."""
    own = [row for row in matrix.rows() if int(row["id"]) < 100]
    unshown = [row["id"] for row in own if not (row["closed_by"] and row["mutant"])]

    assert unshown == []


def test_a_test_that_does_not_exist_is_noticed() -> None:
    this = "tests/leaks/test_leak_matrix.py"

    assert exists(f"{this}::test_a_test_that_does_not_exist_is_noticed")
    assert not exists(f"{this}::test_of_something_never_written")
    assert not exists("tests/leaks/test_nowhere.py::test_a_test_that_does_not_exist_is_noticed")


def test_the_page_says_what_the_table_says(matrix: ModuleType) -> None:
    assert matrix.PAGE.read_text(encoding="utf-8") == matrix.render(matrix.rows())


def test_a_row_is_closed_only_by_a_named_test(matrix: ModuleType) -> None:
    row = {"id": "1", "part": "P", "path": "p", "leak": "l", "rule": "r", "closed_by": ""}
    row["mutant"] = ""

    assert matrix.line(row).endswith("| open |")
    assert "0 of 1 rows are closed" in matrix.render([row])
