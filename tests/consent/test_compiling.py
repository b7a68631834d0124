"""What one slice compiles to: which laws govern it, which flow names it, which facts matter."""

from dataclasses import replace

import pytest

from consent.compiling import compile_slice, kinds_of
from consent.conditions import Conditions, Sources, bits_of
from consent.duties import able
from consent.mou import shipped_agreement, shipped_template
from tests.consent.worked_example import agreement_with, law, slice_of, template_with

REFER = slice_of("lea provider intake refer referral.reason")
ATTEND = slice_of("provider lea referral_coordinator attend visit.dates")
PART2 = slice_of("provider lea counselor follow sud.record")
SOURCES = Sources(shipped_template(), shipped_agreement(), law())
FOR_SCHOOL = agreement_with("acts_for_lea: false", "acts_for_lea: true")


def ways_of(conditions: Conditions, layer: str) -> list[str]:
    return [way.name for found in conditions.layers if found.name == layer for way in found.ways]


@pytest.mark.parametrize(
    ("kind", "governed"),
    [
        ("treatment_record", ("education_record",)),
        ("part2_record", ("education_record", "part2_record")),
        ("aggregate", ("aggregate",)),
    ],
)
def test_what_a_provider_keeps_for_the_school_is_governed_as_the_schools_own(
    kind: str, governed: tuple[str, ...]
) -> None:
    assert kinds_of(kind, replace(SOURCES, agreement=FOR_SCHOOL)) == governed
    assert kinds_of(kind, SOURCES) == (kind,)


def test_without_a_provider_every_kind_is_governed_as_the_catalogue_says() -> None:
    others = {name: party for name, party in FOR_SCHOOL.parties.items() if name != "provider"}
    sources = replace(SOURCES, agreement=replace(FOR_SCHOOL, parties=others))

    assert kinds_of("treatment_record", sources) == ("treatment_record",)


def test_the_clause_of_a_slice_is_that_of_the_flow_that_names_it() -> None:
    assert compile_slice(REFER, SOURCES).clause == "4.1"
    assert compile_slice(ATTEND, SOURCES).clause == "4.3"


def test_a_slice_that_no_flow_names_has_no_clause() -> None:
    assert compile_slice(PART2, SOURCES).clause == ""


def test_only_facts_that_some_part_looks_at_are_relevant() -> None:
    without_rules = replace(SOURCES.template, prohibitions=())
    bare = replace(SOURCES.agreement, prohibitions=())
    found = compile_slice(ATTEND, Sources(without_rules, bare, law()))
    named = 0
    for layer in found.layers:
        for way in layer.ways:
            named |= way.needs

    assert found.relevant == named
    assert not found.relevant & bits_of(["rights_holder"])
    assert compile_slice(slice_of("lea lea intake refer referral.reason"), SOURCES).relevant == 0


def test_each_fact_can_be_without_relevance() -> None:
    agreement, template = replace(SOURCES.agreement, flows=()), replace(SOURCES.template, flows=())
    agreement, template = replace(agreement, prohibitions=()), replace(template, prohibitions=())
    lawless = replace(law(), bases=())

    assert compile_slice(REFER, Sources(template, agreement, lawless)).relevant == 0


def test_a_notice_rides_only_where_the_template_lists_it() -> None:
    listed = compile_slice(REFER, SOURCES)
    unlisted = template_with("notice: [ferpa.9933, p2.notice]", "notice: [p2.notice]")
    without = compile_slice(REFER, replace(SOURCES, template=unlisted))

    codes = [{c for layer in found.layers for way in layer.ways for c in way.obligations}
             for found in (listed, without)]  # fmt: skip
    assert ["ferpa.9933" in each for each in codes] == [True, False]


def test_a_basis_names_the_form_whose_copy_rides_and_no_other() -> None:
    found = compile_slice(PART2, SOURCES)
    forms = {way.name: way.form for layer in found.layers for way in layer.ways}

    assert forms["p2.consent"] == "part2"
    assert forms["hipaa.auth"] == ""


def test_a_clause_stands_behind_a_flow_and_never_behind_a_law() -> None:
    found = compile_slice(REFER, SOURCES)
    clauses = {layer.name: {way.clause for way in layer.ways} for layer in found.layers}

    assert clauses == {"law:FERPA": {""}, "template": {"4.1"}, "agreement": {"4.1"}}


def test_a_flow_that_is_stuck_is_named_only_where_no_other_flow_is_a_way_through() -> None:
    first = next(flow for flow in SOURCES.template.flows if flow.names(REFER))
    stuck = replace(first, id="F99", obligations=("NOBODY",))

    def objection(*flows: object) -> str:
        template = replace(SOURCES.template, flows=flows)
        found = compile_slice(REFER, replace(SOURCES, template=template, able=able()))
        return next(layer.objection for layer in found.layers if layer.name == "template")

    assert objection(stuck) == "duty:NOBODY"
    assert objection(first, stuck) == objection(stuck, first) == "template:no-flow"


def test_a_way_that_is_stuck_is_no_way() -> None:
    first = next(flow for flow in SOURCES.template.flows if flow.names(REFER))
    template = replace(SOURCES.template, flows=(first, replace(first, obligations=("NOBODY",))))

    assert ways_of(compile_slice(REFER, replace(SOURCES, template=template)), "template") == ["F1"]
