"""Each of the 42 kinds of term of a memorandum has a place that a reader reads."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from importlib.resources import files

import pytest

from consent.mou import Bound, shipped_bound, shipped_document
from consent.mou.library import bound_of
from documents import DocumentError, Located
from tests.consent.mutants import Judged, Mutant, mutants

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


# Another word the vocabulary knows, where the document itself uses one only once.
OTHER_WORDS = {
    "minor_consent.parent_notice": "never",
    "people.education_rights_holder.under_18": "all_guardians",
    "consent_conflict.guardians_disagree": "any_one_signs",
    "term.on_end.received": "delete",
    "term.on_end.new_releases": "finish",
    "term.renew": "automatic",
    "small_cell.differencing_window": "releases_of_same_table",
}


def place_of(edit: str, located: Located) -> str:
    """Return the path of an edit as the list of terms writes it: without places in lists."""
    words = re.sub(r"^(drop|add \S+ to) ", "", edit).partition(": ")[0]
    if words.startswith("clauses."):
        return words
    return ".".join(word for word in words.split(".") if not word.isdecimal())


@cache
def edits_of(kind: str) -> list[tuple[str, Mutant]]:
    located = shipped_bound(DOCUMENTS[kind]).located
    found = [(place_of(each.edit, located), each) for each in mutants(located)]
    for path, word in OTHER_WORDS.items() if kind == "template" else ():
        found.append((path, Mutant(f"{path} => {word}", with_word(located, path.split("."), word))))
    return found


def with_word(node: Located, path: list[str], word: str) -> Located:
    if not path:
        return replace(node, text=word)
    head, *rest = path
    return replace(node, entries={**node.entries, head: with_word(node.entries[head], rest, word)})


def meaning(value: object) -> object:
    """Return all that was read, but for the digests, which any edit changes."""
    if is_dataclass(value):
        parts = [part.name for part in fields(value) if part.name not in ("digest", "extends")]
        return {name: meaning(getattr(value, name)) for name in parts}
    if isinstance(value, Mapping):
        return {str(name): meaning(child) for name, child in value.items()}
    return [meaning(child) for child in value] if isinstance(value, tuple) else value


def read_of(bound: Bound) -> object:
    return meaning((bound.template, bound.own, bound.agreements))


def effects(kind: str, inside: str) -> Iterator[str]:
    """Yield what each edit at a path comes to: refused, cells, setting, or nothing."""
    shipped = shipped_bound(DOCUMENTS[kind])
    tables = Judged(shipped).tables
    for path, mutant in edits_of(kind):
        if path == inside or path.startswith(f"{inside}."):
            try:
                again = bound_of(mutant.located, shipped.id, shipped_document)
            except DocumentError:
                yield "refused"
                continue
            otherwise = read_of(again) != read_of(shipped)
            yield "cells" if Judged(again).tables != tables else "setting" * otherwise or "nothing"


def effect_of(row: dict[str, str]) -> str:
    """Return the most an edit of a term comes to."""
    found = set()
    for path in row["read_at"].split():
        kind, _, inside = path.partition(":")
        for effect in effects(kind, inside):
            found.add(effect)
            if effect == row["an_edit_changes"]:
                break
    return next(one for one in ("cells", "setting", "refused", "nothing") if one in found)


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


@pytest.mark.turns(2)
@pytest.mark.parametrize("row", TERMS, ids=lambda row: row["term"].replace(" ", "-"))
def test_an_edit_of_each_kind_of_term_changes_what_the_list_says(row: dict[str, str]) -> None:
    assert effect_of(row) == row["an_edit_changes"]


@pytest.mark.turns(2)
@pytest.mark.parametrize(("term", "path"), PATHS)
def test_what_stands_at_a_path_is_read_and_not_passed_over(term: str, path: str) -> None:
    kind, _, inside = path.partition(":")

    first = next((e for e in effects(kind, inside) if e != "nothing"), "nothing")

    assert first != "nothing", f"nothing reads {path} of {term}"


def test_terms_that_no_rule_can_carry_out_are_text_only_clauses() -> None:
    uncomputable = {row["read_at"] for row in TERMS if row["computable"] == "no"}

    assert uncomputable == {"template:clauses.17.text_only", "template:clauses.18.text_only"}
