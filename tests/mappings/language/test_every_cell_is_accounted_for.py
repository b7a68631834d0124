"""Over shipped maps, whatever the cells say: no value vanishes, and what comes out is valid.

A filled cell of a row is in its record, or named by a reason of its hold, or stands under
do-not-send. The canonical record says so, and the resources built from it.
"""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.canonical import Referral
from mappings.fhir import DistrictSystems, ReferralContext, referral_resources
from mappings.fhir.check import check_resource
from mappings.language import CompiledMap, Held, Mapped, compile_map, flatten, load_map
from mappings.language.document import FieldRule
from mappings.readers import Table

MAPS = ("schoolbridge-template", "aspen-students", "powerschool-students")
COMPILED = {name: compile_map(load_map(name)) for name in MAPS}
ODD = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
Row = dict[str, str]


def rows_of(name: str) -> st.SearchStrategy[list[Row]]:
    """Rows that differ from the first example in a few cells: an option, or anything."""
    compiled = COMPILED[name]
    document, role = compiled.document, compiled.document.main.role
    base = next(e.given[role] for e in document.examples if e.expect)
    assert isinstance(base, dict)
    usual = {heading: base.get(heading, "") for heading in compiled.recorded(role)}
    changes = [
        st.tuples(st.just(w.text), st.one_of(*options(rule), ODD))
        for rule in document.fields
        for w in rule.columns
        if w.text in usual
    ]
    changed = st.lists(st.one_of(changes), max_size=4)
    return st.lists(changed.map(lambda some: usual | dict(some)), min_size=1, max_size=4)


def options(rule: FieldRule) -> list[st.SearchStrategy[str]]:
    return [st.sampled_from([value.text for value in rule.values])] * 3 if rule.values else []


def run(compiled: CompiledMap, rows: list[Row]) -> list[Mapped | Held]:
    role = compiled.document.main.role
    header = compiled.recorded(role)
    cells = [[row[heading] for heading in header] for row in rows]
    return list(compiled.run_tables({role: lambda: Table("rows", header, iter(cells))}, {}))


def unsaid(compiled: CompiledMap, row: Row, outcome: Mapped | Held) -> list[str]:
    """Return filled columns of which neither the record nor a reason says anything."""
    document = compiled.document
    empty = {"", *document.main.empty_words}
    filled = {heading for heading, text in row.items() if text.strip() not in empty}
    kept_back = {unsent.column.text for unsent in document.unsent}
    if isinstance(outcome, Held):
        assert outcome.reasons
        return []  # the whole row waits, cells and all
    said = flatten(outcome.record)
    both = {"student.name": "student.family_name"}
    missing = []
    for rule in document.fields:
        goal = rule.goes_to.text
        heading = next((w.text for w in rule.columns if w.text in row), "")
        if heading in filled - kept_back and both.get(goal, goal) not in said:
            missing.append(heading)
    named = {w.text for rule in document.fields for w in rule.columns} | kept_back
    return missing + sorted(filled - named - {w.text for w in document.row_key})


@pytest.mark.parametrize("name", MAPS)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_filled_cell_vanishes(name: str, data: st.DataObject) -> None:
    rows = data.draw(rows_of(name))
    for outcome in run(COMPILED[name], rows):
        number = outcome.source_row if isinstance(outcome, Mapped) else outcome.origin.row
        assert unsaid(COMPILED[name], rows[number - 2], outcome) == []


@settings(max_examples=25, deadline=None)
@given(rows=rows_of(MAPS[0]))
def test_whatever_comes_out_is_valid(rows: list[Row]) -> None:
    for outcome in run(COMPILED[MAPS[0]], rows):
        if isinstance(outcome, Mapped) and isinstance(outcome.record, Referral):
            for resource in built(outcome.record):
                assert check_resource(resource) == []


@pytest.mark.parametrize("name", MAPS)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_same_rows_say_the_same_in_any_order_and_twice(name: str, data: st.DataObject) -> None:
    compiled = COMPILED[name]
    key = compiled.document.row_key[0].text
    rows = [r | {key: f"K{n}"} for n, r in enumerate(data.draw(rows_of(name)))]
    forward, backward = run(compiled, rows), run(compiled, rows[::-1])
    assert sorted(map(told, forward)) == sorted(map(told, backward))
    assert list(map(told, run(compiled, [*rows, *rows]))) == list(map(told, forward))


def told(outcome: Mapped | Held) -> str:
    if isinstance(outcome, Held):
        return f"held {outcome.origin.key} {sorted(map(str, outcome.reasons))}"
    return str(sorted(flatten(outcome.record).items()))


def built(referral: Referral) -> list[dict[str, Any]]:
    school = referral.student.school
    context = ReferralContext(
        district_id="district",
        provider_id="provider",
        school_ids={school: "school"} if school else {},
        id_for=lambda kind, _: f"{kind.lower()}-1",
        recorded_at=datetime(2026, 1, 2, tzinfo=UTC),
        systems=DistrictSystems.of("district", "state"),
    )
    return referral_resources(referral, context)
