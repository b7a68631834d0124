"""What holds for every document is proved over all its cells, and a broken table is found out."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from consent.conditions import Conditions, Denial, Layer, Sources, Way, bits_of
from consent.filters import filter_of
from consent.model import Filter, Slice
from consent.mou import read_bound, shipped_bound, shipped_document, shipped_ids
from consent.mou.terms.properties import Promise
from consent.surface import Failure, conditions_of, prove_standing, standing
from consent.surface.safeguards import ENGINE, safeguards, standing_rows
from consent.surface.standing import undefined_slices
from tests.consent.oracles.shipped import Paper, papers
from tests.consent.worked_example import slice_of

FOLLOW = "provider lea counselor follow referral.status"
STATUS = slice_of(FOLLOW)
Table = dict[Slice, Conditions]


def sources_of(paper: Paper) -> Sources:
    return Sources(paper.template, paper.agreement, paper.law)


def worked() -> Paper:
    return next(paper for paper in papers() if paper.name == "millbrook-harbor-2026")


@cache
def worked_table() -> Table:
    paper = worked()
    return conditions_of(paper.template, paper.agreement, paper.law)


@pytest.fixture
def named_slices_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the 25,000 slices no flow names: tests of their own ask those."""
    monkeypatch.setattr(standing, "undefined_slices", lambda _template: ())


def failures(table: Table, paper: Paper) -> dict[str, Failure]:
    proof = prove_standing(table, sources_of(paper))
    assert proof.properties == len(standing_rows())
    return {failure.id: failure for failure in proof.failures}


@pytest.mark.turns(2)
@pytest.mark.parametrize("document", shipped_ids())
def test_every_standing_property_holds_for_each_shipped_document(document: str) -> None:
    bound = shipped_bound(document)

    for agreement in bound.agreements:
        table = conditions_of(bound.template, agreement, bound.law)
        proof = prove_standing(table, Sources(bound.template, agreement, bound.law))
        assert (proof.properties, proof.failures) == (31, ())


def test_every_row_of_the_file_is_checked_and_says_on_what_it_rests() -> None:
    rows = standing_rows()
    lines = [row for row in rows if row["promise"] != ENGINE]
    checks = {row["id"] for row in rows} - {row["id"] for row in lines}

    assert checks == {*standing._CHECKS, "undefined-denied"}
    assert {stated.id for stated in safeguards(worked().template)} == {r["id"] for r in lines}
    assert all(row["says"] and row["source"] for row in rows)


def without(bits: int, *facts: str) -> int:
    return bits & ~bits_of(facts)


def edited_layers(one: Conditions, change: Callable[[Layer], Layer]) -> Conditions:
    return replace(one, layers=tuple(change(layer) for layer in one.layers))


def every_way(facts: str, *named: str) -> Callable[[Conditions], Conditions]:
    """Return the fault that some facts are no longer asked for, in the layers named."""

    def change(layer: Layer) -> Layer:
        ways = tuple(replace(w, needs=without(w.needs, *facts.split())) for w in layer.ways)
        return replace(layer, ways=ways) if layer.name in named else layer

    return lambda one: edited_layers(one, change)


def no_denial(*ids: str) -> Callable[[Conditions], Conditions]:
    return lambda one: replace(
        one, denials=tuple(rule for rule in one.denials if rule.id not in ids)
    )


def one_way(way: Way) -> Callable[[Conditions], Conditions]:
    return lambda one: edited_layers(one, lambda layer: replace(layer, ways=(*layer.ways, way)))


# What is planted in the table of one slice, the property that fails, and its smallest cell.
FAULTS = [
    (FOLLOW, no_denial("P6"),
     "refusal-obeyed", "c_health dissent enrolled in_force"),
    (FOLLOW, no_denial("P1"),
     "care-sought-alone", "c_health enrolled in_force minor_consented_care"),
    (FOLLOW, no_denial("P5"),
     "blocked-recipient", "c_health enrolled in_force recipient_blocked"),
    (FOLLOW, no_denial("P3"),
     "others-in-the-record", "c_health enrolled in_force third_party_present"),
    (FOLLOW, no_denial("P3"),
     "template-agrees", "c_health enrolled in_force third_party_present"),
    (FOLLOW, one_way(Way("X", 0)),
     "deny-by-default", ""),
    (FOLLOW,
     lambda one: replace(one_way(Way("X", 0))(one), denials=()), "unanswered-denies",
     "dissent minor_consented_care recipient_blocked third_party_present"),
    (FOLLOW,
     lambda one: replace(one, denials=(*one.denials, Denial("X", bits_of(["c_minor"]), 0, ""))),
     "evidence-only-opens", "c_health enrolled in_force"),
    (FOLLOW,
     lambda one: replace(one, denials=(*one.denials, Denial("X", bits_of(["c_minor"]), 0, ""))),
     "unanswered-opens-nothing", "c_health enrolled in_force"),
    (FOLLOW,
     every_way("c_health", "law:HIPAA", "law:STATE-MH"), "law-agrees", "enrolled in_force"),
    (FOLLOW,
     every_way("c_health", "law:HIPAA", "law:STATE-MH"),
     "care-record-to-school", "enrolled in_force"),
    (FOLLOW, every_way("enrolled", "template", "agreement"),
     "student-enrolled", "c_health in_force"),
    (FOLLOW, every_way("in_force", "template", "agreement"),
     "agreement-in-force", "c_health enrolled"),
    (FOLLOW, every_way("enrolled", "template", "agreement"),
     "agreement-agrees", "c_health in_force"),
    (FOLLOW,
     one_way(Way("X", bits_of(["c_health"]), obligations=("DEID",))), "duties-carried-out", None),
    ("lea provider intake refer referral.note", no_denial("P4"), "free-text-read",
     "c_ferpa enrolled in_force provider_active"),
    ("provider lea counselor safety safety.plan", every_way("threat_documented", "template",
     "agreement", "law:HIPAA", "law:STATE-MH"), "no-clinical-note-to-school", ""),
    ("lea provider intake refer referral.note",
     one_way(Way("X", bits_of(["enrolled", "in_force", "provider_active", "deidentified"]))),
     "deidentified-has-no-name", None),
    ("lea provider intake refer referral.note",
     one_way(Way("X", bits_of(["enrolled", "in_force", "provider_active"]))),
     "education-record-to-provider", "enrolled human_reviewed in_force provider_active"),
    ("lea provider intake refer referral.reason", every_way("provider_active", "template",
     "agreement"), "provider-active", "c_ferpa enrolled in_force"),
    ("provider hub loader report enc.row", every_way("pseudonymised", "template", "agreement",
     "law:STATE-MH"), "hub-rows-coded", "in_force state_mandate"),
    ("hub public anyone report agg.cell", every_way("n_at_least_min", "template", "agreement",
     "law:AGG"), "public-safe-counts", "complement_safe"),
    ("provider family guardian rights diagnosis", every_way("rights_holder", "template",
     "agreement", "law:HIPAA", "law:STATE-MH"), "family-proved", "identity_proofed"),
]  # fmt: skip


@pytest.mark.turns(2)
@pytest.mark.usefixtures("named_slices_only")
@pytest.mark.parametrize(
    ("asked", "fault", "fails", "facts"), FAULTS, ids=[f"{f[2]}-{i}" for i, f in enumerate(FAULTS)]
)
def test_a_fault_planted_in_a_table_is_found_with_its_smallest_cell(
    asked: str, fault: Callable[[Conditions], Conditions], fails: str, facts: str | None
) -> None:
    paper, broken = worked(), slice_of(asked)
    changed = fault(worked_table()[broken])
    changed = replace(changed, relevant=changed.relevant | bits_of(["deidentified"]))

    found = failures({broken: changed}, paper)[fails]

    assert found.asked == broken
    assert found.cells > 0
    assert facts is None or " ".join(found.facts) == facts


# A slice that opens as another one does, and the property that is against it.
EXCHANGED = [
    ("provider lea counselor follow therapy.notes", FOLLOW, "session-notes-stay"),
    ("provider lea counselor follow sud.record", FOLLOW, "part-2-basis"),
    ("provider lea counselor follow sud.record", FOLLOW, "part-2-notice"),
    ("lea provider intake refer student.name", FOLLOW, "redisclosure-told"),
    ("lea hub loader report student.name", "lea hub loader report ref.row", "hub-gets-no-names"),
    ("hub public anyone report diagnosis", "hub public anyone report agg.cell",
     "public-gets-counts-only"),
]  # fmt: skip


@pytest.mark.usefixtures("named_slices_only")
@pytest.mark.parametrize(("asked", "like", "fails"), EXCHANGED, ids=lambda word: word[-20:])
def test_a_slice_that_opens_as_another_one_does_is_found(asked: str, like: str, fails: str) -> None:
    paper, table = worked(), worked_table()

    found = failures({slice_of(asked): table[slice_of(like)]}, paper)[fails]

    assert found.asked == slice_of(asked)
    assert found.facts


def test_a_fault_is_planted_for_every_standing_property() -> None:
    of_engine = {"prohibition-only-closes", "undefined-denied"}

    assert {f[2] for f in FAULTS} | {e[2] for e in EXCHANGED} | of_engine == {
        row["id"] for row in standing_rows()
    }


def test_an_engine_in_which_a_denial_opens_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def last_denial_only(one: Conditions) -> Filter:
        return filter_of(replace(one, denials=one.denials[-1:]))

    monkeypatch.setattr(standing, "filter_of", last_denial_only)
    paper, table = worked(), worked_table()

    assert "prohibition-only-closes" in failures({STATUS: table[STATUS]}, paper)


def test_an_engine_that_knows_no_unknown_slice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    paper, table = worked(), worked_table()
    monkeypatch.setattr(standing, "compile_slice", lambda _asked, _sources: table[STATUS])

    found = failures({}, paper)["undefined-denied"]

    assert found.cells == len(list(undefined_slices(paper.template)))
    assert found.facts == ()


def test_slices_no_flow_names_and_words_no_document_has_are_asked_too() -> None:
    template = worked().template
    asked = set(undefined_slices(template))

    assert len(asked) > 25_000
    assert slice_of("lea lea counselor safety student.name") in asked
    assert slice_of("provider lea teacher follow diagnosis") in asked
    assert STATUS not in asked
    assert replace(STATUS, element=" ") in asked


def test_parties_are_known_by_their_capacity_in_law_and_not_by_their_name() -> None:
    text = shipped_document("ct-style-smh-template").decode()
    renamed = re.sub(r"\blea\b", "board", text).replace("family.guardian", "family.parent")
    renamed = renamed.replace("[guardian, student]\n", "[parent, student]\n")
    renamed = renamed.replace("staff: [guardian, student]", "staff: [parent, student]")
    bound = read_bound(renamed.encode(), "t.yaml", shipped_document)

    stated = {one.id: one for one in safeguards(bound.template)}

    assert stated["refusal-obeyed"].scope.to == ("board", "provider")
    assert stated["care-sought-alone"].scope.to == ("board", "family.parent")
    assert stated["public-safe-counts"].scope.to == ("public",)
    assert stated["session-notes-stay"].promise is Promise.NEVER


def test_a_line_about_a_party_the_template_lacks_speaks_of_nobody() -> None:
    template = worked().template
    roles = {name: role for name, role in template.roles.items() if name != "hub"}

    ids = {stated.id for stated in safeguards(replace(template, roles=roles))}

    assert not {"hub-rows-coded", "hub-gets-no-names"} & ids
    assert "refusal-obeyed" in ids
