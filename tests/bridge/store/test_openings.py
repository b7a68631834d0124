"""Whose end of what may let something be seen: decided by what a fact counts as while unknown."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from bridge.schema import metadata
from bridge.store.database.engine import read, write
from bridge.store.facts.evidence import ALWAYS_TO, NewEvidence, record_evidence
from bridge.store.facts.openings import due_openings, end_opens
from consent.law import load_law
from consent.mou import read_agreement, read_template, shipped_document
from consent.table import compile_table
from tests.support.worlds import NOW, World

LATER = NOW + timedelta(days=30)
SHIPPED = (
    ("xx-smh-template", "millbrook-harbor-2026"),
    ("ct-style-smh-template", "stonebrook-crossroads-2026"),
)


@pytest.mark.parametrize(("above", "below"), SHIPPED)
def test_only_what_an_end_opens_for_stands_against_a_permit(above: str, below: str) -> None:
    """A filter asks that such a fact does not hold; of every other it asks that it does."""
    template = read_template(shipped_document(above), above)
    agreement = read_agreement(shipped_document(below), below, template)
    table = compile_table(template, agreement, load_law(template.jurisdiction))
    against = {
        str(literal.fact)
        for asked in table.slices()
        for clause in table.filter(asked).clauses
        for alternative in clause
        for literal in alternative
        if not literal.wanted
    }
    assert against
    assert all(end_opens(fact, value=True) for fact in against)


FACTS = (
    ("recipient_blocked", {"valid_to": LATER}, True),
    ("recipient_blocked", {}, False),
    ("c_ferpa", {"valid_to": LATER}, False),
    ("c_ferpa", {"valid_to": LATER, "value": False}, True),
    ("c_ferpa", {"valid_from": LATER}, True),
    ("recipient_blocked", {"valid_to": NOW - timedelta(days=1)}, False),
    ("recipient_blocked", {"valid_to": LATER, "student_id": ""}, False),
)


@pytest.mark.parametrize(("fact", "said", "due"), FACTS)
def test_a_day_is_written_down_with_the_fact_that_has_one(
    lite: World, fact: str, said: dict[str, Any], *, due: bool
) -> None:
    begins = NOW - timedelta(days=9)
    given: dict[str, Any] = {
        "student_id": "s",
        "valid_from": begins,
        "recorded_at": NOW,
        "source": "x",
        **said,
    }
    with write(lite.bridge.engine) as connection:
        connection.execute(delete(metadata.tables["opening"]))
        record_evidence(connection, [NewEvidence(id="x", fact=fact, **given)])
    with read(lite.bridge.engine) as connection:
        assert due_openings(connection, LATER - timedelta(days=1), 9) == []
        found = due_openings(connection, ALWAYS_TO, 9)
    assert [each.at for each in found] == [LATER] * due
