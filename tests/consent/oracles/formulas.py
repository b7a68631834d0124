"""The documents as formulas of z3, written from the order of judgement; no table is used."""

from collections.abc import Callable, Iterable

import z3

from consent.facts import load_facts
from consent.law import Basis
from consent.model import Filter, Slice
from consent.mou.terms.flows import Flow
from consent.mou.terms.prohibitions import Prohibition
from tests.consent.oracles.shipped import Paper

FACTS = {str(name): z3.Bool(str(name)) for name in load_facts()}
Formula = z3.BoolRef


def every(names: Iterable[str]) -> Formula:
    return z3.And([FACTS[name] for name in names])


def some(names: Iterable[str]) -> Formula:
    return z3.Or([FACTS[name] for name in names])


def permit(asked: Slice, paper: Paper) -> Formula:
    """Return when an element may leave: no prohibition, every law, template and agreement."""
    rules = (*paper.template.prohibitions, *paper.agreement.prohibitions)
    kinds = legal_kinds(asked, paper)
    spoken = [rule for rule in rules if speaks(rule, asked, paper)]
    laws = dict.fromkeys(basis.law for basis in paper.law.bases if basis.kind in kinds)
    return z3.And(
        [z3.Not(fires(rule)) for rule in spoken]
        + [law_holds(name, kinds, asked, paper) for name in laws]
        + [z3.Or([flow_holds(flow, asked) for flow in paper.template.flows])]
        + [z3.Or([flow_holds(flow, asked) for flow in paper.agreement.flows])]
        + [z3.BoolVal(bool(laws))]
    )


def legal_kinds(asked: Slice, paper: Paper) -> tuple[str, ...]:
    kind = paper.template.elements[asked.element].kind
    provider = paper.agreement.parties.get("provider")
    if provider is None or not provider.acts_for_lea:
        return (kind,)
    moved = {"treatment_record": ("education_record",)}
    moved["part2_record"] = ("education_record", "part2_record")
    return moved.get(kind, (kind,))


def speaks(rule: Prohibition, asked: Slice, paper: Paper) -> bool:
    element = paper.template.elements[asked.element]
    kinds = {element.kind, *legal_kinds(asked, paper)}
    aims = {asked.recipient, f"{asked.recipient}.{asked.role}"}
    return all((
        element.free_text or not rule.free_text,
        not rule.kinds or kinds & set(rule.kinds),
        not rule.elements or asked.element in rule.elements,
        not rule.purposes or asked.purpose in rule.purposes,
        not rule.senders or asked.sender in rule.senders,
        not rule.to or aims & set(rule.to),
    ))  # fmt: skip


def fires(rule: Prohibition) -> Formula:
    return z3.And(every(rule.when), z3.Not(some(rule.unless)))


def law_holds(law: str, kinds: tuple[str, ...], asked: Slice, paper: Paper) -> Formula:
    bases = [b for b in paper.law.bases if b.law == law and b.kind in kinds]
    return z3.Or([every(basis.needs) for basis in bases if usable(basis, asked, paper)])


def usable(basis: Basis, asked: Slice, paper: Paper) -> bool:
    wanted = (
        (basis.to, asked.recipient), (basis.purposes, asked.purpose), (basis.roles, asked.role),
        (basis.idents, paper.template.elements[asked.element].ident),
    )  # fmt: skip
    return all(not only or one in only for only, one in wanted)


def flow_holds(flow: Flow, asked: Slice) -> Formula:
    names = (flow.senders, flow.to, flow.recipients, flow.purposes, flow.elements)
    parts = (asked.sender, asked.recipient, asked.role, asked.purpose, asked.element)
    if any(part not in known for part, known in zip(parts, names, strict=True)):
        return z3.BoolVal(False)
    reviewed = ["human_reviewed"] if "HUAPRV" in flow.obligations else []
    return every([*flow.requires, *reviewed])


def of_filter(condition: Filter) -> Formula:
    """Return our own filter as a formula."""
    if condition.never:
        return z3.BoolVal(False)
    return z3.And([
        z3.Or([z3.And([FACTS[x.fact] == x.wanted for x in way]) for way in clause])
        for clause in condition.clauses
    ])  # fmt: skip


def impossible(claim: Formula) -> bool:
    """Whether no set of facts makes a claim true."""
    solver = z3.Solver()
    solver.add(claim)
    return bool(solver.check() == z3.unsat)


def with_fact(formula: Formula, fact: str, *, value: bool) -> Formula:
    return z3.substitute(formula, (FACTS[fact], z3.BoolVal(value)))


def each_slice(
    paper: Paper, claim: Callable[[Slice, Formula], Formula]
) -> list[tuple[Slice, Formula]]:
    """Return the slices in which some facts make the claim (of slice and permit) true."""
    claims = [(asked, claim(asked, permit(asked, paper))) for asked in paper.table.slices()]
    return [(asked, made) for asked, made in claims if not impossible(made)]
