"""The order of judgement in plain sets, decided anew for every cell; no table, no bits."""

from consent.model import Slice
from consent.mou.terms.flows import Flow
from tests.consent.oracles.formulas import legal_kinds, speaks, usable
from tests.consent.oracles.shipped import Paper


def objections(asked: Slice, facts: frozenset[str], paper: Paper) -> tuple[str, ...]:
    """Return every reason against a release, in the order of judgement."""
    kinds = legal_kinds(asked, paper)
    laws = dict.fromkeys(basis.law for basis in paper.law.bases if basis.kind in kinds)
    rules = (*paper.template.prohibitions, *paper.agreement.prohibitions)
    fired = [
        f"prohibition:{rule.id}"
        for rule in rules
        if speaks(rule, asked, paper) and facts >= set(rule.when) and not facts & set(rule.unless)
    ]
    unlawful = [f"law:{law}" for law in laws if not _based(law, asked, facts, paper)]
    layers = {"template": paper.template.flows, "agreement": paper.agreement.flows}
    shut = [
        f"{name}:no-flow"
        for name, flows in layers.items()
        if not any(flow_open(flow, asked, facts) for flow in flows)
    ]
    return (*fired, *unlawful, *shut)


def _based(law: str, asked: Slice, facts: frozenset[str], paper: Paper) -> bool:
    kinds = legal_kinds(asked, paper)
    return any(
        usable(basis, asked, paper) and facts >= basis.needs
        for basis in paper.law.bases
        if basis.law == law and basis.kind in kinds
    )


def flow_open(flow: Flow, asked: Slice, facts: frozenset[str]) -> bool:
    names = (flow.senders, flow.to, flow.recipients, flow.purposes, flow.elements)
    parts = (asked.sender, asked.recipient, asked.role, asked.purpose, asked.element)
    return all(part in known for part, known in zip(parts, names, strict=True)) and facts >= set(
        flow.requires
    )
