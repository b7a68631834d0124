"""A paper as Cedar policies: every layer is a ``forbid ... unless`` beside one permit of all."""

from collections.abc import Iterable, Iterator
from typing import Any

import cedarpy

from consent.conditions import facts_in
from consent.law import Basis
from consent.model import Slice
from consent.mou.terms.flows import Flow
from consent.mou.terms.prohibitions import Prohibition
from tests.consent.oracles.formulas import legal_kinds
from tests.consent.oracles.shipped import Paper

CLOSED = "forbid(principal,action,resource) unless {{ {} }};"


def exported(paper: Paper) -> str:
    """Return a paper, with its template and its law, as Cedar text."""
    rules = (*paper.template.prohibitions, *paper.agreement.prohibitions)
    return "\n".join([
        "permit(principal,action,resource);",
        *(prohibition(rule) for rule in rules),
        *laws(paper.law.bases),
        CLOSED.format(either(flow_holds(flow) for flow in paper.template.flows)),
        CLOSED.format(either(flow_holds(flow) for flow in paper.agreement.flows)),
    ])  # fmt: skip


def facts(names: Iterable[str]) -> str:
    return " && ".join(["true", *(f"context.facts.{name}" for name in names)])


def one_of(attribute: str, values: Iterable[str]) -> str:
    return either(f'context.{attribute} == "{value}"' for value in values)


def either(ways: Iterable[str]) -> str:
    return "(" + " || ".join(["false", *(f"({way})" for way in ways)]) + ")"


def flow_holds(flow: Flow) -> str:
    reviewed = ["human_reviewed"] if "HUAPRV" in flow.obligations else []
    return " && ".join([
        one_of("sender", flow.senders), one_of("recipient", flow.to),
        one_of("role", flow.recipients), one_of("purpose", flow.purposes),
        one_of("element", flow.elements), facts([*flow.requires, *reviewed]),
    ])  # fmt: skip


def prohibition(rule: Prohibition) -> str:
    parts = [facts(rule.when)]
    parts += [either(f'context.kinds.contains("{k}")' for k in rule.kinds)] if rule.kinds else []
    for name, values in (
        ("element", rule.elements), ("purpose", rule.purposes), ("sender", rule.senders),
    ):  # fmt: skip
        parts += [one_of(name, values)] if values else []
    parts += [either(aimed(aim) for aim in rule.to)] if rule.to else []
    parts += ["context.free_text"] if rule.free_text else []
    lifted = either(f"context.facts.{fact}" for fact in rule.unless)
    return (
        f"forbid(principal,action,resource) when {{ {' && '.join(parts)} }} unless {{ {lifted} }};"
    )


def aimed(aim: str) -> str:
    party, _, staff = aim.partition(".")
    return f'context.recipient == "{party}"' + (f' && context.role == "{staff}"' if staff else "")


def laws(bases: tuple[Basis, ...]) -> Iterator[str]:
    for law in dict.fromkeys(basis.law for basis in bases):
        own = [basis for basis in bases if basis.law == law]
        governs = either(f'context.kinds_in_law.contains("{basis.kind}")' for basis in own)
        ways = either(basis_holds(basis) for basis in own)
        yield f"forbid(principal,action,resource) when {{ {governs} }} unless {{ {ways} }};"


def basis_holds(basis: Basis) -> str:
    parts = [f'context.kinds_in_law.contains("{basis.kind}")', facts(sorted(basis.needs))]
    only = (("recipient", basis.to), ("purpose", basis.purposes), ("role", basis.roles),
            ("ident", basis.idents))  # fmt: skip
    parts += [one_of(name, sorted(values)) for name, values in only if values]
    return " && ".join(parts)


def context(asked: Slice, paper: Paper, known: Iterable[str]) -> dict[str, Any]:
    """Return what Cedar is asked about, but for the facts."""
    element = paper.template.elements[asked.element]
    law_kinds = legal_kinds(asked, paper)
    return {
        "sender": asked.sender, "recipient": asked.recipient, "role": asked.role,
        "purpose": asked.purpose, "element": asked.element, "free_text": element.free_text,
        "ident": element.ident,
        "kinds": sorted({element.kind, *law_kinds}), "kinds_in_law": sorted(law_kinds),
        "facts": dict.fromkeys(known, False),
    }  # fmt: skip


def request(base: dict[str, Any], bits: int) -> dict[str, Any]:
    """Return the question of one cell."""
    true = dict.fromkeys(facts_in(bits), True)
    return {
        "principal": 'P::"p"', "action": 'Action::"release"', "resource": 'R::"r"',
        "context": {**base, "facts": {**base["facts"], **true}},
    }  # fmt: skip


def answers(requests: list[dict[str, Any]], policies: str) -> list[bool]:
    """Ask Cedar; an error of Cedar is none of its answers."""
    found = cedarpy.is_authorized_batch(requests, policies, [])
    assert not [each.diagnostics.errors for each in found if each.diagnostics.errors]
    return [bool(each.allowed) for each in found]
