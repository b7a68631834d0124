"""What a prover shows of every shipped paper: for all facts at once, not for examples."""

from collections.abc import Iterator

import pytest
import z3

from consent.model import Slice
from consent.mou.terms.prohibitions import Prohibition, ProhibitionId
from tests.consent.oracles.formulas import (
    FACTS,
    Formula,
    each_slice,
    fires,
    impossible,
    permit,
    some,
    with_fact,
)
from tests.consent.oracles.shipped import Paper, each_paper, papers


def prohibiting(paper: Paper) -> set[str]:
    """Return the facts a prohibition fires on; every other fact is evidence."""
    rules = (*paper.template.prohibitions, *paper.agreement.prohibitions)
    return {fact for rule in rules for fact in rule.when}


@each_paper
def test_taking_evidence_away_opens_no_cell(paper: Paper) -> None:
    evidence = sorted(FACTS.keys() - prohibiting(paper))

    def opens(_: Slice, allowed: Formula) -> Formula:
        return z3.Or([
            z3.And(with_fact(allowed, f, value=False), z3.Not(with_fact(allowed, f, value=True)))
            for f in evidence
        ])  # fmt: skip

    assert len(evidence) > 20
    assert each_slice(paper, opens) == []


@each_paper
def test_a_fact_that_only_prohibits_opens_no_cell(paper: Paper) -> None:
    needed = {f for flow in paper.template.flows for f in flow.requires}
    only = sorted(prohibiting(paper) - needed)

    def opens(_: Slice, allowed: Formula) -> Formula:
        return z3.Or([
            z3.And(with_fact(allowed, f, value=True), z3.Not(with_fact(allowed, f, value=False)))
            for f in only
        ])  # fmt: skip

    assert {"dissent", "recipient_blocked"} <= set(only)
    assert each_slice(paper, opens) == []


def some_prohibitions() -> Iterator[Prohibition]:
    """Yield one prohibition on every fact, lifted by every second one."""
    for fact in FACTS:
        yield Prohibition(ProhibitionId("X"), "x", when=(fact,), unless=())  # type: ignore[arg-type] # a fact's name as text
        yield Prohibition(ProhibitionId("Y"), "y", when=(), unless=(fact,))  # type: ignore[arg-type] # a fact's name as text


@each_paper
def test_one_more_prohibition_opens_no_cell_and_closes_some(paper: Paper) -> None:
    open_slices = [a for a in paper.table.slices() if not impossible(permit(a, paper))]
    closed = 0
    for asked in open_slices[:: max(1, len(open_slices) // 12)]:
        before = permit(asked, paper)
        for rule in some_prohibitions():
            after = z3.And(before, z3.Not(fires(rule)))
            assert impossible(z3.And(after, z3.Not(before)))
            closed += not impossible(z3.And(before, z3.Not(after)))
    assert closed > 0


# What must never be, in words a lawyer reads: which slices, and under which facts.
SAFETY = [
    ("psychotherapy notes never leave",
     lambda asked, paper: kind(asked, paper) == "psychotherapy_note", z3.BoolVal(True)),
    ("a blocked recipient gets nothing", lambda _, __: True, FACTS["recipient_blocked"]),
    ("a refusal is obeyed but for a documented threat",
     lambda asked, _: asked.recipient in {"lea", "provider"},
     z3.And(FACTS["dissent"], z3.Not(FACTS["threat_documented"]))),
    ("the hub gets coded rows only",
     lambda asked, _: asked.recipient == "hub", z3.Not(FACTS["pseudonymised"])),
    ("the public gets safe counts only", lambda asked, _: asked.recipient == "public",
     z3.Not(z3.And(FACTS["n_at_least_min"], FACTS["complement_safe"]))),
    ("free text leaves to partners only after a person read it",
     lambda asked, paper: paper.template.elements[asked.element].free_text
     and asked.recipient in {"lea", "provider", "hub"}, z3.Not(FACTS["human_reviewed"])),
    ("school and guardian learn nothing of care a minor sought alone",
     lambda asked, paper: kind(asked, paper) in {"treatment_record", "part2_record"}
     and (asked.recipient == "lea" or asked.role == "guardian"),
     z3.And(FACTS["minor_consented_care"],
            z3.Not(some(["c_minor", "threat_documented"])))),
    ("nobody but an asker with the right sees the family's record",
     lambda asked, _: asked.recipient == "family", z3.Not(FACTS["rights_holder"])),
    ("a record about others waits", lambda asked, paper: kind(asked, paper) != "aggregate",
     z3.And(FACTS["third_party_present"],
            z3.Not(some(["third_party_cleared", "threat_documented"])))),
    ("Part 2 rows need a Part 2 basis",
     lambda asked, paper: kind(asked, paper) == "part2_record",
     z3.Not(some(["c_part2", "medical_emergency", "deidentified"]))),
    ("nothing leaves on no evidence at all", lambda _, __: True,
     z3.And([z3.Not(fact) for fact in FACTS.values()])),
]  # fmt: skip


def kind(asked: Slice, paper: Paper) -> str:
    return paper.template.elements[asked.element].kind


@pytest.mark.parametrize("case", SAFETY, ids=lambda case: case[0].replace(" ", "-"))
@each_paper
def test_what_must_never_be_is_impossible(paper: Paper, case: tuple[str, object, Formula]) -> None:
    _, speaks_of, facts = case

    def breaks(asked: Slice, allowed: Formula) -> Formula:
        return z3.And(z3.BoolVal(bool(speaks_of(asked, paper))), allowed, facts)  # type: ignore[operator] # z3 has no types

    assert each_slice(paper, breaks) == []


def test_a_prover_does_find_the_facts_under_which_something_leaves() -> None:
    paper = papers()[0]
    opened = each_slice(paper, lambda _, allowed: allowed)

    assert 100 < len(opened) <= len(paper.table.slices())
