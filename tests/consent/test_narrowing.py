"""What a child says of its parent, and what it leaves unsaid."""

import re

import pytest

from consent.minimise import elements_of
from consent.mou import read_agreement, seal, shipped_agreement, shipped_template
from consent.mou.agreement import Agreement
from tests.consent.worked_example import AGREEMENT, edited, problems_of, slice_of, table

TEMPLATE = shipped_template()
EXTENDS = re.search(r"extends: \{id: [\w-]+, version: \"[\d.]+\", digest: (\".*\")\}", AGREEMENT)
assert EXTENDS is not None


def read(text: str) -> Agreement:
    return read_agreement(seal(text.encode(), TEMPLATE), "a.yaml", TEMPLATE)


def problems(old: str, new: str) -> list[str]:
    return problems_of(read_agreement, edited(AGREEMENT, old, new).encode(), "a.yaml", TEMPLATE)


def test_an_agreement_tells_which_document_it_signs() -> None:
    extends = shipped_agreement().extends

    assert (extends.id, extends.version) == (TEMPLATE.id, TEMPLATE.version)


def test_an_agreement_that_changes_no_flow_has_those_of_its_template() -> None:
    without = re.sub(r"flows:\n(?:  F.*\n)+", "", AGREEMENT)

    assert "flows:" not in without
    assert read(without).flows == TEMPLATE.flows


@pytest.mark.parametrize("name", ["id", "version", "digest"])
def test_what_extends_leaves_out_is_missed_once_and_nothing_else_is(name: str) -> None:
    assert EXTENDS is not None
    parts = {part.split(": ")[0]: part for part in EXTENDS[0][10:-1].split(", ")}
    kept = ", ".join(part for key, part in parts.items() if key != name)

    found = problems(EXTENDS[0], f"extends: {{{kept}}}")

    assert len(found) == 1
    assert found[0].startswith("a.yaml:7:")
    assert name in found[0]


def test_a_clause_names_blocks_by_their_names() -> None:
    found = problems("settings: [retention, breach, small_cell]", "settings: [retentoin]")

    assert len(found) == 1
    assert "is not a known block;" in found[0]
    assert 'did you mean "retention"?' in found[0]


def test_a_number_of_the_template_is_not_taken_again() -> None:
    (found,) = problems('"15": {title', '"14": {title')

    assert found.endswith('clause "14" is the template\'s; take a new number')


def test_the_elements_of_a_type_are_those_that_decide_and_no_marks() -> None:
    found = elements_of("to-provider", ("Patient", "RelatedPerson"))

    assert {"student.name", "guardian.contact"} <= found
    assert not [element for element in found if element.startswith("@")]
    assert elements_of("to-provider", ("Task",)) != found


def test_the_duties_towards_a_recipient_are_those_of_what_it_may_get() -> None:
    found = table().duties_towards("lea", "provider", "intake", "refer")

    assert {"NORDSCLCD", "AOD", "MINEC", "ferpa.9933"} <= found
    assert "PSEUD" not in found
    assert table().duties_towards("lea", "provider", "intake", "marketing") == frozenset()
    assert slice_of("lea provider intake refer student.name").element in table().elements(
        "lea", "provider", "intake", "refer"
    )
