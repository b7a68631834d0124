"""Each of the 42 kinds of term of a memorandum has a place that a reader reads."""

import csv
from collections.abc import Iterator
from importlib.resources import files

import pytest

from consent.mou import Bound, shipped_bound, shipped_document
from consent.mou.library import bound_of
from documents import DocumentError, Located
from tests.consent.mutants import mutants

DOCUMENTS = {
    "template": "ct-style-smh-template",
    "agreement": "stonebrook-crossroads-2026",
    "amendment": "stonebrook-crossroads-2026-a1",
    "licence": "school-wellness-extract-2026",
}
TERMS = list(
    csv.DictReader(
        files("consent.mou.terms")
        .joinpath("mou-terms.csv")
        .read_text(encoding="utf-8")
        .splitlines()
    )
)
PATHS = [(row["term"], path) for row in TERMS for path in row["read_at"].split()]


def found_at(node: Located, path: str) -> Iterator[Located]:
    """Yield the values at a path; lists are looked into, keys may hold dots."""
    if node.kind == "list":
        for item in node.items:
            yield from found_at(item, path)
    elif not path:
        yield node
    for name, child in node.entries.items():
        if path == name or path.startswith(f"{name}."):
            yield from found_at(child, path[len(name) + 1 :])


def told_of(bound: Bound, path: str) -> list[str]:
    """Return what reading says of the document with a word at the path misspelt, or reads."""
    said = []
    for mutant in mutants(bound.located):
        if mutant.edit.startswith(f"drop {path}"):
            try:
                again = bound_of(mutant.located, bound.id, shipped_document)
                said.append("read otherwise" if again != bound else "not read")
            except DocumentError as error:
                said.append(str(error))
    return said


def test_all_42_kinds_of_term_are_listed_with_where_they_are_read() -> None:
    assert len({row["term"] for row in TERMS}) == 42
    assert all(row["read_at"] for row in TERMS)


@pytest.mark.parametrize(("term", "path"), PATHS)
def test_a_term_stands_in_a_shipped_document_at_the_path_the_list_gives(
    term: str, path: str
) -> None:
    kind, _, inside = path.partition(":")

    values = list(found_at(shipped_bound(DOCUMENTS[kind]).located, inside))

    assert values, f"{term} has no place at {path}"


@pytest.mark.parametrize("block", [
    "minor_consent.session_limit", "security.staff_agreement", "emergency.never_blocks",
    "governance.publish", "rights.copy_of_disclosure", "term.on_end.survives",
])  # fmt: skip
def test_what_stands_at_a_path_is_read_and_not_passed_over(block: str) -> None:
    said = told_of(shipped_bound("ct-style-smh-template"), block)

    assert said
    assert "not read" not in said


def test_terms_that_no_rule_can_carry_out_are_text_only_clauses() -> None:
    uncomputable = {row["read_at"] for row in TERMS if row["computable"] == "no"}

    assert uncomputable == {"template:clauses.17.text_only", "template:clauses.18.text_only"}
